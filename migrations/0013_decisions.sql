-- Why a request went where it went, for requests that asked to be told. Never edited once merged.

ALTER TABLE requests ADD COLUMN decision TEXT; -- JSON; NULL: nobody asked
