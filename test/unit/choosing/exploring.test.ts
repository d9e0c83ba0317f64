// What is learnt, on the request path: who is chosen by it, what is told of a choice, and that a decision can be made again.

import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/gateway/telling/decision.ts'
import { isSameOrder, replay } from '../../../src/gateway/telling/replay.ts'
import { NOTHING_LEARNED, type Learned, type Noted } from '../../../src/routing/choosing/contract.ts'
import { NO_LEARNING, type Decided, type Learning, type Result } from '../../../src/routing/choosing/port.ts'
import type { Deps } from '../../../src/ports.ts'
import type { RouterPolicy } from '../../../src/core/policy.ts'
import { auto } from '../../../src/routing/strategies/auto.ts'
import { difficulty } from '../../../src/routing/strategies/difficulty.ts'
import { capability, choosing, readingClassifier, verdict } from '../../support/choosing.ts'
import { fakePlaces, said, type Places } from '../../support/fake-places.ts'
import { option, view } from '../../support/options.ts'

const NANO = 'openai/gpt-5-nano'
const FULL = 'openai/gpt-5'
const ROWS = { [NANO]: 0.6, 'openai/gpt-5-mini': 0.75, [FULL]: 0.9 }
const ACTIVE: Partial<Learned> = { isActive: true, isActiveAt: (task) => task === 'math' }

const options = [NANO, 'openai/gpt-5-mini', FULL].map((model, i) =>
  option(model, { model, price: { inputPico: 100_000 * 10 ** i, outputPico: 400_000 * 10 ** i, cacheReadPico: null } }),
)
const judged = verdict(0.5, { taskType: 'math' })

function order(
  learned: Partial<Learned>,
  drawn: number,
  more: Parameters<typeof choosing>[2] = {},
  settings: Parameters<typeof auto.order>[2] = {},
  strategy = auto,
): { readonly first: string; readonly why: string; readonly noted: Noted | null } {
  let noted: Noted | null = null
  const asked = choosing(ROWS, judged, { ...more, learned, note: (one) => void (noted = one) })
  const [first] = strategy.order(
    options,
    view(() => drawn, { choosing: asked }),
    settings,
  )
  return { first: first?.option.id ?? '', why: first?.why ?? '', noted }
}

describe('exploring', () => {
  it.each([auto, difficulty])('goes on only where the tenant’s outcomes decide ($id)', (strategy) => {
    const usual = order({}, 0.0001, {}, {}, strategy)
    expect(usual.noted).toMatchObject({ propensity: 1, explored: false })
    const explored = Array.from({ length: 30 }, (_, i) => order(ACTIVE, (0.02 * (i + 0.5)) / 30, {}, {}, strategy))
    expect(new Set(explored.map(({ first }) => first)).size).toBe(3)
    expect(explored.every(({ noted }) => noted?.explored === true)).toBe(true)
    expect(explored.filter(({ first }) => first !== usual.first).every(({ why, noted }) => why === 'explored' && Math.abs((noted?.propensity ?? 0) - 0.02 / 3) < 1e-9)).toBe(true) // prettier-ignore
    const stays = order(ACTIVE, 0.5, {}, {}, strategy)
    expect([stays.first, stays.noted?.propensity]).toEqual([usual.first, 1 - 0.02 + 0.02 / 3])
  })

  it('never in a conversation, at another task, for what is not clear, or against what the client pins', () => {
    const draw = 0.0001
    const given = { model: FULL, score: 0.5, task: 'math' as const }
    expect(order(ACTIVE, draw, { given }).noted).toMatchObject({ explored: false, propensity: 1 })
    expect(order({ ...ACTIVE, isActiveAt: () => false }, draw).noted?.explored).toBe(false)
    expect(order(ACTIVE, draw, { verdict: () => verdict(0.5, { taskType: 'math', needsInfo: 'no-object' }) }).noted?.explored).toBe(false)
    expect(order(ACTIVE, draw, { verdict: () => verdict(0.5, { taskType: 'math', abstains: true }) }).noted?.explored).toBe(false)
    for (let i = 0; i < 30; i++) expect(order(ACTIVE, (0.02 * (i + 0.5)) / 30, {}, { pin: NANO }).first).toBe(NANO)
  })

  it('never reaches beyond the share of expensive choices; a share of nothing counts from the first one on', () => {
    for (let i = 0; i < 30; i++) {
      const drawn = (0.02 * (i + 0.5)) / 30
      expect(order({ ...ACTIVE, expensiveShare: 0 }, drawn).first).not.toBe(FULL)
      expect(order({ ...ACTIVE, lately: { decisions: 200, expensive: 150 } }, drawn, {}, { expensiveShare: 0.5 }).first).not.toBe(FULL)
    }
    expect(order({}, 0.5).noted?.expensive).toBe(true)
    expect(order({ expensiveShare: 0 }, 0.5).noted?.expensive).toBe(false)
  })
})

