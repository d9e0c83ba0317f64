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

/** Of two calls that made one answer together. The tier is the later one's. */
export function addUsage(a: Usage, b: Usage): Usage {
  const { aside, billed, units: _, service, inputImage, reasoning, ...counts } = b
  const sums = Object.fromEntries(COUNTS.map((name) => [name, a[name] + counts[name]]))
  const thought = a.reasoning === null && reasoning === null ? null : (a.reasoning ?? 0) + (reasoning ?? 0)
  const besides = a.aside === undefined || aside === undefined ? (a.aside ?? aside) : addUsage(a.aside, aside)
  return {
    ...ZERO,
    ...sums,
    reasoning: thought,
    ...(a.inputImage === undefined && inputImage === undefined ? {} : { inputImage: (a.inputImage ?? 0) + (inputImage ?? 0) }),
    ...(besides === undefined ? {} : { aside: besides }),
    ...(a.billed === undefined && billed === undefined ? {} : { billed: addUsage(a.billed ?? plain(a), billed ?? plain(b)) }),
    ...(service === undefined ? {} : { service }),
  }
}

const COUNTS = [
  'input',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'output',
  'inputAudio',
  'outputAudio',
  'outputImage',
  'paidToolCalls',
] as const

function plain({ aside: _aside, billed: _billed, ...counts }: Usage): Usage {
  return counts
}

/** Names for "nothing special": OpenAI's and Anthropic's standard tiers, Groq's, and those that only ask. */
const STANDARD: ReadonlySet<string> = new Set(['', 'default', 'standard', 'standard_only', 'on_demand', 'auto'])

/** The tier that an answer names, as a member of its usage; none for the standard one. */
export function serviceIn(told: JsonValue | undefined): Pick<Usage, 'service'> {
  if (typeof told !== 'string') return {}
  const service = told.toLowerCase()
  return STANDARD.has(service) ? {} : { service: service.slice(0, 64) }
}
