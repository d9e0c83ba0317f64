// Sums by the hour in D1, kept equal to the rows they are of: whoever writes rows takes out of the sums what the rows were, and puts in what they are.

const CELL = ['hour', 'key_id', 'provider', 'model', 'scopes', 'tags'] as const

/** Each sum, of the rows of a cell. */
const SUMS = {
  requests: "sum(ended <> 'unattributed')",
  failed: "sum(ended = 'failed')",
  cut: "sum(ended = 'upstream-cut')",
  gone: "sum(ended = 'client-gone')",
  expired: "sum(ended = 'expired')",
  cost_nano_usd: 'coalesce(sum(cost_nano_usd), 0)',
  cost_unknown: 'sum(cost_nano_usd IS NULL)',
  usage_unknown: 'sum(input IS NULL)',
  prompt: 'sum(coalesce(input + cache_read + cache_write_5m + cache_write_1h + input_audio + coalesce(input_image, 0), 0))',
  completion: 'sum(coalesce(output + output_audio + output_image, 0))',
  reasoning: 'sum(coalesce(reasoning, 0))',
  cache_read: 'sum(coalesce(cache_read, 0))',
  cache_write_5m: 'sum(coalesce(cache_write_5m, 0))',
  cache_write_1h: 'sum(coalesce(cache_write_1h, 0))',
} as const

export const HOURLY_SUMS = Object.keys(SUMS) as readonly (keyof typeof SUMS)[]
export type HourlySums = { readonly [sum in keyof typeof SUMS]: number }

/** Sorted and each once, so that the order in which a client names its tags makes no cell of its own. */
const TAGS = '(SELECT json_group_array(value) FROM (SELECT DISTINCT value FROM json_each(requests.tags) ORDER BY value))'
const cell = `created_at - created_at % 3600000, key_id, coalesce(provider, ''), coalesce(model, ''), scopes, ${TAGS}`

/** The cells of some rows; `sign` before each sum. Rows without scopes were written by a version that kept no sums. */
const cellsOf = (which: string, sign: '' | '-'): string =>
  `SELECT ${cell}, ${Object.values(SUMS)
    .map((sum) => `${sign}${sum}`)
    .join(', ')} FROM requests WHERE ${which} AND scopes IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6`

/** The same cells of all rows, for checking the books: reads every row. */
export const ALL_CELLS = cellsOf('true', '')

const NAMED = 'id IN (SELECT value FROM json_each(?1))'
const add = (sign: '' | '-'): string =>
  `INSERT INTO hourly (${[...CELL, ...HOURLY_SUMS].join(', ')}) ${cellsOf(NAMED, sign)}
ON CONFLICT (${CELL.join(', ')}) DO UPDATE SET ${HOURLY_SUMS.map((sum) => `${sum} = hourly.${sum} + excluded.${sum}`).join(', ')}`

const TAKE_OUT = add('-')
const PUT_IN = add('')

/**
 * Statements to run before and after the rows of these requests are written, in the same transaction. A row that is there already and
 * stays as it is comes out and goes in again, so a repeated batch counts once; one that is corrected moves. A few hundred ids at most.
 */
export function keepingSums(
  db: D1Database,
  ids: readonly string[],
): { readonly before: D1PreparedStatement; readonly after: D1PreparedStatement } {
  const named = JSON.stringify(ids)
  return { before: db.prepare(TAKE_OUT).bind(named), after: db.prepare(PUT_IN).bind(named) }
}
