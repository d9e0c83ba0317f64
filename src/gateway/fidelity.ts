// What became of a request on its way to its target, member by member, in the client's own words. What is in none of the lists was kept.

import type { Fidelity } from '../core/account.ts'
import type { ChatRequest } from '../core/canonical.ts'
import type { Habits, Unsealed, Written } from '../dialects/contract.ts'

type Names = { readonly [canonical: string]: string }

/** Bytes of the client's own: nothing was said otherwise. */
export const FORWARDED: Fidelity = { way: 'forwarded', mapped: [], approximated: [], dropped: [] }

/** A forwarded conversation without what its place cannot open, and what else (`leftOut`) the place is not told. */
export function forwardedWithout(foreign: Unsealed | null, leftOut: readonly string[], client: Names): Fidelity {
  if (foreign === null && leftOut.length === 0) return FORWARDED
  const say = (names: readonly string[]): readonly string[] => atMost(names.map((name) => inClientWords(name, client)))
  return { ...FORWARDED, approximated: say(foreign?.approximated ?? []), dropped: [...leftOut, ...say(foreign?.dropped ?? [])] }
}

/** A row is not the place for a thousand names. */
const MOST_NAMES = 100
const SETTINGS = ['toolChoice', 'parallelToolCalls', 'replyFormat', 'reasoning', 'endUserId', 'logprobs', 'cacheKey'] as const

/** `mapped` is what was said under another name or by another mechanism: `max_tokens → inferenceConfig.maxTokens`. */
export function fidelityOf(request: ChatRequest, written: Written, client: Names, upstream: Names, habits: Habits): Fidelity {
  const otherwise = new Set([...written.dropped, ...written.approximated])
  const mapped: string[] = []
  const see = (member: string): void => {
    if (otherwise.has(member)) return
    const from = nameIn(client, member)
    const to = member === 'maxOutputTokens' && habits.ceilingMember !== undefined ? habits.ceilingMember : nameIn(upstream, member)
    if (from !== to) mapped.push(`${from} → ${to}`)
  }
  for (const member of Object.keys(request.sampling)) see(member)
  for (const member of SETTINGS) if (request[member] !== undefined) see(member)
  const say = (names: readonly string[]): readonly string[] => atMost(names.map((name) => inClientWords(name, client)))
  return { way: 'translated', mapped, approximated: say(written.approximated), dropped: say(written.dropped) }
}

/** `maxOutputTokens` → `max_tokens`, `tools[2].strict` → `tools[2].function.strict`, by the client dialect's own table. */
export function inClientWords(name: string, names: Names): string {
  const head = /^[A-Za-z]+/.exec(name)?.[0] ?? ''
  return nameIn(names, head) + name.slice(head.length)
}

function nameIn(names: Names, member: string): string {
  return (Object.hasOwn(names, member) ? names[member] : undefined) ?? member
}

function atMost(names: readonly string[]): readonly string[] {
  return names.length <= MOST_NAMES ? names : [...names.slice(0, MOST_NAMES - 1), `${names.length - MOST_NAMES + 1} more`]
}
