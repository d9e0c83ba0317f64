-- Keys made elsewhere: their secret has no signature, so it is looked up by its hash. Never edited once merged.

ALTER TABLE keys ADD COLUMN imported INTEGER NOT NULL DEFAULT 0; -- 1: its first secret was made elsewhere

CREATE INDEX keys_imported ON keys (imported) WHERE imported = 1 AND deleted_at IS NULL;
