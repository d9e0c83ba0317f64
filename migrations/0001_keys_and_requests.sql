-- Keys and the ledger. Money is whole nano-dollars; times are milliseconds since the epoch. Never edited once merged.

CREATE TABLE keys (
  id TEXT PRIMARY KEY,               -- names the key's object; survives rotation
  hash TEXT NOT NULL UNIQUE,         -- SHA-256 of the newest secret's text, hexadecimal
  previous_hash TEXT,                -- the secret before it, valid until previous_until
  previous_until INTEGER,
  label TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,          -- an object never replaces a newer policy by an older one
  disabled INTEGER NOT NULL DEFAULT 0,
  deleted_at INTEGER,
  expires_at INTEGER,
  limit_nano_usd INTEGER,
  limit_reset TEXT,
  policy TEXT NOT NULL DEFAULT '{}', -- the `sluice` member: allowed models and, later, rate limits and scopes
  spend TEXT NOT NULL DEFAULT '{}'   -- as the key's object last reported it; absolute numbers, so a repeated report changes nothing
) STRICT;

CREATE INDEX keys_previous_hash ON keys (previous_hash) WHERE previous_hash IS NOT NULL;
CREATE INDEX keys_created ON keys (created_at) WHERE deleted_at IS NULL;

CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  key_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  period TEXT NOT NULL,              -- the budget period it was booked in
  dialect TEXT NOT NULL,
  requested_model TEXT NOT NULL,
  provider TEXT,
  model TEXT,
  streamed INTEGER NOT NULL,
  input INTEGER,                     -- token counts never overlap; NULL = the provider told nothing and nothing was counted
  cache_read INTEGER,
  cache_write_5m INTEGER,
  cache_write_1h INTEGER,
  output INTEGER,
  input_audio INTEGER,
  output_audio INTEGER,
  output_image INTEGER,
  paid_tool_calls INTEGER,
  reasoning INTEGER,                 -- an of-which of output
  usage_from TEXT NOT NULL,          -- provider, counted, hold, none
  cost_nano_usd INTEGER,             -- NULL = unknown, which is not zero
  price_version TEXT,
  attempts TEXT NOT NULL,            -- JSON
  finish TEXT,
  ended TEXT NOT NULL,
  error_code TEXT,
  first_event_ms INTEGER,
  total_ms INTEGER NOT NULL,
  trace_id TEXT,
  parent_span TEXT,
  session TEXT,
  end_user TEXT,
  tags TEXT NOT NULL,                -- JSON
  upstream_id TEXT,
  dropped TEXT NOT NULL              -- JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_by_key ON requests (key_id, created_at);
