// What is learnt of a key's requests: slates of two names stand for two isolates, and the real object is between them. Feedback, from the
// client's call to the outcome.

import { runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { TaskType } from '../../src/classifier/contract.ts'
import type { Chosen } from '../../src/core/account.ts'
import { routerOf, type RouterPolicy } from '../../src/core/policy.ts'
import type { Env } from '../../src/platform/env.ts'
import { learningOf } from '../../src/platform/learning.ts'
import type { Telling } from '../../src/platform/learning-object.ts'
import { Slates } from '../../src/platform/learning-slate.ts'
import { readKey, policyOf } from '../../src/platform/policies.ts'
import type { Learned } from '../../src/routing/choosing/contract.ts'
import type { Learning, Result } from '../../src/routing/choosing/port.ts'
import { MOST_CELLS } from '../../src/routing/choosing/outcomes.ts'
import { ADMIN, ask, bindings, call, echo, makeKey, until, type Made } from './bindings.ts'
import { carry, fresh, rowOf } from './ledger-rows.ts'

const env = bindings as unknown as Env
const LEARNS: RouterPolicy = { learning: true, expensiveShare: null }

/** An isolate: each of its calls is a request of its own. */
class Isolate {
  readonly #slates = new Slates()
  readonly #env: Env
  #works: Promise<unknown>[] = []

  constructor(on: Env = env) {
    this.#env = on
  }

  get request(): Learning {
    return learningOf(this.#env, (work) => void this.#works.push(work), this.#slates)
  }

  learned(key: string): Learned {
    return this.request.of(key)
  }

  /** When all that its requests left to do is done. */
  async quiet(): Promise<void> {
    for (let works = this.#works; works.length > 0; works = this.#works) {
      this.#works = []
      await Promise.all(works)
    }
  }
}

const result = (weight: number, more: Partial<Result> = {}): Result => ({
  task: 'math',
  model: 'a/b',
  weight,
  prior: { value: 0.8, error: 0.05 },
  led: true,
  ...more,
})
const telling = (more: Partial<NonNullable<Telling['gathered']>>): Telling => ({
  epoch: null,
  cells: null,
  gathered: { scores: [], decisions: 0, expensive: 0, outcomes: [], ...more },
})
const outcome = (good: number, bad: number, model = 'a/b', task: TaskType = 'math') =>
  ({ task, model, good, bad, prior: { value: 0.8, error: 0.05 }, led: true }) as const
const object = (key: string): ReturnType<typeof bindings.LEARNING.getByName> => bindings.LEARNING.getByName(key)
const evict = (key: string): Promise<unknown> =>
  runInDurableObject(object(key), (_, state) => state.abort('evicted')).catch(() => undefined)

afterEach(() => void vi.restoreAllMocks())

describe('what is learnt of a key', () => {
  it('counts at once in its own isolate, and reaches another in the background', async () => {
    const [a, b] = [new Isolate(), new Isolate()]
    expect(b.learned('l1')).toMatchObject({ scores: null, lately: { decisions: 0, expensive: 0 }, isActive: false, expensiveShare: null })
    await b.quiet()
    for (let i = 0; i < 300; i++) a.request.decided('l1', { score: i / 300, expensive: i % 4 === 0 })
    expect(a.learned('l1').lately.decisions).toBe(200)
    expect(a.learned('l1').lately.expensive).toBeCloseTo(50, -1)
    expect(a.learned('l1').scores?.total).toBe(300)
    await a.quiet()
    const c = new Isolate()
    c.learned('l1')
    await c.quiet()
    expect(c.learned('l1').scores?.total).toBe(300)
    expect(c.learned('l1').lately.decisions).toBe(200)
    expect(c.learned('l1').lately.expensive).toBeCloseTo(50, -1)
  })

  it('asks the object once for many requests', async () => {
    const tell = vi.fn(() => Promise.reject<never>(new Error('away')))
    const a = new Isolate({ ...env, LEARNING: { getByName: () => ({ tell }) } } as unknown as Env)
    for (let i = 0; i < 50; i++) {
      a.learned('l2')
      a.request.decided('l2', { score: 0.5, expensive: false })
    }
    expect(tell).toHaveBeenCalledTimes(1)
    expect(a.learned('l2').lately.decisions).toBe(50)
  })

  it('loses nothing while the object is away, and goes on without it', { timeout: 20_000 }, async () => {
    let isAway = true
    const tell = (told: Telling): Promise<unknown> => (isAway ? Promise.reject(new Error('away')) : object('l3').tell(told))
    const a = new Isolate({ ...env, LEARNING: { getByName: () => ({ tell }) } } as unknown as Env)
    a.request.decided('l3', { score: 0.2, expensive: true })
    await a.quiet()
    expect(a.learned('l3').lately).toEqual({ decisions: 1, expensive: 1 })
    isAway = false
    a.request.decided('l3', { score: 0.2, expensive: false })
    await a.quiet() // it is left alone for five seconds
    expect((await object('l3').view()).lately).toEqual({ decisions: 2, expensive: 1 })
  })

  it('is nothing of outcomes where the key’s policy has learning off', async () => {
    const a = new Isolate()
    a.request.outcome('l4', result(-1))
    a.request.heard('l4', { learning: false, expensiveShare: 0.25 })
    a.request.outcome('l4', result(-1))
    expect(a.learned('l4').expensiveShare).toBe(0.25)
    await a.quiet()
    expect((await object('l4').view()).cells?.cells).toEqual([])
    await object('l4').tell(telling({ outcomes: [outcome(0, 100)] }))
    const b = new Isolate()
    b.request.heard('l4', null)
    b.learned('l4')
    await b.quiet()
    expect([b.learned('l4').isActive, b.learned('l4').outcomes('math', 'a/b')]).toEqual([false, null])
    b.request.heard('l4', LEARNS)
    expect([b.learned('l4').isActive, b.learned('l4').outcomes('math', 'a/b')]).toMatchObject([true, { good: 0, bad: 100 }])
    expect([b.learned('l4').isActiveAt?.('math'), b.learned('l4').isActiveAt?.('law')]).toEqual([true, false])
    b.request.heard('l4', null)
    expect(b.learned('l4').isActive).toBe(false)
  })

  it('counts all that isolates tell at the same time', async () => {
    await Promise.all(Array.from({ length: 60 }, (_, i) => object('l5').tell(telling({ decisions: 2, expensive: 1, scores: [[i, 2]], outcomes: [outcome(1, 1)] })))) // prettier-ignore
    const { lately, bins, cells } = await object('l5').view()
    expect(lately).toEqual({ decisions: 120, expensive: 60 })
    expect(bins.reduce((sum, count) => sum + count, 0)).toBe(120)
    expect(cells?.cells).toEqual([['math', 0, 6000, 6000, 800, 50, 1]])
  })

  it('outlives the object’s memory, and the outcomes are told anew', async () => {
    await object('l6').tell(telling({ decisions: 100, expensive: 30, scores: [[7, 100]], outcomes: [outcome(20, 80)] }))
    const before = await object('l6').view()
    await evict('l6')
    const { number, ...after } = await object('l6').view()
    expect(after).toEqual({ ...before, number: undefined })
    expect(after.active).toEqual(['math'])
    const again = await object('l6').tell({ epoch: after.epoch, cells: before.number, gathered: null })
    expect(again.cells).not.toBeNull()
    expect((await object('l6').tell({ epoch: after.epoch, cells: number, gathered: null })).cells).toBeNull()
  })

  it('a message that is lost, or told twice, changes only a count', async () => {
    const one = telling({ decisions: 1, scores: [[3, 1]], outcomes: [outcome(1, 0)] })
    for (let i = 0; i < 3; i++) await object('l7').tell(one)
    const { lately, cells } = await object('l7').view()
    expect([lately.decisions, cells?.cells[0]?.[2]]).toEqual([3, 300])
  })

  it('stays under 20 kB, whatever is told', async () => {
    for (let round = 0; round < 12; round++)
      await object('l8').tell(
        telling({
          decisions: 1000,
          scores: Array.from({ length: 64 }, (_, bin) => [bin, 100.123]),
          outcomes: Array.from({ length: 160 }, (_, i) => outcome(123.4567, 76.54321, `author-${round}/${i}`.padEnd(96, 'x'), i % 2 === 0 ? 'physical-science' : 'commonsense')), // prettier-ignore
        }),
      )
    const kept = await object('l8').view()
    expect(kept.cells?.cells.length).toBeLessThanOrEqual(MOST_CELLS)
    await evict('l8')
    const stored = await runInDurableObject(object('l8'), (_, state) => JSON.stringify([...state.storage.kv.list()]))
    expect(new TextEncoder().encode(stored).byteLength).toBeLessThan(20_000)
    expect(stored.length).toBeGreaterThan(3000)
  })

  it('is forgotten, also by isolates that had gathered more of it', { timeout: 10_000 }, async () => {
    const a = new Isolate()
    a.request.heard('l9', LEARNS)
    a.request.outcome('l9', result(-1))
    await a.quiet()
    a.request.outcome('l9', result(-1))
    await object('l9').forget()
    await a.quiet()
    expect(await object('l9').view()).toMatchObject({
      cells: { models: [], cells: [] },
      lately: { decisions: 0, expensive: 0 },
      active: [],
    })
    expect(a.learned('l9').outcomes('math', 'a/b')).toBeNull()
    a.request.outcome('l9', result(1))
    await a.quiet()
    expect((await object('l9').view()).cells?.cells).toEqual([['math', 0, 100, 0, 800, 50, 1]])
    await evict('l9')
    expect((await object('l9').view()).epoch).not.toBe('')
  })
})

describe('sluice.router of a key', () => {
  const shown = async (made: Made): Promise<unknown> =>
    (
      await (
        await call('GET', `/api/v1/keys/${made.hash}`, ADMIN)
      ).json<{ readonly data: { readonly sluice: { readonly router?: unknown } } }>()
    ).data.sluice.router
  const admitted = async (made: Made, id: string): Promise<unknown> => {
    const admission = await bindings.KEYS.getByName(made.id).admit(ask(id, made.hash))
    return admission.kind === 'granted' ? admission.router : admission.kind
  }

  it('is stored, shown, told with admissions, changed by member and taken away', async () => {
    const made = await makeKey({ sluice: { router: { learning: true, expensive_share: 0.2 } } })
    expect(await shown(made)).toEqual({ learning: true, expensive_share: 0.2 })
    expect(await admitted(made, 'r1')).toEqual({ learning: true, expensiveShare: 0.2 })
    const change = (router: unknown): Promise<Response> => call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { router } })
    expect((await change({ expensive_share: 0 })).status).toBe(200)
    expect(await admitted(made, 'r2')).toEqual({ learning: true, expensiveShare: 0 })
    expect((await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { name: 'other' })).status).toBe(200)
    expect(await shown(made)).toEqual({ learning: true, expensive_share: 0 })
    const own = await (await call('GET', '/v1/key', made.key)).json<{ readonly data: { readonly sluice: { readonly router: unknown } } }>()
    expect(own.data.sluice.router).toEqual({ learning: true, expensive_share: 0 })
    expect((await change({ learning: false, expensive_share: null })).status).toBe(200)
    expect([await shown(made), await admitted(made, 'r3')]).toEqual([undefined, undefined])
    for (const wrong of [{ learning: 1 }, { expensive_share: 1.5 }, { expensive_share: -0.1 }, { else: 1 }])
      expect((await change(wrong)).status).toBe(400)
  })

  it('is absent for keys that say nothing, and comes back from D1', async () => {
    const plain = await makeKey()
    expect([await shown(plain), await admitted(plain, 'r4')]).toEqual([undefined, undefined])
    const made = await makeKey({ sluice: { router: { learning: true } } })
    const stored = await readKey(bindings.DB, made.id)
    expect(stored === null ? null : routerOf(policyOf(stored))).toEqual(LEARNS)
  })

  it('makes a leased key ask its object each time', async () => {
    const made = await makeKey({ limit: 1, sluice: { leased: true, router: { expensive_share: 0.5 } } })
    const wish = { wish: { id: 'slice-1', nanoUsd: 1e6, requests: 10, tokens: 1e5 }, ended: [] } as never
    const admission = await bindings.KEYS.getByName(made.id).admit({ ...ask('r5', made.hash), slices: wish })
    expect(admission).toMatchObject({ kind: 'granted', router: { expensiveShare: 0.5 } })
    expect((admission as { readonly leased?: { readonly slice: unknown } }).leased?.slice ?? null).toBeNull()
  })

  it('shows and forgets what was learnt: on demand, and when learning is turned off', async () => {
    const made = await makeKey({ sluice: { router: { learning: true } } })
    const learning = async (): Promise<{ readonly outcomes: readonly unknown[]; readonly deciding_at: readonly string[] }> =>
      (await (await call('GET', `/api/v1/keys/${made.hash}/learning`, ADMIN)).json<{ readonly data: never }>()).data
    const teach = (): Promise<unknown> =>
      object(made.id).tell({ ...telling({ outcomes: [outcome(10, 90)], scores: [[5, 3]] }), epoch: null })
    await teach()
    expect(await learning()).toMatchObject({
      deciding_at: ['math'],
      outcomes: [{ task: 'math', model: 'a/b', good: 10, bad: 90, promised: 0.8, by_table: true }],
    })
    expect((await call('GET', `/api/v1/keys/${made.hash}/learning`, made.key)).status).toBe(403)
    expect((await call('DELETE', `/api/v1/keys/${made.hash}/learning`, ADMIN)).status).toBe(200)
    expect((await learning()).outcomes).toEqual([])
    await teach()
    await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { router: { expensive_share: 0.1 } } })
    expect((await learning()).outcomes.length).toBe(1)
    await call('PATCH', `/api/v1/keys/${made.hash}`, ADMIN, { sluice: { router: { learning: false } } })
    expect((await learning()).outcomes).toEqual([])
  })
})

