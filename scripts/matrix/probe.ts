// What is asked of every translation: a body that uses one feature, and the same body without it.

export type Probe = { readonly with: object; readonly without: object }

/** The probes of one client language by feature; a feature without a probe is one that the language has no words for. */
export type Probes = { readonly [feature in Feature]?: Probe }

/** In the order of the tables. */
export const FEATURES = [
  'system prompt',
  'tools',
  'tool results',
  'failed tool result',
  'tool choice: none',
  'tool choice: any',
  'tool choice: one',
  'one call at a time',
  'strict tools',
  'JSON mode',
  'reply schema',
  'reasoning effort',
  'reasoning budget',
  'reasoning off',
  'signed thoughts sent back',
  'refusal sent back',
  'image (base64)',
  'image (URL)',
  'image detail',
  'PDF (base64)',
  'PDF (URL)',
  'file by id',
  'audio (base64)',
  'video (URL)',
  'cache mark',
  'cache mark, 1 hour',
  'cache key',
  'cached content by name',
  'output ceiling',
  'stop sequences',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'penalties',
  'logit bias',
  'logprobs',
  'several answers',
  'service tier',
  'end-user id',
  'metadata',
  'verbosity',
  'predicted output',
  'document citations',
  'web search by the provider',
  'safety settings',
  'spoken answer',
] as const

export type Feature = (typeof FEATURES)[number]

export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
export const PDF = 'JVBERi0xLjQK'
export const WAV = 'UklGRg=='
export const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
} as const
export const SIGNATURE = 'c2lnbmF0dXJl'

/** A probe that adds members to a body. */
export function adding(base: object, members: object): Probe {
  return { with: { ...base, ...members }, without: base }
}
