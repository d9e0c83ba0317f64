// A small world around the real objects of keys and budgets: Workers that ask, send, settle and die, a provider that bills, disks and a
// ledger that fail, objects that crash, answers that get lost. One seed, one history.

import type { Admission, Ask, Hold, KeyView, Row } from '../../src/core/account.ts'
import type { ModelLimitView } from '../../src/core/model-limits.ts'
import type { BudgetView } from '../../src/core/shared-budget.ts'
import type { Env } from '../../src/platform/env.ts'
import type { Granted } from '../../src/platform/granting.ts'
import type { Grant } from '../../src/platform/grants.ts'
import { Disk } from './disk.ts'
import { FakeLedger } from './ledger.ts'
import { rowOf } from '../support/rows.ts'

export type Chance = (below: number) => number

type Methods = { readonly [name: string]: (...args: never[]) => Promise<unknown> } & { alarm?(): Promise<void> }
type Class = new (ctx: DurableObjectState, env: Env) => unknown

type Place = {
  readonly name: string
  readonly of: Class
  readonly disk: Disk
  life: { readonly object: Methods; readonly ready: Promise<unknown>; readonly dead: Promise<never>; kill(): void } | null
}

/** One request as the world knows it. */
export type Request = {
  readonly id: string
  readonly key: string
  /** It turned out that nothing was sent. */
  unsent: boolean
  readonly askedAt: number
  state: 'asking' | 'refused' | 'running' | 'ending' | 'ended' | 'gone'
  hold: Hold | null
  /** The budgets that it must fit beside its key's own. */
  scopes: readonly string[]
  /** Where it may be sent, and what that may cost there. */
  places: readonly { readonly provider: string; readonly model: string; readonly need: number }[]
  /** Where it was sent in the end; `null`: not known yet. */
  place: { readonly provider: string; readonly model: string } | null
  /** What the provider bills in the end; until then it may be all that is held. */
  cost: number | null
  renewedAt: number
  refusal: string | null
}

export class World {
  readonly ledger: FakeLedger
  readonly requests: Request[] = []
  readonly #places = new Map<string, Place>()
  readonly #tasks: (() => void)[] = []
  readonly #chance: Chance
  readonly #classes: { readonly key: Class; readonly budget: Class }
  readonly #env: { readonly [name: string]: unknown }
  /** One in so many answers gets lost; zero: none. */
  losing = 40
  #made = 0

  constructor(chance: Chance, classes: { readonly key: Class; readonly budget: Class }, settings: { readonly [name: string]: unknown }) {
    this.#chance = chance
    this.#classes = classes
    this.ledger = new FakeLedger(
      () => this.hop(),
      () => this.#happens(this.losing),
    )
    this.#env = settings
  }

