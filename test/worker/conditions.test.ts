// CEL in workerd, where code cannot be made of texts: the library must interpret.

import { expect, it } from 'vitest'
import { requestFacts } from '../../src/routing/condition-facts.ts'
import { checkCondition, judgeCondition } from '../../src/routing/conditions.ts'

it('evaluates conditions in the Workers runtime', () => {
  const facts = requestFacts({
    model: 'openai/gpt-4o-mini',
    path: '/v1/chat/completions',
    member: (name) => (name === 'temperature' ? '0.5' : null),
    headers: () => new Headers({ 'X-Tier': 'gold', authorization: 'Bearer sk' }),
    metadata: null,
    tags: ['batch'],
    user: null,
    session: null,
    keyId: 'key-1',
    promptTokens: 10,
    maxTokens: null,
    stream: false,
    budgetUsed: 0.9,
    now: 0,
  })
  const text =
    'model.matches("^openai/") && tags.exists(t, t == "batch") && params.temperature < 1 && budget_used > 0.8 && headers["x-tier"] == "gold"'
  expect(checkCondition(text)).toBe(null)
  expect(judgeCondition(text, facts)).toBe('holds')
  expect(judgeCondition('user == "ada" || max_tokens > 5', facts)).toBe('missing')
})
