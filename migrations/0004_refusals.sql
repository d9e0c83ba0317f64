-- Requests that a key's object refused: apart from those that were sent, few, and the oldest make room. Never edited once merged.

CREATE TABLE refusals (
  id TEXT PRIMARY KEY,               -- the request's
  key_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  model TEXT,                        -- the first target asked about
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  scope TEXT,                        -- whose budget; NULL = money was not the reason
  spent_nano_usd INTEGER,
  held_nano_usd INTEGER,
  limit_nano_usd INTEGER,
  retry_after_ms INTEGER,
  left_out INTEGER NOT NULL          -- refusals of this key that were not written down between the row before and this one
) STRICT, WITHOUT ROWID;

CREATE INDEX refusals_by_key ON refusals (key_id, created_at);
