// An answer that is verifiably no good is asked for once more, a tier up: who is asked, what the client gets, and that both answers are booked
// to the nano-dollar.

import { afterEach, describe, expect, it, vi } from 'vitest'
import { lookUp } from '../../src/catalogue/index.ts'
import type { Admission, Ask, Row, Settlement } from '../../src/core/account.ts'
import { settledRow, type Estate } from '../../src/core/estate.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import { costNanoUsd } from '../../src/core/price.ts'
import { usageOf } from '../../src/core/usage.ts'
import { NO_LEARNING } from '../../src/routing/choosing/port.ts'
import type { RouteDocument } from '../../src/routing/document-shape.ts'
import { NO_HEALTH } from '../../src/routing/health.ts'
import { capability, readingClassifier } from '../support/choosing.ts'
import { events, failing, fakePlaces, silent, streamed, type PlaceCall, type Places, type PlacesWorld } from '../support/fake-places.ts'

afterEach(() => void vi.useRealTimers())

type Cascade = NonNullable<NonNullable<RouteDocument['routes']>[number]['cascade']>

const MINI = 'openai/gpt-4o-mini'
const BIG = 'openai/gpt-4o'
const HAIKU = 'anthropic/claude-haiku-4-5'
const SONNET = 'anthropic/claude-sonnet-4-5'
const FLASH = 'google/gemini-2.5-flash'
const PRO = 'google/gemini-2.5-pro'

const PLACES = ['openai', 'anthropic', 'google', 'groq', 'azure']
const GOOD = '{"n":1}'
const BAD = 'One, I think.'
const FORMAT = {
  type: 'json_schema',
  json_schema: { name: 'n', strict: true, schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] } },
}

const routes = (targets: readonly string[], cascade: Cascade = {}, more: object = {}): RouteDocument => ({
  routes: [{ name: 'two', targets: [...targets], cascade, ...more }],
})

/** What each model says: a text, or an answer of its own. */
type Says = { readonly [model: string]: string | ((call: PlaceCall) => Response | Promise<Response>) }

/** Tokens in and out of each model's answers, so that no two cost the same. */
const TOKENS: { readonly [model: string]: readonly [number, number] } = {
  'gpt-4o-mini': [31, 7],
  'gpt-4o': [37, 11],
  'claude-haiku-4-5': [41, 13],
  'claude-sonnet-4-5': [43, 17],
  'gemini-2.5-flash': [47, 19],
  'gemini-2.5-pro': [53, 23],
  'llama-3.3-70b-versatile': [59, 29],
}

