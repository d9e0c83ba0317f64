// Owns what may be concluded from a model's name alone: which listed name prices an unlisted one, and who is a name's home. Conservative: a wrong price is worse than none.

/** Providers that serve (nearly) only models of their own: a bare name that one of them lists goes there, whoever else hosts it. */
export const MAKERS: readonly string[] = [
  'alibaba',
  'openai',
  'anthropic',
  'google',
  'mistral',
  'deepseek',
  'xai',
  'perplexity',
  'cohere',
  'moonshot',
  'zai',
  'voyage',
  'jina',
]

/** Alibaba hosts others' models too; these are its own. */
const ALIBABA_OWN: readonly string[] = ['qwen', 'qwq', 'qvq', 'text-embedding-v']

/** Whether the provider is the maker of the model so named. */
export function isMaker(provider: string, model: string): boolean {
  return provider === 'alibaba' ? ALIBABA_OWN.some((start) => model.startsWith(start)) : MAKERS.includes(provider)
}

/**
 * The one listed name that may stand for an unlisted one at the same provider, or `null`:
 * - a dated snapshot is its undated name: `-20251001`, `-2025-10-01`, and Vertex's `@20251001` and `@default`;
 * - `ft:<base>:<organisation>:…` (OpenAI's fine-tuned models) is `ft:<base>`, a row of its own in the sources;
 * - `<name>:latest` is `<name>` at Ollama, where the two are one tag.
 */
export function standIn(provider: string, model: string): string | null {
  if (provider === 'openai' && model.startsWith('ft:')) {
    const end = model.indexOf(':', 3)
    return end > 3 ? model.slice(0, end) : null
  }
  if (provider === 'ollama' && model.endsWith(':latest')) return model.slice(0, -7) || null
  if (provider === 'vertex' && model.endsWith('@default')) return model.slice(0, -8) || null
  const long = model.slice(-11)
  if (long[0] === '-' && long[5] === '-' && long[8] === '-' && isDate(long.slice(1, 5), long.slice(6, 8), long.slice(9)))
    return model.slice(0, -11) || null
  const short = model.slice(-9)
  const mark = short[0]
  if ((mark === '-' || (mark === '@' && provider === 'vertex')) && isDate(short.slice(1, 5), short.slice(5, 7), short.slice(7)))
    return model.slice(0, -9) || null
  return null
}

function isDate(year: string, month: string, day: string): boolean {
  return within(year, 4, 2020, 2039) && within(month, 2, 1, 12) && within(day, 2, 1, 31)
}

function within(text: string, length: number, from: number, to: number): boolean {
  if (text.length !== length) return false
  for (const digit of text) if (digit < '0' || digit > '9') return false
  const value = Number(text)
  return value >= from && value <= to
}
