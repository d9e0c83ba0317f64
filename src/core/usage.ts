// Usage counts: a zero to start from, and the service tier beside them.

import type { JsonValue, Usage } from './canonical.ts'

const ZERO: Usage = {
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  inputAudio: 0,
  outputAudio: 0,
  outputImage: 0,
  paidToolCalls: 0,
  reasoning: null,
}

/** Usage with the named counts; all others are zero and `reasoning` is not told. */
export function usageOf(counts: Partial<Usage>): Usage {
  return { ...ZERO, ...counts }
}

/** Names for "nothing special": OpenAI's and Anthropic's standard tiers, Groq's, and those that only ask. */
const STANDARD: ReadonlySet<string> = new Set(['', 'default', 'standard', 'standard_only', 'on_demand', 'auto'])

/** The tier that an answer names, as a member of its usage; none for the standard one. */
export function serviceIn(told: JsonValue | undefined): Pick<Usage, 'service'> {
  if (typeof told !== 'string') return {}
  const service = told.toLowerCase()
  return STANDARD.has(service) ? {} : { service: service.slice(0, 64) }
}