function answer(call: PlaceCall, text: string): Response {
  const [input, output] = TOKENS[call.model] ?? [1, 1]
  if (call.text.includes('"stream":true')) {
    const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
    return streamed(events(text === '' ? [] : (text.match(/[^]{1,3}/g) ?? []), usage), 'ends', call)
  }
  if (call.provider === 'anthropic')
    return Response.json({
      id: 'm1',
      type: 'message',
      role: 'assistant',
      model: call.model,
      content: text === '' ? [] : [{ type: 'text', text }],
      stop_reason: 'end_turn',
      usage: { input_tokens: input, output_tokens: output },
    })
  if (call.provider === 'google')
    return Response.json({
      candidates: [{ content: { role: 'model', parts: text === '' ? [] : [{ text }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: input, candidatesTokenCount: output, totalTokenCount: input + output },
    })
  return Response.json({
    id: 'c1',
    object: 'chat.completion',
    created: 1,
    model: call.model,
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  })
}

function world(says: Says, more: PlacesWorld): Places {
  return fakePlaces(
    PLACES,
    (call) => {
      const said = says[call.model]
      if (said === undefined) throw new Error(`Nobody should have asked ${call.model}.`)
      return typeof said === 'string' ? answer(call, said) : said(call)
    },
    more,
  )
}

const HI = [{ role: 'user', content: 'How many?' }]
const ask = (places: Places, more: object = {}, sent: Parameters<Places['ask']>[2] = {}): Promise<Response> =>
  places.ask('openai-chat', { model: 'two', messages: HI, response_format: FORMAT, ...more }, sent)

/** Whole nano-dollars of what that model said it used. */
function costOf(target: string): number {
  const [provider = '', model = ''] = target.split('/')
  const [input, output] = TOKENS[model] ?? [0, 0]
  const price = lookUp(provider, model)?.price ?? null
  const cost = price === null ? null : costNanoUsd(usageOf({ input, output }), price)
  if (cost === null || cost === 0) throw new Error(`${target} has no price`)
  return cost
}

async function rowOf(places: Places): Promise<Row> {
  await expect.poll(() => places.settled.length).toBe(1)
  const row = places.settled[0]?.row ?? null
  if (row === null) throw new Error('no row')
  return row
}

const contentOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { readonly choices: readonly { readonly message: { readonly content: unknown } }[] }).choices[0]?.message
    .content

describe('an answer that is no good', () => {
  it('is asked for again a tier up, and both are booked', async () => {
    const places = world({ 'gpt-4o-mini': BAD, 'gpt-4o': GOOD }, { routes: routes([MINI, BIG]) })
    const response = await ask(places)
    expect(await contentOf(response)).toBe(GOOD)
    const cost = costOf(MINI) + costOf(BIG)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-sluice-model': 'gpt-4o',
      'x-sluice-attempts': 'openai/gpt-4o-mini 200 unfit:schema, openai/gpt-4o 200',
      'x-sluice-cascade': 'schema; given=second',
      'x-sluice-cost-usd': (cost / 1e9).toFixed(9).replace(/0+$/, ''),
    })
    expect(await rowOf(places)).toMatchObject({
      model: 'gpt-4o',
      costNanoUsd: cost,
      usageFrom: 'provider',
      usage: { input: 31 + 37, output: 7 + 11 },
      ended: 'complete',
      errorCode: null,
      attempts: [
        { model: 'gpt-4o-mini', outcome: 'unfit', unfit: 'schema', costNanoUsd: costOf(MINI) },
        { model: 'gpt-4o', outcome: 'committed', costNanoUsd: costOf(BIG) },
      ],
    })
    // Nobody is ill, and nobody runs any more.
    expect(places.told.map(([, what]) => what)).toEqual(['begin', 'good', 'begin', 'good', 'end', 'end'])
  })

  it.each([
    ['openai-chat', MINI, BIG],
    ['openai-chat', HAIKU, SONNET],
    ['openai-chat', FLASH, PRO],
    ['openai-chat', FLASH, SONNET],
    ['anthropic-messages', HAIKU, SONNET],
    ['anthropic-messages', MINI, SONNET],
    ['gemini', FLASH, PRO],
    ['openai-responses', HAIKU, SONNET],
    ['openrouter', HAIKU, BIG],
  ])('in %s from %s to %s', async (language, from, to) => {
    const [small = '', large = ''] = [from, to].map((name) => name.split('/')[1])
    const places = world({ [small]: '', [large]: 'fine' }, { routes: routes([from, to]) })
    const body =
      language === 'gemini'
        ? { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }
        : language === 'openai-responses'
          ? { model: 'two', input: 'hi' }
          : { model: 'two', messages: HI, ...(language === 'anthropic-messages' ? { max_tokens: 500 } : {}) }
    const response = await places.ask(language, body, language === 'gemini' ? { at: '/v1beta/models/two:generateContent' } : {})
    const text = await response.text()
    expect([response.status, text.includes('fine')]).toEqual([200, true])
    const cost = costOf(from) + costOf(to)
    expect(await rowOf(places)).toMatchObject({
      costNanoUsd: cost,
      attempts: [{ unfit: 'empty', costNanoUsd: costOf(from) }, { costNanoUsd: costOf(to) }],
    })
    expect(Number(response.headers.get('x-sluice-cost-usd'))).toBeCloseTo(cost / 1e9, 12)
    if (language === 'openrouter') expect(JSON.parse(text)).toMatchObject({ usage: { cost: cost / 1e9 } })
  })

  it('is given where nothing better comes, and both are booked', async () => {
    const places = world({ 'gpt-4o-mini': BAD, 'gpt-4o': '' }, { routes: routes([MINI, BIG, SONNET]) })
    const response = await ask(places)
    expect(await contentOf(response)).toBe(BAD)
    expect(response.headers.get('x-sluice-cascade')).toBe('schema; given=first; because=unfit:empty')
    expect(response.headers.get('x-sluice-attempts')).toBe('openai/gpt-4o-mini 200 unfit:schema, openai/gpt-4o 200 unfit:empty')
    expect(places.called).toEqual([MINI, BIG]) // once a request
    expect(await rowOf(places)).toMatchObject({
      model: 'gpt-4o-mini',
      costNanoUsd: costOf(MINI) + costOf(BIG),
      usage: { input: 31 + 37, output: 7 + 11 },
      attempts: [
        { outcome: 'committed', unfit: 'schema', costNanoUsd: costOf(MINI) },
        { outcome: 'unfit', unfit: 'empty', costNanoUsd: costOf(BIG) },
      ],
    })
  })

  it('is given where the second fails', async () => {
    const places = world({ 'gpt-4o-mini': BAD, 'gpt-4o': () => failing(503) }, { routes: routes([MINI, BIG, SONNET]) })
    const response = await ask(places)
    expect(await contentOf(response)).toBe(BAD)
    expect(response.headers.get('x-sluice-cascade')).toBe('schema; given=first; because=upstream-overloaded')
    expect(places.called).toEqual([MINI, BIG])
    expect(await rowOf(places)).toMatchObject({
      model: 'gpt-4o-mini',
      costNanoUsd: costOf(MINI),
      usage: { input: 31, output: 7 },
      ended: 'complete',
    })
  })

  it('is given where the second is too late, and what that may be billed is booked', async () => {
    const need = 1_000_000
    const places = world(
      { 'gpt-4o-mini': BAD, 'gpt-4o': silent },
      { routes: routes([MINI, BIG], {}, { deadline_ms: 300 }), hold: { budgeted: true, nanoUsd: 5 * need }, needNanoUsd: need },
    )
    const response = await ask(places)
    expect(await contentOf(response)).toBe(BAD)
    expect(response.headers.get('x-sluice-cascade')).toBe('schema; given=first; because=upstream-timeout')
    expect(await rowOf(places)).toMatchObject({
      costNanoUsd: costOf(MINI) + need,
      usage: { input: 31 },
      attempts: [{ unfit: 'schema' }, { costNanoUsd: need }],
    })
  })

  it('is given where the time is over already', async () => {
    const slow = async (call: PlaceCall): Promise<Response> => {
      await new Promise((resolve) => setTimeout(resolve, 40))
      return answer(call, BAD)
    }
    let clock = 0
    const now = (): number => Date.now() + clock
    const late = async (call: PlaceCall): Promise<Response> => {
      const made = await slow(call)
      clock = 60_000
      return made
    }
    const places = world({ 'gpt-4o-mini': late }, { routes: routes([MINI, BIG], {}, { deadline_ms: 30_000 }), deps: { now } })
    const response = await ask(places)
    expect(response.headers.get('x-sluice-cascade')).toBe('schema; given=first; because=late')
    expect(await contentOf(response)).toBe(BAD)
  })

  it('keeps both calls inside the budget', async () => {
    const need = 1_000_000
    const world2 = (growsTo: number): Places =>
      world(
        { 'gpt-4o-mini': BAD, 'gpt-4o': GOOD },
        { routes: routes([MINI, BIG]), hold: { budgeted: true, nanoUsd: need }, needNanoUsd: need, growsTo },
      )
    const poor = world2(costOf(MINI) + need - 1)
    const kept = await ask(poor)
    expect(await contentOf(kept)).toBe(BAD)
    expect(kept.headers.get('x-sluice-cascade')).toBe('schema; given=first; because=unpaid')
    expect(poor.called).toEqual([MINI])
    expect(await rowOf(poor)).toMatchObject({ costNanoUsd: costOf(MINI), attempts: [{ outcome: 'committed', unfit: 'schema' }] })
    expect(poor.settled[0]?.hold.nanoUsd).toBe(need)
    const rich = world2(costOf(MINI) + need)
    expect(await contentOf(await ask(rich))).toBe(GOOD)
    expect(await rowOf(rich)).toMatchObject({ costNanoUsd: costOf(MINI) + costOf(BIG) })
    expect(rich.settled[0]?.hold.nanoUsd).toBe(costOf(MINI) + need)
  })

  it('without usage is counted for both, and an unknown price stays unknown', async () => {
    const untold = (text: string) => (): Response =>
      Response.json({
        id: 'c',
        object: 'chat.completion',
        model: 'm',
        choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      })
    const places = world({ 'gpt-4o-mini': untold(BAD), 'gpt-4o': untold(GOOD) }, { routes: routes([MINI, BIG]) })
    await ask(places)
    const row = await rowOf(places)
    const [first, second] = row.attempts.map(({ costNanoUsd: cost }) => cost ?? 0)
    expect(row.usageFrom).toBe('counted')
    expect(first).toBeGreaterThan(0)
    expect(row.costNanoUsd).toBe((first ?? 0) + (second ?? 0))
    const unpriced = world({ 'gpt-4o-mini': BAD, 'no-such-model': GOOD }, { routes: routes([MINI], { target: 'openai/no-such-model' }) })
    expect(await contentOf(await ask(unpriced))).toBe(GOOD)
    expect(await rowOf(unpriced)).toMatchObject({
      model: 'no-such-model',
      costNanoUsd: null,
      attempts: [{ costNanoUsd: costOf(MINI) }, {}],
    })
  })
})

