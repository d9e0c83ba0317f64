-- The operator's own prices and markups. Every version is kept: rows name the one that priced them.

CREATE TABLE prices (
  version INTEGER PRIMARY KEY,
  created_at INTEGER NOT NULL,
  document TEXT NOT NULL             -- JSON as it was put; '{}' = taken away
) STRICT;
