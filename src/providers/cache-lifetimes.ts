// How long places keep a prompt cache after it was last used, by what they say; where they say little, the shorter guess: a cache that is
// missed costs once, one that is counted on in vain costs each time.

const MINUTE_MS = 60_000

export type CacheLifetime = {
  /** After its last use, of what no mark says otherwise. */
  readonly idleMs: number
  /** Of what was marked for an hour, where there is such a mark. */
  readonly longMs?: number
  /** It caches whatever it reads from this many prompt tokens on, without telling that it wrote. Absent: only what is marked, and it tells. */
  readonly itselfFrom?: number
}

/** A place that is not in the table: what it tells as read or written is believed, for as long as the shortest promise of others. */
export const USUAL_CACHE: CacheLifetime = { idleMs: 5 * MINUTE_MS }

/** By provider id. */
export const CACHE_LIFETIMES: ReadonlyMap<string, CacheLifetime> = new Map<string, CacheLifetime>([
  // platform.claude.com/docs/en/build-with-claude/prompt-caching: 5 minutes, or an hour by `ttl`; each use renews it, from the request's start on
  ['anthropic', { idleMs: 5 * MINUTE_MS, longMs: 60 * MINUTE_MS }],
  // docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html and API_runtime_CachePointBlock: `5m` or `1h`
  ['bedrock', { idleMs: 5 * MINUTE_MS, longMs: 60 * MINUTE_MS }],
  // Claude there as at Anthropic; Gemini's implicit caches as at Google
  ['vertex', { idleMs: 5 * MINUTE_MS, longMs: 60 * MINUTE_MS }],
  // developers.openai.com/api/docs/guides/prompt-caching: from 1,024 tokens, 5 to 10 minutes without use, an hour at most (longer by wish)
  ['openai', { idleMs: 5 * MINUTE_MS, itselfFrom: 1024 }],
  // learn.microsoft.com/azure/ai-foundry/openai/how-to/prompt-caching: as OpenAI
  ['azure', { idleMs: 5 * MINUTE_MS, itselfFrom: 1024 }],
  // ai.google.dev/gemini-api/docs/caching: implicit from 1,024 or 4,096 tokens by model, "in a short amount of time"; users measure 3 to 5 minutes
  ['google', { idleMs: 3 * MINUTE_MS, itselfFrom: 4096 }],
  // console.groq.com/docs/prompt-caching: two hours without use
  ['groq', { idleMs: 120 * MINUTE_MS, itselfFrom: 1024 }],
  // api-docs.deepseek.com/guides/kv_cache: on disk, hours to days
  ['deepseek', { idleMs: 60 * MINUTE_MS, itselfFrom: 1024 }],
  // docs.x.ai/developers/advanced-api-usage/prompt-caching: by itself, may be evicted at any time
  ['xai', { idleMs: 5 * MINUTE_MS, itselfFrom: 1024 }],
])