describe('a mistake of ours', () => {
  const broken = (): never => {
    throw new Error('the board is broken')
  }
  const CHOSEN = { classifier: readingClassifier(), abilities: { capability: capability({}), models: [] } }

  it.each([
    ['health', { health: { ...NO_HEALTH, end: vi.fn().mockImplementationOnce(broken) } }],
    ['learning', { deps: { ...CHOSEN, learning: { ...NO_LEARNING, outcome: broken } } }],
  ])('in telling %s takes no answer away that is paid for', async (_, more) => {
    const strategy = { strategy: { name: 'auto' as const } }
    const places = world({ 'gpt-4o-mini': BAD, 'gpt-4o': GOOD }, { routes: routes([MINI, BIG], {}, strategy), ...more })
    const response = await ask(places)
    expect(await contentOf(response)).toBe(GOOD)
    expect(response.headers.get('x-sluice-cascade')).toBe('schema; given=second')
    expect(await rowOf(places)).toMatchObject({
      model: 'gpt-4o',
      costNanoUsd: costOf(MINI) + costOf(BIG),
      attempts: [{ outcome: 'unfit', costNanoUsd: costOf(MINI) }, { outcome: 'committed' }],
    })
  })

  it('that nobody foresaw lets the hold expire: it is renewed no more', async () => {
    vi.useFakeTimers()
    const places = world({ 'gpt-4o-mini': BAD }, { routes: routes([MINI, BIG]), deps: { log: broken }, needNanoUsd: 1000 })
    await expect(ask(places)).rejects.toThrow('broken')
    expect([vi.getTimerCount(), places.settled]).toEqual([0, []])
  })
})

