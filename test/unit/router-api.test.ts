// Morph's router endpoints with a classifier of the test's own: what is answered, what a key's policy leaves, and what is refused.

import { describe, expect, test } from 'vitest'
import type { Classifier, Verdict } from '../../src/classifier/contract.ts'
import { needsInfo } from '../../src/classifier/needs-info.ts'
import { routerAnswer } from '../../src/admin/router-answers.ts'
import { createCatalogue } from '../../src/catalogue/index.ts'
import type { KeyView } from '../../src/core/account.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import { NO_NAMING } from '../../src/core/request-scopes.ts'
import type { Deps } from '../../src/ports.ts'
import { costOf } from '../../src/routing/choosing/tiers.ts'
import { fakePlaces } from '../support/fake-places.ts'
import { verdict } from '../support/verdicts.ts'

type Json = { readonly [name: string]: unknown }

/** As hard as the prompt says itself. */
const classifier: Classifier = {
  version: 'test',
  classify(subject): Verdict {
    const difficulty = (['easy', 'medium', 'hard'] as const).find((word) => subject.prompt.includes(word)) ?? 'medium'
    return verdict(subject.prompt.includes('code') ? 'code-writing' : 'law', { easy: 0.1, medium: 0.5, hard: 0.9 }[difficulty], {
      difficulty,
      confidence: 0.75,
      needsInfo: needsInfo(subject),
      abstains: subject.prompt.includes('???'),
    })
  },
}

const VIEW: KeyView = {
  ...EVERYTHING,
  keyId: 'key',
  label: '',
  name: '',
  hash: 'hash',
  disabled: false,
  expiresAt: null,
  limitNanoUsd: null,
  limitReset: null,
  softNanoUsd: null,
  resetsAt: null,
  limits: { requestsPerMinute: null, requestsPerDay: null, tokensPerMinute: null, tokensPerDay: null, parallelRequests: null },
  modelLimits: [],
  scopes: [],
  mode: 'strict',
  onDisconnect: 'abort',
  naming: NO_NAMING,
  leased: false,
  running: 0,
  spentNanoUsd: 0,
  spentEverNanoUsd: 0,
  spentDayNanoUsd: 0,
  spentWeekNanoUsd: 0,
  spentMonthNanoUsd: 0,
  heldNanoUsd: 0,
  holdSeconds: 0,
}

const CATALOGUE = createCatalogue(null)
const AUGUST = Date.parse('2026-08-10')