describe('what is learnt, on the request path', () => {
  function gateway(
    learned: Partial<Learned>,
    random = 0.5,
    at: readonly string[] = ['openai'],
  ): { readonly places: Places; readonly told: Decided[]; readonly heard: (RouterPolicy | null)[] } {
    const told: Decided[] = []
    const heard: (RouterPolicy | null)[] = []
    const learning: Learning = {
      ...NO_LEARNING,
      of: () => ({ ...NOTHING_LEARNED, ...learned }),
      heard: (_, policy) => void heard.push(policy),
      decided: (_, decision) => void told.push(decision),
    }
    const deps: Partial<Deps> = { classifier: readingClassifier(), abilities: { capability: capability(ROWS), models: [...Object.keys(ROWS), 'anthropic/claude-haiku-4.5', 'anthropic/claude-sonnet-4.5'] }, learning, random: () => random } // prettier-ignore
    const answer = (path: string): Response => (path.includes('count_tokens') ? Response.json({ input_tokens: 9 }) : said('Hi'))
    return { places: fakePlaces(at, ({ path }) => answer(path), { deps }), told, heard }
  }
  const chat = async (places: Places, model: string, headers: Record<string, string> = {}): Promise<void> => {
    const messages = [{ role: 'user', content: 'score=0.5 task=math sum it' }]
    const response = await places.ask('openai-chat', { model, messages }, { at: '/v1/chat/completions', headers })
    expect([response.status, await response.text()]).toMatchObject([200, expect.any(String)])
  }

  it('tells a choice once, and the row says what it was made of', async () => {
    const { places, told, heard } = gateway({})
    await chat(places, 'sluice/auto')
    expect(told.map(({ score }) => score)).toEqual([0.5])
    expect(heard).toEqual([null])
    expect(places.settled[0]?.row?.router).toEqual({
      task: 'math',
      score: 0.5,
      model: FULL,
      prior: { value: 0.9, error: 0.02 },
      led: true,
      propensity: 1,
      explored: false,
      expensive: expect.any(Boolean) as boolean,
    })
    await chat(places, NANO)
    expect(told.length).toBe(1)
    expect(places.settled[1]?.row?.router).toBeUndefined()
  })

  it('a count of tokens is no choice: it is free, and nobody answers', async () => {
    const { places, told } = gateway({}, 0.5, ['anthropic'])
    const body = { model: 'sluice/auto', messages: [{ role: 'user', content: 'score=0.5 task=math sum it' }] }
    const response = await places.ask('anthropic-count-tokens', body, { at: '/v1/messages/count_tokens' })
    expect([response.status, response.headers.get('x-sluice-difficulty')]).toEqual([200, 'medium; task=math'])
    await response.text()
    expect(told).toEqual([])
    expect(places.settled.map(({ row }) => row?.router)).toEqual([undefined])
  })

  it('is no choice where the client names a model, and a router only stands behind it', async () => {
    const { places, told } = gateway({})
    const messages = [{ role: 'user', content: 'score=0.98 prove it' }]
    const response = await places.ask('openrouter', { model: NANO, models: ['sluice/auto'], messages })
    expect([response.status, places.called, told]).toEqual([200, [NANO], []])
    expect(response.headers.has('x-sluice-difficulty')).toBe(false)
    expect(places.settled[0]?.row?.router).toBeUndefined()
  })

  it('names the model that answers also where there was only one to choose from', async () => {
    const { places } = gateway({})
    const body = {
      model: 'sluice/auto',
      messages: [{ role: 'user', content: 'hi' }],
      plugins: [{ id: 'auto-router', allowed_models: [NANO] }],
    }
    const response = await places.ask('openrouter', body)
    expect([response.status, await response.json()]).toMatchObject([200, { model: NANO }])
  })

  it('is of whoever is asked first, though one that is only there for other troubles be better off', async () => {
    const routes = {
      routes: [{ name: 'r', strategy: 'auto' as const, targets: [NANO, FULL], context_fallbacks: ['anthropic/claude-opus-4.5'] }],
    }
    const deps: Partial<Deps> = { classifier: readingClassifier(), abilities: { capability: capability(ROWS), models: [] } }
    const health = ({ provider }: { readonly provider: string }): object => (provider === 'openai' ? { state: 'open' } : {})
    const places = fakePlaces(['openai', 'anthropic'], () => said('Hi'), { deps, routes, health })
    await places.ask('openai-chat', { model: 'r', messages: [{ role: 'user', content: 'score=0.5 task=math' }] })
    expect(places.called).toEqual([FULL])
    expect(places.settled[0]?.row?.router).toMatchObject({ model: FULL, task: 'math', led: true })
  })

  it('is told of the group that chose, not of one that stands behind it', async () => {
    const { places, told } = gateway({})
    const messages = [{ role: 'user', content: 'score=0.02 hi' }]
    const response = await places.ask('openrouter', { model: 'sluice/aggressive', models: ['sluice/auto'], messages })
    expect([response.status, places.called]).toEqual([200, [NANO]])
    expect([places.settled[0]?.row?.router?.expensive, told.map(({ expensive }) => expensive)]).toEqual([false, [false]])
  })

  it('another model is chosen where outcomes say so; the promise stays the table’s', async () => {
    const outcomes: Learned['outcomes'] = (_, model) => (model === FULL ? { good: 20, bad: 180 } : null)
    const { places } = gateway({ ...ACTIVE, outcomes })
    await chat(places, 'sluice/auto')
    expect(places.settled[0]?.row?.router).toMatchObject({ model: 'openai/gpt-5-mini', prior: { value: 0.75 }, led: false })
    const off = gateway({ ...ACTIVE, outcomes, isActiveAt: () => false })
    await chat(off.places, 'sluice/auto')
    expect(off.places.settled[0]?.row?.router?.model).toBe(FULL)
  })

  it('an answer that is verifiably no good is an outcome of the model that gave it', async () => {
    const results: (readonly [string, Result])[] = []
    const learning: Learning = { ...NO_LEARNING, of: () => NOTHING_LEARNED, outcome: (key, result) => void results.push([key, result]) }
    const deps: Partial<Deps> = { classifier: readingClassifier(), abilities: { capability: capability(ROWS), models: Object.keys(ROWS) }, learning } // prettier-ignore
    const routes = { routes: [{ name: 'chosen', match: 'chosen', strategy: 'difficulty' as const, targets: Object.keys(ROWS).map((model) => ({ model })), cascade: {} }] } // prettier-ignore
    const places = fakePlaces(['openai'], ({ text }) => said(text.includes('"gpt-5"') ? '{"n": 1}' : 'no JSON'), { deps, routes })
    const body = { model: 'chosen', messages: [{ role: 'user', content: 'score=0.02 task=math' }], response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } } } // prettier-ignore
    await (await places.ask('openai-chat', body, { at: '/v1/chat/completions' })).text()
    expect(places.called.length).toBe(2)
    expect(results[0]).toEqual([
      'key',
      { task: 'math', model: NANO, weight: -1, instead: 0, prior: { value: 0.6, error: 0.02 }, led: true },
    ])
  })

  it('a choice by chance can be made again from its decision', async () => {
    const seen = new Set<string>()
    for (let i = 0; i < 12; i++) {
      const { places } = gateway(ACTIVE, (0.02 * (i + 0.5)) / 12)
      await chat(places, 'sluice/auto', { 'x-sluice-route': 'explain' })
      const row = places.settled[0]?.row
      seen.add(row?.router?.model ?? '')
      expect(row?.router).toMatchObject({ explored: true, led: false })
      const decision = JSON.parse(row?.decision ?? '') as Decision
      const again = replay(decision)
      expect(again === null ? null : isSameOrder(decision, again)).toBe(true)
    }
    expect(seen.size).toBe(3)
  })
})