describe('when the client leaves', () => {
  it('between the two answers both are in one row', async () => {
    const need = 1_000_000
    const leaving = new AbortController()
    const places = world(
      {
        'gpt-4o-mini': BAD,
        'gemini-2.5-pro': (call) => {
          setTimeout(() => leaving.abort(), 5)
          return silent(call)
        },
      },
      { routes: routes([MINI, PRO]), hold: { budgeted: true, nanoUsd: 9 * need }, needNanoUsd: need },
    )
    await ask(places, {}, { signal: leaving.signal })
    expect(await rowOf(places)).toMatchObject({
      model: 'gemini-2.5-pro',
      ended: 'client-gone',
      costNanoUsd: costOf(MINI) + need, // what the second may be billed nobody knows
      usage: { input: expect.any(Number) as number },
      attempts: [
        { model: 'gpt-4o-mini', outcome: 'unfit', unfit: 'schema', costNanoUsd: costOf(MINI) },
        { model: 'gemini-2.5-pro', outcome: 'client-gone' },
      ],
    })
    expect(places.settled).toHaveLength(1)
  })

  it('and the rest is read by somebody else, both are booked exactly', async () => {
    const leaving = new AbortController()
    const estates: Estate[] = []
    const granted = (asked: Ask): Admission => ({
      kind: 'granted',
      hold: { requestId: asked.requestId, period: '', nanoUsd: 9_000_000, takenAt: 0, expiresAt: Date.now() + 1e6, budgeted: true },
      allowed: asked.candidates.map((_, i) => i),
      needs: asked.candidates.map(() => 1_000_000),
      maxOutputTokens: null,
      clamped: false,
      repeated: false,
      drains: true,
    })
    const settled: Settlement[] = []
    const places = world(
      {},
      {
        routes: routes([FLASH, PRO]),
        deps: {
          account: () => ({
            admit: async (asked) => granted(asked),
            renew: async () => undefined,
            extend: async () => null,
            settle: async (one) => void settled.push(one),
            view: async () => ({ kind: 'refused', code: 'key-unknown', message: 'not here' }),
            flush: async () => undefined,
            pending: async () => null,
          }),
          lasting: () => ({
            fetch: async (url, init) => {
              const call = { provider: 'google', model: /models\/([^:]+)/.exec(url)?.[1] ?? '', path: '', text: '', headers: new Headers() }
              const signal = init.signal ?? new AbortController().signal
              if (url.includes('flash')) return answer({ ...call, signal }, BAD)
              setTimeout(() => leaving.abort(), 5)
              return silent({ signal })
            },
            takeOver: async (estate) => estates.push(estate) > 0,
          }),
        },
      },
    )
    await ask(places, {}, { signal: leaving.signal })
    await expect.poll(() => estates.length).toBe(1)
    expect(settled).toEqual([])
    const [estate] = estates
    if (estate === undefined) throw new Error('nothing was left')
    expect(estate.bill.hold.nanoUsd).toBe(9_000_000) // as it was taken: whoever has forgotten it must find all of it
    expect(settledRow(estate, null, 0).costNanoUsd).toBe(costOf(FLASH) + 1_000_000)
    const seen = { usage: usageOf({ input: 53, output: 23 }), finish: 'STOP', contentLength: 7, unbilled: false }
    expect(settledRow(estate, { seen, upstreamId: null, whole: true, refused: false }, 0)).toMatchObject({
      model: 'gemini-2.5-pro',
      ended: 'client-gone',
      costNanoUsd: costOf(FLASH) + costOf(PRO),
      usage: { input: 47 + 53, output: 19 + 23 },
    })
  })

  it('before the second goes out the first is booked as it is', async () => {
    const leaving = new AbortController()
    const places = world(
      {
        'gpt-4o-mini': (call) => {
          const text = answer(call, BAD).text()
          const body = new ReadableStream({
            async pull(controller) {
              controller.enqueue(new TextEncoder().encode(await text))
              controller.close()
              leaving.abort()
            },
          })
          return new Response(body, { headers: { 'content-type': 'application/json' } })
        },
      },
      { routes: routes([MINI, BIG]) },
    )
    const response = await ask(places, {}, { signal: leaving.signal })
    expect(response.headers.get('x-sluice-cascade')).toBe('schema; given=first; because=client-gone')
    expect(places.called).toEqual([MINI])
    expect(await rowOf(places)).toMatchObject({ costNanoUsd: costOf(MINI), ended: 'complete' })
  })
})

