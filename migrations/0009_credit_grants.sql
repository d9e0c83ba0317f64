-- Prepaid credit: what was granted to an account, and taken back. Money is whole nano-dollars; times are milliseconds since the epoch.

CREATE TABLE grants (
  id TEXT PRIMARY KEY,               -- the administrator's, or ours; a repeated one grants once
  account TEXT NOT NULL,             -- budget credit:account
  created_at INTEGER NOT NULL,
  amount_nano_usd INTEGER NOT NULL,  -- negative = taken back
  note TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_by_account ON grants (account, created_at);
