-- Budgets that were taken away: the default of their kind counts again (customers), or none does (providers).

ALTER TABLE budgets ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;

-- Where somebody is warned and nobody refused; NULL = nowhere.
ALTER TABLE budgets ADD COLUMN soft_limit_nano_usd INTEGER;

-- What an operator should hear of, once each. Money is whole nano-dollars; times are milliseconds since the epoch.
CREATE TABLE events (
  id TEXT PRIMARY KEY,               -- of what happened, so that a repeated write counts once
  created_at INTEGER NOT NULL,
  kind TEXT NOT NULL,                -- budget.soft_limit
  scope TEXT NOT NULL,               -- key, or a shared budget such as team:blue
  key_id TEXT,                       -- whose budget, where the scope is key
  period TEXT NOT NULL,
  spent_nano_usd INTEGER NOT NULL,
  limit_nano_usd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX events_created ON events (created_at);
CREATE INDEX events_by_kind ON events (kind, created_at);