function router(more: Partial<Deps> & { readonly view?: Partial<KeyView> } = {}) {
  const { view = {}, ...world } = more
  const places = fakePlaces(['openai', 'anthropic', 'google'], () => new Response('{}'))
  const deps: Deps = { ...places.deps, catalogue: async () => CATALOGUE, now: () => AUGUST, classifier, ...world }
  const ask = async (end: string, body: unknown): Promise<Json> =>
    routerAnswer(
      end,
      new Request(`http://sluice.test/v1/router/${end}`, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
      { ...VIEW, ...view },
      deps,
    )
  return { ask, places }
}

async function refusal(answer: Promise<Json>): Promise<readonly [number, string, string | undefined]> {
  try {
    return [200, JSON.stringify(await answer), undefined]
  } catch (error) {
    if (error instanceof GatewayError) return [error.status, error.code, error.detail.at]
    throw error
  }
}

describe('classify', () => {
  test('each class has a label of Morph’s, what we know besides, and a confidence that is said', async () => {
    const { ask } = router()
    expect(await ask('classify', { input: 'some hard code' })).toEqual({
      classifications: {
        difficulty: { class_id: 2, label: 'hard', confidence: 0.75, meets_threshold: true, score: 0.9, abstains: false },
        ambiguity: { class_id: 0, label: 'low', confidence: 0.5, meets_threshold: true, rule: null },
        domain: { class_id: 2, label: 'coding', confidence: 0.75, meets_threshold: true, task_type: 'code-writing' },
      },
    })
  })

  test('only those that are asked for', async () => {
    const { ask } = router()
    expect(await ask('classify', { input: 'easy', classes: ['domain'] })).toEqual({
      classifications: { domain: { class_id: 0, label: 'general', confidence: 0.75, meets_threshold: true, task_type: 'law' } },
    })
  })

  test('a prompt that lacks something, and one that is like nothing', async () => {
    const { ask } = router()
    expect(await ask('classify', { input: 'fix it', classes: ['difficulty', 'ambiguity'] })).toMatchObject({
      classifications: { difficulty: { meets_threshold: false }, ambiguity: { label: 'high', class_id: 2, rule: 'no-object' } },
    })
    expect(await ask('classify', { input: '???', classes: ['difficulty'] })).toMatchObject({
      classifications: { difficulty: { meets_threshold: false, abstains: true } },
    })
  })
})

test('raw tells the difficulty alone', async () => {
  const { ask } = router()
  expect(await ask('raw', { input: 'easy', mode: 'balanced' })).toEqual({ difficulty: 'easy', score: 0.1, abstains: false })
  expect(await ask('raw', { input: 'Summarize this article.' })).toMatchObject({ difficulty: 'needs_info' })
})

describe('a vendor', () => {
  test('cheap for the easy, dear for the hard, a tier lower when aggressive', async () => {
    const { ask, places } = router()
    for (const vendor of ['anthropic', 'openai', 'gemini']) {
      const provider = vendor === 'gemini' ? 'google' : vendor
      const of = async (input: string, mode?: string): Promise<number> => {
        const said = await ask(vendor, { input, ...(mode === undefined ? {} : { mode }) })
        expect(said['provider']).toBe(vendor)
        const entry = CATALOGUE.lookUp(provider, String(said['model']))
        expect(entry, String(said['model'])).not.toBeNull()
        // The bare name leads to the maker at this gateway too.
        expect(CATALOGUE.homeOf(String(said['model']))?.provider).toBe(provider)
        return entry === null ? Number.NaN : costOf(entry)
      }
      const [easy, medium, hard] = [await of('easy'), await of('medium'), await of('hard')]
      expect(easy).toBeLessThan(medium)
      expect(medium).toBeLessThan(hard)
      expect([await of('easy', 'aggressive'), await of('medium', 'aggressive'), await of('hard', 'aggressive')]).toEqual([
        easy,
        easy,
        medium,
      ])
      expect(await of('fix it')).toBe(easy)
    }
    expect([places.calls, places.asked, places.settled]).toEqual([[], [], []])
  })

  test('only what the key may use is named', async () => {
    const only = router({ view: { models: ['anthropic/claude-haiku*', 'openai/*'] } })
    expect(await only.ask('anthropic', { input: 'hard' })).toMatchObject({ model: expect.stringMatching(/^claude-haiku/) })
    const old = router({ view: { models: ['anthropic/claude-opus-4.5'] } }) // by OpenRouter's name
    expect(await old.ask('anthropic', { input: 'easy' })).toMatchObject({ model: 'claude-opus-4-5' })
    const none = router({ view: { models: ['openai/*'] } })
    expect(await refusal(none.ask('anthropic', { input: 'hard' }))).toEqual([403, 'model-forbidden', undefined])
    const elsewhere = router({ view: { regions: ['eu-*'] } })
    expect(await refusal(elsewhere.ask('openai', { input: 'hard' }))).toEqual([403, 'model-forbidden', undefined])
    const nothing = router({ view: { providers: [] } })
    expect(await refusal(nothing.ask('multimodel', { input: 'hard' }))).toEqual([404, 'no-target-left', undefined])
  })

  test('that is not set up, or that there is not', async () => {
    const { ask } = router()
    expect(await refusal(ask('mistral', { input: 'hard' }))).toEqual([400, 'credential-missing', undefined])
    expect(await refusal(ask('nobody', { input: 'hard' }))).toEqual([404, 'path-unknown', undefined])
    expect(await refusal(ask('constructor', { input: 'hard' }))).toEqual([404, 'path-unknown', undefined])
    expect(await refusal(router({ providers: [] }).ask('openai', { input: 'hard' }))).toEqual([400, 'credential-missing', undefined])
  })
})

describe('multimodel', () => {
  test('chooses among all that is set up, or among the vendors that are named', async () => {
    const { ask } = router()
    const dearest = await ask('multimodel', { input: 'hard' })
    expect(dearest).toMatchObject({ difficulty: 'hard', tier: 'strong', task_type: 'law', score: 0.9 })
    expect(await ask('multimodel', { input: 'hard', allowed_providers: ['anthropic'] })).toMatchObject({ provider: 'anthropic' })
    expect(await ask('multimodel', { input: 'easy', allowed_providers: ['gemini', 'mistral'] })).toMatchObject({
      provider: 'gemini',
      tier: 'cheap',
    })
    expect(await refusal(ask('multimodel', { input: 'easy', allowed_providers: ['mistral'] }))).toEqual([
      400,
      'credential-missing',
      undefined,
    ])
    expect(await refusal(ask('multimodel', { input: 'easy', allowed_providers: ['openai', 'nobody'] }))).toEqual([
      400,
      'request-malformed',
      'allowed_providers.1',
    ])
  })

  test('among the models that are named, by the client’s own names', async () => {
    const { ask } = router()
    const models = ['claude-opus-4-5', 'openai/gpt-5.4-nano', 'anthropic/claude-sonnet-4.5', 'not-a-model', 'mistral/mistral-large-2512']
    const of = async (input: string, more = {}): Promise<unknown> =>
      (await ask('multimodel', { input, allowed_models: models, ...more }))['model']
    expect([await of('easy'), await of('medium'), await of('hard')]).toEqual([
      'openai/gpt-5.4-nano',
      'anthropic/claude-sonnet-4.5',
      'claude-opus-4-5',
    ])
    expect(await of('easy', { policy: 'capability_heavy' })).toBe('anthropic/claude-sonnet-4.5')
    expect(await of('hard', { policy: 'cost_efficient' })).toBe('anthropic/claude-sonnet-4.5')
    expect(await of('hard', { policy: 'domain_skills' })).toBe('claude-opus-4-5')
    expect(await of('hard', { allowed_providers: ['openai'] })).toBe('openai/gpt-5.4-nano')
    expect(await refusal(ask('multimodel', { input: 'x', allowed_models: ['not-a-model'] }))).toEqual([
      404,
      'no-target-left',
      'allowed_models',
    ])
    expect(await refusal(ask('multimodel', { input: 'x', allowed_models: models, allowed_providers: ['gemini'] }))).toEqual([
      404,
      'no-target-left',
      'allowed_providers',
    ])
  })

  test('the client’s default where nothing can be said, within the key’s policy', async () => {
    const { ask } = router()
    const body = { allowed_providers: ['anthropic'], default_model: 'claude-sonnet-4-6' }
    expect(await ask('multimodel', { input: 'fix it', ...body })).toMatchObject({
      model: 'claude-sonnet-4-6',
      provider: 'anthropic',
      difficulty: 'needs_info',
      tier: null,
    })
    expect(await ask('multimodel', { input: '???', ...body })).toMatchObject({ model: 'claude-sonnet-4-6', tier: null, abstains: true })
    expect(await ask('multimodel', { input: 'easy', ...body })).toMatchObject({ tier: 'cheap' })
    const bound = router({ view: { models: ['anthropic/claude-haiku*'] } })
    expect(await refusal(bound.ask('multimodel', { input: 'fix it', ...body }))).toEqual([403, 'model-forbidden', 'default_model'])
    expect(await refusal(ask('multimodel', { input: 'x', default_model: 'not-a-model' }))).toEqual([404, 'model-unknown', 'default_model'])
    expect(await refusal(ask('multimodel', { input: 'x', default_model: 'mistral/mistral-large-2512' }))).toEqual([
      400,
      'credential-missing',
      'default_model',
    ])
  })
})

describe('refuses', () => {
  test.each([
    ['classify', { input: 5 }, 'input'],
    ['classify', {}, 'input'],
    ['classify', { input: '' }, 'input'],
    ['classify', { input: 'x', classes: ['difficulty', 'mood'] }, 'classes.1'],
    ['classify', { input: 'x', classes: [] }, 'classes'],
    ['raw', { input: ['x'] }, 'input'],
    ['openai', { input: 'x', mode: 'cheap' }, 'mode'],
    ['multimodel', { input: 'x', policy: 'best' }, 'policy'],
    ['multimodel', { input: 'x', allowed_providers: 'openai' }, 'allowed_providers'],
    ['multimodel', { input: 'x', allowed_models: ['gpt-5', 7] }, 'allowed_models.1'],
    ['classify', '{', undefined],
    ['classify', '[]', undefined],
    ['classify', '', undefined],
    ['classify', 'null', undefined],
  ] as const)('%s %j', async (end, body, at) => {
    expect(await refusal(router().ask(end, body))).toEqual([400, 'request-malformed', at])
  })

  test('more than a mebibyte, and takes what is below', async () => {
    const { ask } = router()
    expect(await refusal(ask('raw', { input: 'easy '.repeat(220_000) }))).toEqual([413, 'body-too-large', undefined])
    expect(await ask('raw', { input: 'easy '.repeat(200_000) })).toMatchObject({ difficulty: 'easy' })
  })

  test('while there is no classifier, with a time to come again', async () => {
    const { ask } = router({ classifier: null })
    expect(await refusal(ask('openai', { input: 'x' }))).toEqual([503, 'gateway-unavailable', undefined])
    expect(await refusal(ask('openai', { input: 5 }))).toEqual([400, 'request-malformed', 'input'])
  })
})
