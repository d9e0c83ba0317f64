// What was said of an answer, in its ledger row: the last word counts. Comments are not kept: they may quote the answer or the prompt.

/** OpenRouter's categories, all of them complaints, and the two words of a plain score. */
export const CATEGORIES = ['latency', 'incoherence', 'incorrect_response', 'formatting', 'billing', 'api_error', 'other'] as const
export type Feedback = (typeof CATEGORIES)[number] | 'good' | 'bad'

/** −1 to 1. How fast, how dear and how reachable a model was says nothing of how well it answered, and of `other` nobody knows what it says. */
const WEIGHTS: ReadonlyMap<string, number> = new Map([
  ['good', 1],
  ['bad', -1],
  ['incoherence', -1],
  ['incorrect_response', -1],
  ['formatting', -1],
])

export function weightOf(feedback: string | null): number {
  return feedback === null ? 0 : (WEIGHTS.get(feedback) ?? 0)
}

/** What stood there before, `null` for nothing. `undefined`: the row is not there. One transaction, so of two at once each sees the other. */
export async function putFeedback(db: D1Database, id: string, feedback: Feedback): Promise<string | null | undefined> {
  const [before] = await db.batch<{ readonly feedback: string | null }>([
    db.prepare('SELECT feedback FROM requests WHERE id = ?1').bind(id),
    db.prepare('UPDATE requests SET feedback = ?2 WHERE id = ?1').bind(id, feedback),
  ])
  return before?.results[0]?.feedback
}
