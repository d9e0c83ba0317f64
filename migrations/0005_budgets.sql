-- Budgets that keys share: of a team, a user, an organisation. Money is whole nano-dollars; times are milliseconds since the epoch.

CREATE TABLE budgets (
  scope TEXT PRIMARY KEY,            -- kind:id, such as team:blue; names the budget's object
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,          -- an object never replaces a newer policy by an older one
  limit_nano_usd INTEGER,            -- NULL = none, only counted
  limit_reset TEXT
) STRICT, WITHOUT ROWID;