describe('who is asked', () => {
  it('is a dearer model, not another place of the same nor a cheaper one', async () => {
    const dear = world({ 'gpt-4o': BAD }, { routes: routes([BIG, MINI, 'azure/gpt-4o']) })
    const response = await ask(dear)
    expect(await contentOf(response)).toBe(BAD)
    expect(response.headers.get('x-sluice-cascade')).toBe('schema; given=first; because=no-target')
    expect(response.headers.get('x-sluice-attempts')).toBeNull()
    expect(dear.called).toEqual([BIG])
    expect(await rowOf(dear)).toMatchObject({ costNanoUsd: costOf(BIG), attempts: [{ outcome: 'committed', unfit: 'schema' }] })
    const skips = world({ 'claude-haiku-4-5': BAD, 'claude-sonnet-4-5': GOOD }, { routes: routes([HAIKU, MINI, SONNET, BIG]) })
    expect(await contentOf(await ask(skips))).toBe(GOOD)
    expect(skips.called).toEqual([HAIKU, SONNET])
  })

  it('is whom the route names, who is asked for nothing else', async () => {
    const document = routes([MINI], { target: SONNET })
    const places = world({ 'gpt-4o-mini': BAD, 'claude-sonnet-4-5': GOOD }, { routes: document })
    expect(await contentOf(await ask(places))).toBe(GOOD)
    const down = world({ 'gpt-4o-mini': () => failing(500) }, { routes: document })
    expect((await ask(down, { num_retries: 0 })).status).toBe(502)
    expect(down.called).toEqual([MINI])
  })

  it('is allowed by the key', async () => {
    const permits = { ...EVERYTHING, models: [MINI, SONNET] }
    const places = world({ 'gpt-4o-mini': BAD, 'claude-sonnet-4-5': GOOD }, { routes: routes([MINI, BIG, SONNET]), permits })
    expect(await contentOf(await ask(places))).toBe(GOOD)
    expect(places.called).toEqual([MINI, SONNET])
    const none = world({ 'gpt-4o-mini': BAD }, { routes: routes([MINI], { target: BIG }), permits })
    expect((await ask(none)).headers.get('x-sluice-cascade')).toBe('schema; given=first; because=no-target')
  })

  it('is nobody where nobody asked for it', async () => {
    const places = (cascade?: Cascade): Places =>
      world(
        { 'gpt-4o-mini': BAD },
        { routes: cascade === undefined ? { routes: [{ name: 'two', targets: [MINI, BIG] }] } : routes([MINI, BIG], cascade) },
      )
    const plain = await ask(places())
    expect([await contentOf(plain), plain.headers.get('x-sluice-cascade')]).toEqual([BAD, null])
    const other = await ask(places({ on: ['empty'] }))
    expect([await contentOf(other), other.headers.get('x-sluice-cascade')]).toEqual([BAD, null])
    const refused = await ask(places({}), {}, { headers: { 'x-sluice-cascade': 'false' } })
    expect([await contentOf(refused), refused.headers.get('x-sluice-cascade')]).toEqual([BAD, null])
    const alone = await ask(places({}), { disable_fallbacks: true })
    expect([await contentOf(alone), alone.headers.get('x-sluice-cascade')]).toEqual([BAD, null])
    const many = await ask(places({}), { n: 2 })
    expect(many.headers.get('x-sluice-cascade')).toBeNull()
  })

  it('is nobody under holds that are made for one call', async () => {
    for (const hold of [{ elastic: { mostNanoUsd: 9_000_000 } }, { purses: [] }]) {
      const places = world({ 'gpt-4o-mini': BAD }, { routes: routes([MINI, BIG]), hold: { budgeted: true, nanoUsd: 9_000_000, ...hold } })
      expect(await contentOf(await ask(places))).toBe(BAD)
    }
  })
})