describe('feedback', () => {
  const chosen: Chosen = {
    task: 'math',
    score: 0.42,
    model: 'a/b',
    prior: { value: 0.8, error: 0.05 },
    led: true,
    propensity: 0.98,
    explored: false,
    expensive: false,
  }
  const answered = async (made: Made, id: string, more: Partial<Parameters<typeof rowOf>[1]> = {}): Promise<string> => {
    await carry([[fresh(rowOf(id, { keyId: made.id, router: chosen, ...more }))]])
    return id
  }
  const say = (key: string | null, path: string, body: unknown): Promise<Response> => call('POST', path, key, body)
  const report = (key: string | null, id: string, category = 'incorrect_response'): Promise<Response> =>
    say(key, '/api/v1/generation/feedback', { generation_id: id, category, comment: 'the secret words of my prompt' })
  const cell = (made: Made, good: number, bad: number): Promise<unknown> =>
    until(
      async () => (await object(made.id).view()).cells?.cells[0]?.slice(2, 4),
      (counts) => counts?.[0] === good * 100 && counts[1] === bad * 100,
      120,
    )
  const kept = (id: string): Promise<Record<string, unknown> | null> =>
    bindings.DB.prepare('SELECT feedback, router FROM requests WHERE id = ?1').bind(id).first()

  it('becomes an outcome of the model that answered; the last word counts, once', { timeout: 30_000 }, async () => {
    const made = await makeKey({ sluice: { router: { learning: true } } })
    const id = await answered(made, 'gen-feedback-1')
    const told = await report(made.key, id)
    expect([told.status, await told.json()]).toEqual([200, { data: { success: true } }])
    expect(await cell(made, 0, 1)).toEqual([0, 100])
    for (const again of ['incorrect_response', 'formatting']) expect((await report(made.key, id, again)).status).toBe(200)
    expect((await say(made.key, '/v1/feedback', { id, score: 1 })).status).toBe(200)
    expect(await cell(made, 1, 0)).toEqual([100, 0])
    expect((await say(made.key, '/api/v1/feedback', { generation_id: id, score: 1 })).status).toBe(200)
    expect((await report(made.key, id, 'latency')).status).toBe(200)
    expect(await cell(made, 0, 0)).toEqual([0, 0])
    expect(await kept(id)).toEqual({ feedback: 'latency', router: JSON.stringify(chosen) })
    const shown = await (await call('GET', `/api/v1/generation?id=${id}`, made.key)).json<{ readonly data: { readonly sluice: unknown } }>()
    expect(shown.data.sluice).toMatchObject({ feedback: 'latency', router: { task: 'math', propensity: 0.98 } })
  })

  it('stays in the ledger without learning, and without a model that was chosen', async () => {
    const made = await makeKey()
    const [routed, named] = [await answered(made, 'gen-feedback-2'), await answered(made, 'gen-feedback-3')]
    for (const id of [routed, named]) expect((await say(made.key, '/v1/feedback', { id, score: -1 })).status).toBe(200)
    expect((await kept(routed))?.['feedback']).toBe('bad')
    expect((await object(made.id).view()).cells?.cells).toEqual([])
  })

  it('on a request that failed is kept, and no outcome of a model', { timeout: 30_000 }, async () => {
    const made = await makeKey({ sluice: { router: { learning: true } } })
    const failed = await answered(made, 'gen-feedback-failed', { ended: 'failed' })
    const good = await answered(made, 'gen-feedback-after')
    expect((await say(made.key, '/v1/feedback', { id: failed, score: -1 })).status).toBe(200)
    expect((await say(made.key, '/v1/feedback', { id: good, score: 1 })).status).toBe(200)
    expect((await kept(failed))?.['feedback']).toBe('bad')
    expect(await cell(made, 1, 0)).toEqual([100, 0])
  })

  it('is taken at once, before the row is in the ledger', async () => {
    const made = await makeKey()
    const answer = await call('POST', '/v1/chat/completions', made.key, echo('x'))
    await answer.text()
    const id = answer.headers.get('x-sluice-request-id') ?? ''
    const told = await until(() => say(made.key, '/v1/feedback', { id, score: 1 }), ({ status }) => status === 200, 40) // prettier-ignore
    expect(told.status).toBe(200)
    expect((await kept(id))?.['feedback']).toBe('good')
  })

  it('on another key’s answer is as on one that does not exist; an administrator may', async () => {
    const [mine, other] = [await makeKey({ sluice: { router: { learning: true } } }), await makeKey()]
    const id = await answered(mine, 'gen-feedback-4')
    const [foreign, madeUp] = [await report(other.key, id), await report(other.key, 'gen-there-is-none')]
    expect([foreign.status, madeUp.status]).toEqual([404, 404])
    expect(await foreign.json()).toEqual(await madeUp.json())
    const shadow = await answered(mine, 'gen-feedback-5', { shadowOf: id })
    expect((await report(mine.key, shadow)).status).toBe(404)
    expect((await report(null, id)).status).toBe(401)
    expect((await kept(id))?.['feedback']).toBeNull()
    expect((await report(ADMIN, id)).status).toBe(200)
    expect(await cell(mine, 0, 1)).toEqual([0, 100])
  })

  it('is refused where it is not as it should be', async () => {
    const made = await makeKey()
    const id = await answered(made, 'gen-feedback-6')
    const wrong: readonly (readonly [string, unknown])[] = [
      ['/api/v1/generation/feedback', { generation_id: id }],
      ['/api/v1/generation/feedback', { generation_id: id, category: 'constructor' }],
      ['/api/v1/generation/feedback', { generation_id: '', category: 'other' }],
      ['/api/v1/generation/feedback', { generation_id: id, category: 'other', comment: 'x'.repeat(1001) }],
      ['/v1/feedback', { id, score: 0 }],
      ['/v1/feedback', { score: 1 }],
      ['/v1/feedback', { id, generation_id: id, score: 1 }],
      ['/v1/feedback', { id, score: '1' }],
      ['/v1/feedback', '{'],
    ]
    for (const [path, body] of wrong) expect((await say(made.key, path, body)).status, JSON.stringify(body)).toBe(400)
    expect(await (await say(made.key, '/v1/feedback', { id, score: 5 })).text()).toContain('expected one of 1|-1')
    expect((await kept(id))?.['feedback']).toBeNull()
  })

  it('is not lost when a late settle corrects the row, and no comment is kept', async () => {
    const made = await makeKey()
    const id = await answered(made, 'gen-feedback-7')
    await report(made.key, id, 'formatting')
    await carry([[{ row: rowOf(id, { keyId: made.id, router: chosen, costNanoUsd: 9 }), corrects: true }]])
    const row = await bindings.DB.prepare('SELECT * FROM requests WHERE id = ?1').bind(id).first()
    expect(row).toMatchObject({ feedback: 'formatting', cost_nano_usd: 9 })
    expect(JSON.stringify(row)).not.toContain('secret words')
  })
})
