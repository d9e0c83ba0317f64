-- Shadows of requests: rows of their own, which say whose they are and how their answer compared. Never edited once merged.

ALTER TABLE requests ADD COLUMN shadow_of TEXT;   -- the request whose shadow it is; NULL = none
ALTER TABLE requests ADD COLUMN comparison TEXT;  -- JSON, no text of an answer; NULL = none was made
