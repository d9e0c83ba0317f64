// Words of OpenRouter's language that more than one of its files needs.

export const OPENROUTER = 'openrouter'

/** Members that the gateway itself reads or that ask for nothing; no provider is told them. */
export const OF_THE_GATEWAY: ReadonlySet<string> = new Set(
  'usage include_reasoning reasoning.exclude cache_control provider models route plugins transforms debug'.split(' '),
)
