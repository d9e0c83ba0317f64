// The facts of a request and of a target, for tests of conditions: plain ones, with what a test says instead.

import { requestFacts, targetFacts, type Facts, type RequestFacts, type TargetFacts } from '../../src/routing/condition-facts.ts'
import { UNKNOWN_HEALTH } from '../../src/routing/health.ts'
import type { HealthView } from '../../src/routing/contract.ts'

/** Saturday, 21 November 2026, 14:05 UTC. */
export const AT = Date.UTC(2026, 10, 21, 14, 5)

export function facts(said: Partial<RequestFacts> & { readonly body?: { readonly [name: string]: unknown } } = {}): Facts {
  const { body, ...rest } = said
  return requestFacts({
    model: 'openai/gpt-4o-mini',
    path: '/v1/chat/completions',
    member: (name) => (body === undefined || !Object.hasOwn(body, name) ? null : JSON.stringify(body[name])),
    headers: () => [],
    metadata: null,
    tags: [],
    user: null,
    session: null,
    keyId: 'key-1',
    promptTokens: 1000,
    maxTokens: null,
    stream: false,
    budgetUsed: null,
    now: AT,
    ...rest,
  })
}

export function factsOf(health: Partial<HealthView>, said: Partial<Omit<TargetFacts, 'health'>> = {}, request: Facts = facts()): Facts {
  const target = { provider: 'openai', model: 'gpt-4o-mini', region: null, credential: null, ...said }
  return targetFacts(request, { ...target, health: { ...UNKNOWN_HEALTH, ...health } })
}