  /** Waits for its turn. */
  hop(): Promise<void> {
    return new Promise((resolve) => this.#tasks.push(resolve))
  }

  /** Lets one thing happen that waits to; `false`: nothing does. */
  async turn(): Promise<boolean> {
    const task = this.#tasks.splice(this.#chance(this.#tasks.length), 1)[0]
    task?.()
    await settleMicrotasks()
    return task !== undefined
  }

  async call<T>(kind: 'key' | 'budget', name: string, method: string, ...args: unknown[]): Promise<T> {
    await this.hop()
    const place = this.#place(kind, name)
    const life = (place.life ??= this.#start(place))
    await Promise.race([life.ready, life.dead])
    const run = life.object[method]
    if (run === undefined) throw new Error(`no method ${method}`)
    const answer: unknown = await Promise.race([run.apply(life.object, structuredClone(args) as never[]), life.dead])
    await Promise.race([place.disk.gate(), life.dead])
    await this.hop()
    if (this.#happens(this.losing)) throw new Error('the answer got lost')
    return structuredClone(answer) as T
  }

  crash(): void {
    const alive = [...this.#places.values()].filter(({ life }) => life !== null)
    const place = alive[this.#chance(alive.length)]
    if (place === undefined) return
    place.life?.kill()
    place.life = null
    place.disk.crash(this.#chance(4))
  }

  async runAlarms(): Promise<void> {
    for (const place of this.#places.values()) {
      if (place.disk.alarmAt === null || place.disk.alarmAt > Date.now()) continue
      const alarm = place.disk.takeAlarm()
      const life = (place.life ??= this.#start(place))
      void Promise.race([life.ready.then(() => life.object.alarm?.()), life.dead]).then(
        () => alarm.done(),
        () => undefined,
      )
      await settleMicrotasks()
    }
  }

  /** A Worker asks, and sends when it may. `always`: the budgets that its key names. */
  async ask(key: string, body: Omit<Ask, 'requestId'>, always: readonly string[] = []): Promise<void> {
    const request: Request = {
      id: `r${++this.#made}`,
      key,
      unsent: false,
      askedAt: Date.now(),
      state: 'asking',
      hold: null,
      scopes: [],
      places: [],
      place: null,
      cost: null,
      renewedAt: 0,
      refusal: null,
    }
    this.requests.push(request)
    try {
      const admission = await this.call<Admission>('key', key, 'admit', { ...body, requestId: request.id })
      if (admission.kind !== 'granted') {
        request.state = 'refused'
        request.refusal = admission.kind === 'refused' ? admission.code : admission.kind
        return
      }
      request.hold = admission.hold
      request.scopes = admission.hold.scopes ?? always
      request.places = admission.allowed.flatMap((index) => {
        const asked = body.candidates[index]
        if (asked === undefined) return []
        return [{ provider: asked.provider, model: asked.model.slice(asked.provider.length + 1), need: asked.inputTokens ?? 0 }]
      })
      request.renewedAt = Date.now()
      request.state = 'running'
    } catch {
      request.state = 'gone' // it never heard: nothing was sent
    }
  }

  /** A Worker settles, again and again where it gets no answer; it may be told twice. `null`: nothing was sent. */
  async settle(request: Request, cost: number | null, place = request.places[0] ?? null): Promise<void> {
    if (request.state !== 'running' || request.hold === null) return
    request.state = 'ending'
    const more = place !== null && cost !== null && place.need > request.hold.nanoUsd ? place.need : null
    if (more !== null && !(await this.#grow(request, more))) {
      // It cannot be paid, so somebody else was asked who can, or nobody.
      const { nanoUsd } = request.hold
      place = request.places.find(({ need }) => need <= nanoUsd) ?? null
      cost = place === null ? null : Math.min(cost ?? 0, place.need)
    }
    request.place = place
    request.cost = cost ?? 0
    request.unsent = cost === null
    const row = cost === null ? null : billed(request, cost)
    for (let attempt = 0; attempt < 200; attempt++) {
      try {
        await this.call('key', request.key, 'settle', [{ hold: request.hold, row, answer: null }])
        if (this.#happens(8))
          await this.call('key', request.key, 'settle', [{ hold: request.hold, row, answer: null }]).catch(() => undefined)
        request.state = 'ended'
        return
      } catch {
        await this.hop()
      }
    }
    request.state = 'gone'
  }

  /** Before a Worker calls another target, which needs more than is held. */
  async #grow(request: Request, nanoUsd: number): Promise<boolean> {
    if (request.hold === null) return false
    const extension = { ranNanoUsd: 0, leastNanoUsd: nanoUsd, bestNanoUsd: nanoUsd, beside: true } as const
    try {
      const larger = await this.call<Hold | null>('key', request.key, 'extend', request.hold, extension)
      if (larger !== null) request.hold = larger
      return larger !== null
    } catch {
      return false // it is not known to be granted
    }
  }

  async renew(request: Request): Promise<void> {
    if (request.state !== 'running' || request.hold === null) return
    try {
      await this.call('key', request.key, 'renew', request.hold)
      request.renewedAt = Date.now()
    } catch {
      // tried again at its next turn
    }
  }

  view(key: string): Promise<KeyView> {
    return this.call('key', key, 'view', 'h1', null)
  }

  modelLimits(key: string): Promise<readonly ModelLimitView[]> {
    return this.call('key', key, 'modelLimits')
  }

  /** An administrator's Worker grants, again and again under one id until it is told. */
  async grant(grant: Grant): Promise<Granted | null> {
    for (let attempt = 0; attempt < 200; attempt++) {
      try {
        return await this.call<Granted>('budget', `credit:${grant.account}`, 'grant', grant)
      } catch {
        await this.hop()
      }
    }
    return null
  }

  budget(scope: string): Promise<BudgetView> {
    return this.call('budget', scope, 'view')
  }

  #happens(oneIn: number): boolean {
    return oneIn > 0 && this.#chance(oneIn) === 0
  }

  #place(kind: 'key' | 'budget', name: string): Place {
    const full = `${kind} ${name}`
    let place = this.#places.get(full)
    if (place === undefined) {
      const disk = new Disk(() => this.#tasks.push(() => disk.carry()))
      place = { name, of: this.#classes[kind], disk, life: null }
      this.#places.set(full, place)
    }
    return place
  }

  #start(place: Place): NonNullable<Place['life']> {
    let ready: Promise<unknown> = Promise.resolve()
    const storage = place.disk.storage()
    const ctx = {
      id: { name: place.name },
      storage,
      blockConcurrencyWhile: (work: () => Promise<unknown>) => {
        ready = work()
        return ready
      },
      waitUntil: () => undefined,
    }
    ready.catch(() => undefined)
    const { promise: dead, reject } = Promise.withResolvers<never>()
    dead.catch(() => undefined)
    let alive = true
    /** What a dead object has sent arrives; it hears no more. */
    const heard = async <T>(ask: () => Promise<T>): Promise<T> => {
      await place.disk.gate()
      if (!alive) return new Promise<never>(() => undefined)
      const answer = ask()
      return new Promise<T>((resolve, fail) => {
        answer.then(
          (value) => alive && resolve(value),
          (cause: unknown) => alive && fail(cause as Error),
        )
      })
    }
    const stub = (kind: 'key' | 'budget') => ({
      getByName: (name: string) =>
        new Proxy(
          {},
          {
            get: (_, method) =>
              typeof method === 'string' && method !== 'then'
                ? (...args: unknown[]) => heard(() => this.call(kind, name, method, ...args))
                : undefined,
          },
        ),
    })
    const env = { ...this.#env, DB: deafAfter(this.ledger.database(), heard), KEYS: stub('key'), BUDGETS: stub('budget') }
    const object = new place.of(ctx as unknown as DurableObjectState, env as unknown as Env) as Methods
    return {
      object,
      ready,
      dead,
      kill: () => {
        alive = false
        reject(new Error('the object crashed'))
      },
    }
  }
}

type Heard = <T>(ask: () => Promise<T>) => Promise<T>

const ASKS: ReadonlySet<string> = new Set(['batch', 'all', 'first', 'run'])

/** The ledger as one life of an object reaches it. */
function deafAfter(database: D1Database, heard: Heard): object {
  const wrap = (target: object): object =>
    new Proxy(target, {
      get(on, name, receiver) {
        const value: unknown = Reflect.get(on, name, receiver)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const run = (): unknown => Reflect.apply(value as (...args: unknown[]) => unknown, on, args)
          if (ASKS.has(String(name))) return heard(run as () => Promise<unknown>)
          const answer = run()
          return typeof answer === 'object' && answer !== null ? wrap(answer) : answer
        }
      },
    })
  return wrap(database)
}

function billed({ id, key, hold, askedAt, place }: Request, costNanoUsd: number): Row {
  const where = { provider: place?.provider ?? null, model: place?.model ?? null }
  return rowOf(id, { keyId: key, period: hold?.period ?? '', createdAt: askedAt, ...where, streamed: true, costNanoUsd })
}

async function settleMicrotasks(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}
