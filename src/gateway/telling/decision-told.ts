// What a decision says to whom: the key's owner is not told of other keys (their calls, conditions that name them) nor of the account's
// settings; a header is short.

import type { Decision, DecisionTarget } from './decision.ts'
import { decisionOf } from './decision.ts'
import type { HealthTold } from './health-told.ts'
import type { Job } from '../job.ts'

/** Of the header's value, in characters. */
export const MOST_HEADER = 4096

/** As the owner of the key may see it. */
export function forOwner(decision: Decision): Decision {
  return { ...decision, inputs: null, targets: decision.targets.map(targetForOwner) }
}

function targetForOwner(whole: DecisionTarget): DecisionTarget {
  const { rank: _, condition: __, health, ...target } = whole
  return {
    ...target,
    score: target.position === null || tellsLoad(target) ? null : target.score,
    health: health === null ? null : healthForOwner(health),
  }
}

/** Scores of these strategies are how busy an account is with everybody's requests. */
function tellsLoad({ group, why }: Pick<DecisionTarget, 'group' | 'why'>): boolean {
  return group === null || /\b(?:least-busy|usage)\./.test(group) || why === 'in-flight' || why === 'headroom' || why === 'no-limit'
}

/** How well it does, as its public listing says too; not how much is asked of it. */
function healthForOwner({ state, parked_until, error_rate, first_content_ms, tokens_per_second }: HealthTold): HealthTold {
  return {
    state,
    ...(parked_until === undefined ? {} : { parked_until }),
    ...(error_rate === undefined ? {} : { error_rate }),
    ...(first_content_ms === undefined ? {} : { first_content_ms }),
    ...(tokens_per_second === undefined ? {} : { tokens_per_second }),
  }
}

type Json = { readonly [name: string]: unknown }

/** Ways to say it, the longest first. */
const SHORTER: readonly ((targets: readonly DecisionTarget[]) => readonly Json[])[] = [
  (targets) => targets.map((one) => ({ ...one })),
  (targets) => targets.map(withoutParts),
  (targets) => targets.map((one) => ({ ...withoutParts(one), health: one.health?.state ?? null })),
  (targets) => targets.map(({ id, position, out, why }) => ({ id, ...(position === null ? { out } : { position, why }) })),
]

function withoutParts({ id, position, out, score, why, probe, health, worst_usd, expected_usd }: DecisionTarget): Json {
  return position === null
    ? { id, out }
    : { id, position, score, why, ...(probe === true ? { probe } : {}), health, worst_usd, expected_usd }
}

/** JSON on one line: what cannot stand in a header, and `%`, is percent-encoded. What is too much is left out, and it says so. */
export function headerOf(decision: Decision): string {
  const { inputs: _, targets, omitted, shortened, ...rest } = forOwner(decision)
  const said = (list: readonly Json[], more: Json): string => encoded(JSON.stringify({ ...rest, targets: list, ...more }))
  for (const [i, shorter] of SHORTER.entries()) {
    const text = said(shorter(targets), { omitted, ...(i === 0 && shortened === undefined ? {} : { shortened: true }) })
    if (text.length <= MOST_HEADER) return text
  }
  const [least] = SHORTER.slice(-1)
  const brief = least === undefined ? [] : least(targets)
  for (let most = brief.length >> 1; most > 0; most >>= 1) {
    const text = said(brief.slice(0, most), { wishes: {}, omitted: omitted + brief.length - most, shortened: true })
    if (text.length <= MOST_HEADER) return text
  }
  return encoded(
    JSON.stringify({ version: rest.version, id: rest.id, refused: rest.refused, omitted: omitted + brief.length, shortened: true }),
  )
}

/** JSON text has no half of a pair in it: it can be encoded. */
function encoded(json: string): string {
  return json.replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent)
}

/** The decision of a request for its record and its header, made once; `null`: nobody asked, or there was nothing to decide yet. */
export function toldDecision(job: Job): { readonly text: string; readonly header: string } | null {
  const { inquiry } = job
  if (inquiry === undefined || !inquiry.decides || inquiry.found === null) return null
  if (inquiry.told === null && !inquiry.isUntellable) {
    try {
      const decision = decisionOf(job, inquiry)
      inquiry.told = { text: JSON.stringify(decision), header: headerOf(decision) }
    } catch (cause) {
      inquiry.isUntellable = true // the request goes on, and is booked
      const bug = cause instanceof Error ? (cause.stack ?? cause.message).slice(0, 2000) : 'not an Error'
      job.deps.log(() => ({ level: 'error', request_id: job.id, bug }))
    }
  }
  return inquiry.told
}
