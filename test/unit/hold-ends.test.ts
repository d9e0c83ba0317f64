// Whatever goes wrong between a hold and its settle, the hold ends; and what health is told of an answer is true.

import { afterEach, describe, expect, it, vi } from 'vitest'
import { NO_LEARNING, type Learning } from '../../src/routing/choosing/port.ts'
import type { Health } from '../../src/routing/health.ts'
import { NO_HEALTH } from '../../src/routing/health.ts'
import { RetryBudget } from '../../src/routing/retry-budget.ts'
import { capability, readingClassifier } from '../support/choosing.ts'
import { events, fakePlaces, said, streamed } from '../support/fake-places.ts'

const CHAT = { model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] }
const HELD = { hold: { nanoUsd: 1000, budgeted: true } } as const

describe('a hold', () => {
  it('is given back when nobody can say who is to be called', async () => {
    const health: Health = {
      ...NO_HEALTH,
      view: () => {
        throw new Error('the board is broken')
      },
    }
    const places = fakePlaces(['openai'], () => said('hi'), { ...HELD, health })
    expect((await places.ask('openai-chat', CHAT)).status).toBe(500)
    expect([places.calls.length, places.settled.map(({ hold, row }) => [hold.nanoUsd, row])]).toEqual([0, [[1000, null]]])
  })

  it('is given back when the first call cannot be begun', async () => {
    const retryBudget = new RetryBudget()
    retryBudget.earn = () => {
      throw new Error('no budget')
    }
    const places = fakePlaces(['openai'], () => said('hi'), { ...HELD, deps: { retryBudget } })
    expect((await places.ask('openai-chat', CHAT)).status).toBe(500)
    expect([places.calls.length, places.settled.map(({ row }) => row)]).toEqual([0, [null]])
  })

  it('is given back when it cannot be counted that a model was chosen', async () => {
    const learning: Learning = {
      ...NO_LEARNING,
      decided: () => {
        throw new Error('nobody counts')
      },
    }
    const places = fakePlaces(['openai'], () => said('hi'), {
      ...HELD,
      routes: { routes: [{ name: 'two', strategy: 'auto', targets: ['openai/gpt-4o-mini', 'openai/gpt-4o'] }] },
      deps: { learning, classifier: readingClassifier(), abilities: { capability: capability({}), models: [] } },
    })
    expect((await places.ask('openai-chat', { ...CHAT, model: 'two' })).status).toBe(500)
    expect([places.calls.length, places.settled.map(({ row }) => row)]).toEqual([0, [null]])
  })

  it.each([true, false])('is settled when health cannot be told of the end (stream: %s)', async (stream) => {
    const health: Health = {
      ...NO_HEALTH,
      end: () => {
        throw new Error('the board is broken')
      },
    }
    const places = fakePlaces(['openai'], (call) => (stream ? streamed(events(['hi']), 'ends', call) : said('hi')), { ...HELD, health })
    await (await places.ask('openai-chat', { ...CHAT, stream })).text()
    await vi.waitFor(() => expect(places.settled.map(({ row }) => row?.ended)).toEqual(['complete']))
  })

  it('of a request that nobody may answer is settled without a row', async () => {
    const places = fakePlaces(['openai'], () => said('hi'), {
      ...HELD,
      routes: { routes: [{ name: 'two', targets: [{ model: 'openai/gpt-4o-mini', when: 'budget_used > 0.5' }] }] },
    })
    const response = await places.ask('openai-chat', { ...CHAT, model: 'two' })
    expect([response.status, places.calls.length, places.settled.map(({ row }) => row)], await response.text()).toEqual([404, 0, [null]])
  })
})

describe('the speed of an answer', () => {
  afterEach(() => void vi.useRealTimers())
  const USAGE = { prompt_tokens: 3, completion_tokens: 200, total_tokens: 203 }

  it.each([
    ['that comes whole is that of all the time it took', false],
    ['that streams is that of what came after its first content', true],
  ])('%s', async (_, stream) => {
    vi.useFakeTimers()
    const ends: { readonly outputTokens: number | null; readonly ms: number }[] = []
    const health: Health = { ...NO_HEALTH, end: (_target, ending) => void ends.push(ending) }
    const places = fakePlaces(
      ['openai'],
      async (call) => {
        await new Promise((resolve) => setTimeout(resolve, 2000))
        return stream ? streamed(events(['hi', 'ho'], USAGE), 'ends', call) : said('hi', USAGE)
      },
      { health },
    )
    const answer = places.ask('openai-chat', { ...CHAT, stream }).then((response) => response.text())
    await vi.advanceTimersByTimeAsync(3000)
    await answer
    expect(ends).toEqual([{ ill: false, outputTokens: 200, ms: stream ? expect.any(Number) : 2000 }])
    expect((ends[0]?.ms ?? 0) >= 2000).toBe(!stream)
  })
})
