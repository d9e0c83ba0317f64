-- Sums by the hour, and what rows need to be added up and priced anew. Money is whole nano-dollars; times are milliseconds since the epoch. Never edited once merged.

ALTER TABLE requests ADD COLUMN scopes TEXT;     -- JSON list of the budgets that the key shared, such as ["team:blue"]; NULL = the row is not in `hourly`
ALTER TABLE requests ADD COLUMN service TEXT;    -- the service tier that served it; NULL = the standard one
ALTER TABLE requests ADD COLUMN usage_more TEXT; -- JSON {"billed", "aside"}: counts that are billed but not told as the answer's; NULL = none

-- Each request is in one cell, so totals are plain sums. A cell is what is equal of its requests; `scopes` and `tags` are sorted JSON lists.
CREATE TABLE hourly (
  hour INTEGER NOT NULL,             -- its beginning
  key_id TEXT NOT NULL,
  provider TEXT NOT NULL,            -- empty = never sent, as far as anybody knows
  model TEXT NOT NULL,
  scopes TEXT NOT NULL,
  tags TEXT NOT NULL,
  requests INTEGER NOT NULL,
  failed INTEGER NOT NULL,           -- requests by how they ended; the rest was complete
  cut INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  cost_nano_usd INTEGER NOT NULL,    -- of those whose cost is known
  cost_unknown INTEGER NOT NULL,     -- requests whose cost is not: unknown is not zero
  usage_unknown INTEGER NOT NULL,    -- requests whose tokens are not
  prompt INTEGER NOT NULL,           -- input tokens of all kinds, from and to caches too
  completion INTEGER NOT NULL,       -- output tokens of all kinds
  reasoning INTEGER NOT NULL,        -- an of-which of completion
  cache_read INTEGER NOT NULL,       -- an of-which of prompt, as are the next two
  cache_write_5m INTEGER NOT NULL,
  cache_write_1h INTEGER NOT NULL,
  PRIMARY KEY (hour, key_id, provider, model, scopes, tags)
) STRICT, WITHOUT ROWID;

CREATE INDEX hourly_by_key ON hourly (key_id, hour);

UPDATE requests SET scopes = '[]';

INSERT INTO hourly
SELECT created_at - created_at % 3600000, key_id, coalesce(provider, ''), coalesce(model, ''), scopes,
  (SELECT json_group_array(value) FROM (SELECT DISTINCT value FROM json_each(requests.tags) ORDER BY value)),
  count(*), sum(ended = 'failed'), sum(ended = 'upstream-cut'), sum(ended = 'client-gone'), sum(ended = 'expired'),
  coalesce(sum(cost_nano_usd), 0), sum(cost_nano_usd IS NULL), sum(input IS NULL),
  sum(coalesce(input + cache_read + cache_write_5m + cache_write_1h + input_audio + coalesce(input_image, 0), 0)),
  sum(coalesce(output + output_audio + output_image, 0)), sum(coalesce(reasoning, 0)),
  sum(coalesce(cache_read, 0)), sum(coalesce(cache_write_5m, 0)), sum(coalesce(cache_write_1h, 0))
FROM requests GROUP BY 1, 2, 3, 4, 5, 6;