describe('a stream', () => {
  const read = async (response: Response): Promise<string> => {
    const raw = await response.text()
    return [...raw.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, piece = '']) => JSON.parse(`"${piece}"`) as string).join('')
  }
  const asking = { stream: true, stream_options: { include_usage: true } }

  it('passes as it comes, also what is no good', async () => {
    const places = world({ 'gpt-4o-mini': BAD }, { routes: routes([MINI, BIG]) })
    expect(await read(await ask(places, asking))).toBe(BAD)
    expect(await rowOf(places)).toMatchObject({ costNanoUsd: costOf(MINI) })
  })

  it('that ends without content is asked for again', async () => {
    const places = world({ 'gpt-4o-mini': '', 'gpt-4o': 'fine' }, { routes: routes([MINI, BIG]) })
    const response = await ask(places, asking)
    expect(response.headers.get('x-sluice-cascade')).toBe('empty; given=second')
    expect(await read(response)).toBe('fine')
    expect(await rowOf(places)).toMatchObject({
      model: 'gpt-4o',
      costNanoUsd: costOf(MINI) + costOf(BIG),
      usage: { input: 31 + 37, output: 7 + 11 },
      attempts: [{ unfit: 'empty', costNanoUsd: costOf(MINI) }, { costNanoUsd: costOf(BIG) }],
    })
  })

  it.each([
    ['forwarded', 'openai-chat'],
    ['translated', 'anthropic-messages'],
    ['translated', 'openrouter'],
  ])('that is held back is judged whole, %s', async (_, language) => {
    const document = routes([MINI, BIG], { on: ['schema', 'empty'], streams: 'hold' })
    const body = {
      model: 'two',
      messages: HI,
      ...asking,
      ...(language === 'anthropic-messages'
        ? { max_tokens: 100, output_config: { format: { type: 'json_schema', schema: FORMAT.json_schema.schema } } }
        : { response_format: FORMAT }),
    }
    const places = world({ 'gpt-4o-mini': BAD, 'gpt-4o': GOOD }, { routes: document })
    const response = await places.ask(language, body)
    const raw = await response.text()
    expect(raw).toContain('1')
    expect(raw).not.toContain('think')
    expect(response.headers.get('x-sluice-cascade')).toBe('schema; given=second')
    expect(await rowOf(places)).toMatchObject({ costNanoUsd: costOf(MINI) + costOf(BIG), usage: { output: 7 + 11 } })
    const worse = world({ 'gpt-4o-mini': BAD, 'gpt-4o': '' }, { routes: document })
    const first = await worse.ask(language, body)
    const text = await first.text()
    expect(text).toContain('ink')
    expect(text).toContain(language === 'anthropic-messages' ? 'message_stop' : '[DONE]')
    expect(await rowOf(worse)).toMatchObject({ model: 'gpt-4o-mini', costNanoUsd: costOf(MINI) + costOf(BIG), usage: { output: 7 + 11 } })
    const good = world({ 'gpt-4o-mini': GOOD }, { routes: document })
    const fine = await good.ask(language, body)
    expect(await fine.text()).not.toContain('think')
    expect(fine.headers.get('x-sluice-cascade')).toBeNull()
    expect(await rowOf(good)).toMatchObject({ costNanoUsd: costOf(MINI), attempts: [{ outcome: 'committed' }] })
  })

  it.each([
    ['as it came', asking, 'openai-chat'],
    ['without its usage', { stream: true }, 'openai-chat'],
    ['in another language', { ...asking, max_tokens: 9 }, 'anthropic-messages'],
  ])('that is too long to be held back is given whole, %s', async (_, more, language) => {
    const words = Array.from({ length: 30_000 }, (__, n) => `word${n} `)
    const sent = events(words, { prompt_tokens: 31, completion_tokens: 7, total_tokens: 38 })
    // A few frames a piece, and pieces that end in the middle of one.
    const pieces = sent.join('').match(/[^]{1,10007}/g) ?? []
    const places = world({ 'gpt-4o-mini': (call) => streamed(pieces, 'ends', call) }, { routes: routes([MINI, BIG], { streams: 'hold' }) })
    const response = await places.ask(language, {
      model: 'two',
      messages: HI,
      ...(language === 'openai-chat' ? { response_format: FORMAT } : {}),
      ...more,
    })
    const raw = await response.text()
    expect(raw.match(/word\d+ /g)).toEqual(words)
    if (more === asking) expect(raw).toBe(sent.join(''))
    expect(response.headers.get('x-sluice-cascade')).toBeNull()
    expect(await rowOf(places)).toMatchObject({ costNanoUsd: costOf(MINI), ended: 'complete' })
  })

  it('that breaks off while it is held back says so', async () => {
    const document = routes([MINI, BIG], { streams: 'hold' })
    const places = world({ 'gpt-4o-mini': (call) => streamed(events(['One', ' two']).slice(0, 3), 'breaks', call) }, { routes: document })
    const response = await ask(places, asking)
    const raw = await response.text()
    expect(raw).toContain(' two')
    expect(raw).toContain('error')
    expect(await rowOf(places)).toMatchObject({ ended: 'upstream-cut' })
    expect(places.called).toEqual([MINI])
  })

  it.each(['breaks', 'stalls'] as const)('that is held back in vain (it %s) leaves the first, and both are booked', async (behind) => {
    const document = routes([MINI, BIG], { streams: 'hold' }, { deadline_ms: 700 })
    const need = 1_000_000
    const places = world(
      { 'gpt-4o-mini': BAD, 'gpt-4o': (call) => streamed(events(['{"n"', ': 1']).slice(0, 3), behind, call) },
      { routes: document, hold: { budgeted: true, nanoUsd: 5 * need }, needNanoUsd: need },
    )
    const response = await ask(places, asking)
    const raw = await response.text()
    const because = behind === 'breaks' ? 'upstream-cut' : 'upstream-timeout'
    expect(response.headers.get('x-sluice-cascade')).toBe(`schema; given=first; because=${because}`)
    expect([raw.includes('One'), raw.includes('error'), raw.includes('data: [DONE]')]).toEqual([true, false, true])
    expect(await rowOf(places)).toMatchObject({
      model: 'gpt-4o-mini',
      ended: 'complete',
      costNanoUsd: costOf(MINI) + need, // what the second may be billed nobody knows
      attempts: [
        { outcome: 'committed', unfit: 'schema', costNanoUsd: costOf(MINI) },
        { outcome: because, costNanoUsd: need },
      ],
    })
    expect(places.told.filter(([, what]) => what === 'end')).toHaveLength(2)
  })

  it('is held back no longer than the client waits', async () => {
    const document = routes([MINI, BIG], { streams: 'hold' }, { deadline_ms: 300 })
    const places = world({ 'gpt-4o-mini': (call) => streamed(events(['One', ' two']).slice(0, 3), 'stalls', call) }, { routes: document })
    const began = Date.now()
    const raw = await (await ask(places, asking)).text()
    expect([raw.includes(' two'), raw.includes('error'), Date.now() - began < 3000]).toEqual([true, true, true])
    expect(await rowOf(places)).toMatchObject({ ended: 'upstream-cut', errorCode: 'upstream-timeout' })
    expect(places.called).toEqual([MINI])
  })

  it('that is held back beside a hedge', async () => {
    const document = routes([MINI, BIG, SONNET], { streams: 'hold', target: PRO }, { hedge: { least_ms: 5 } })
    const places = world(
      {
        'gpt-4o-mini': silent,
        'gpt-4o': BAD,
        'gemini-2.5-pro': () =>
          streamed(
            [
              `data: ${JSON.stringify({ candidates: [{ content: { role: 'model', parts: [{ text: GOOD }] }, finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 53, candidatesTokenCount: 23, totalTokenCount: 76 } })}\n\n`,
            ],
            'ends',
            { signal: new AbortController().signal },
          ),
      },
      { routes: document },
    )
    expect(await read(await ask(places, asking))).toBe(GOOD)
    expect(places.called).toEqual([MINI, BIG, PRO])
    const row = await rowOf(places)
    const costs = row.attempts.map(({ costNanoUsd: cost }) => cost ?? 0)
    expect(row.costNanoUsd).toBe(costs.reduce((sum, one) => sum + one, 0))
    expect(row.attempts).toMatchObject([
      { model: 'gpt-4o', outcome: 'unfit', costNanoUsd: costOf(BIG) },
      { model: 'gpt-4o-mini', outcome: 'client-gone' },
      { model: 'gemini-2.5-pro', outcome: 'committed', costNanoUsd: costOf(PRO) },
    ])
  })
})

