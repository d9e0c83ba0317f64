// Wishes that most languages have no word for: each is named once, the same way by every writer that cannot say it.

import type { ChatRequest } from '../core/canonical.ts'

/** Names of the canonical members that are said in the request and that this language lacks. */
export function unsaid(request: ChatRequest, ...lacking: readonly ('logprobs' | 'cacheKey' | 'cache')[]): readonly string[] {
  return lacking.flatMap((name) => {
    if (request[name] === undefined) return []
    return name === 'logprobs' && request.logprobs !== undefined && request.logprobs.top !== null ? [name, 'topLogprobs'] : [name]
  })
}
