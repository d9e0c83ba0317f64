-- Models that were chosen: what the choice was made of, and what was said of the answer. Never edited once merged.

ALTER TABLE requests ADD COLUMN router TEXT;    -- JSON of numbers and names, nothing of a prompt; NULL = the request named its model
ALTER TABLE requests ADD COLUMN feedback TEXT;  -- `good`, `bad` or a category of OpenRouter's; NULL = none. A late settle leaves it as it is
