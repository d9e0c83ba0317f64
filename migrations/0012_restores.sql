-- A D1 that was put back to an earlier time is noticed by the objects, which know what they told it. Never edited once merged.

ALTER TABLE keys ADD COLUMN reported INTEGER NOT NULL DEFAULT 0; -- counts the reports of the key's object: it never goes back by itself

CREATE TABLE restores (
  id TEXT PRIMARY KEY,               -- whose, and what it had told by then: a repeated write counts once
  created_at INTEGER NOT NULL,       -- when it was noticed
  kind TEXT NOT NULL,                -- key, budget
  scope TEXT NOT NULL,               -- the key's id, or the budget's scope
  detail TEXT NOT NULL               -- JSON: what D1 held, what the object knows, and what was done
) STRICT, WITHOUT ROWID;

CREATE INDEX restores_by_time ON restores (created_at);
