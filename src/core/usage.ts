// Usage counts: a zero to start from, and sums.

import type { Usage } from './canonical.ts'

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