describe('beside it', () => {
  it('a repeat gets the answer that was given', async () => {
    const places = world({ 'gpt-4o-mini': BAD, 'gpt-4o': GOOD }, { routes: routes([MINI, BIG]) })
    await ask(places, {}, { headers: { 'idempotency-key': 'k1' } })
    await rowOf(places)
    const kept = places.settled[0]?.answer ?? null
    expect(kept?.text).toContain('{\\"n\\":1}')
    expect(kept?.headers['x-sluice-model']).toBe('gpt-4o')
  })

  it('a shadow is compared with what was given, and is never asked for again', async () => {
    const document = routes([MINI, BIG], {}, { shadow: { share: 1, model: HAIKU } })
    const places = world({ 'gpt-4o-mini': BAD, 'gpt-4o': GOOD, 'claude-haiku-4-5': BAD }, { routes: document })
    expect(await contentOf(await ask(places))).toBe(GOOD)
    await expect.poll(() => places.settled.length).toBe(2)
    const rows = places.settled.map(({ row }) => row)
    const shadow = rows.find((row) => row?.shadowOf !== undefined)
    expect(shadow).toMatchObject({
      costNanoUsd: costOf(HAIKU),
      comparison: { main: { model: 'gpt-4o', costNanoUsd: costOf(MINI) + costOf(BIG) } },
    })
    expect([...places.called].sort()).toEqual([HAIKU, BIG, MINI].sort())
  })

  it('explain says why', async () => {
    const places = world({ 'gpt-4o-mini': BAD, 'gpt-4o': GOOD }, { routes: routes([MINI, BIG]) })
    const response = await ask(places, {}, { headers: { 'x-sluice-route': 'explain' } })
    const told = {
      cascade: { unfit: 'schema', given: 'second' },
      tries: { cascade: { on: expect.arrayContaining(['schema']) as string[], target: null, holds_streams: false } },
    }
    expect(JSON.parse(decodeURIComponent(response.headers.get('x-sluice-decision') ?? ''))).toMatchObject(told)
    expect(JSON.parse((await rowOf(places)).decision ?? '')).toMatchObject(told)
  })

  it('whoever keeps a log hears of it', async () => {
    const lines: { readonly [name: string]: unknown }[] = []
    const places = world(
      { 'gpt-4o-mini': BAD, 'gpt-4o': GOOD },
      { routes: routes([MINI, BIG]), deps: { log: (line) => void lines.push(line()) } },
    )
    await ask(places)
    expect(lines).toContainEqual(expect.objectContaining({ message: 'unfit answer', unfit: 'schema', target: MINI }))
    expect(JSON.stringify(lines)).not.toContain('think')
  })
})
