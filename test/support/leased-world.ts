// A leased key, its object and its isolates, with what travels between them in somebody's hands: it is delivered in any order, late, or never,
// answers get lost, and both ends crash. Beside them stands the truth: what really runs and what it really cost.

import { Ahead, type Taken } from '../../src/core/ahead.ts'
import type { Ask, Hold, Row, Settlement } from '../../src/core/account.ts'
import { Book, type Booked, type Journal } from '../../src/core/book.ts'
import { expiredRow } from '../../src/core/expired-row.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import type { Policy } from '../../src/core/policy.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'
import type { Slice, SliceEnd, SliceTalk } from '../../src/core/slices.ts'
import { SliceUse } from '../../src/core/slice-use.ts'
import { usageOf } from '../../src/core/usage.ts'

export const HOLD_MS = 300_000
export const START = Date.UTC(2026, 10, 21, 12)

export const leasedPolicy: Policy = {
  keyId: 'k1',
  version: 1,
  label: 'sk-sluice-k1...',
  name: 'k',
  createdAt: START - 1000,
  secrets: [{ hash: 'h1', until: null }],
  disabled: false,
  deleted: false,
  expiresAt: null,
  limitNanoUsd: 1_000_000,
  limitReset: null,
  ...EVERYTHING,
  limits: NO_LIMITS,
  scopes: [],
  leased: true,
}

/** A nano-dollar a token, so a request that may put out `output` tokens holds as much, and takes as many tokens of a limit. */
export const asking = (requestId: string, output: number, change: Partial<Ask> = {}): Ask => ({
  requestId,
  secretHash: 'h1',
  clientIp: null,
  candidates: [
    {
      model: 'p/m',
      provider: 'p',
      region: null,
      worst: { inputPico: 0, outputPico: 1000, feesNanoUsd: 0 },
      inputTokens: 0,
      maxOutputTokens: null,
    },
  ],
  outputTokens: output,
  leastOutputTokens: output,
  choices: 1,
  idempotency: null,
  ...change,
})

/** The object as platform/key-object.ts is it: what is written down survives, the ledger is asked about what is not known. */
class KeptBook {
  readonly policy: Policy
  book: Book
  #ahead = new Ahead()
  #disk: { readonly journal: Journal; readonly slack: Taken } | null = null
  readonly ledger = new Map<string, Row>()
  #lives = 0

  constructor(policy: Policy) {
    this.policy = policy
    this.book = this.#opened()
  }

  admit(ask: Ask, now: number): ReturnType<Book['admit']> {
    this.#end(ask.slices?.ended ?? [], now)
    this.expire(now)
    const admission = this.book.admit(ask, now)
    if (admission.kind !== 'granted') return admission
    const slice = this.book.lend(ask.slices?.wish ?? null, ask.requestId, now)
    if (!this.#ahead.take(this.book.taken(ask.requestId)) || slice != null) this.write(now)
    return slice === undefined ? admission : { ...admission, leased: { slice } }
  }

  settle(settlements: readonly Settlement[], now: number): void {
    for (const { hold, row } of settlements) if (row !== null) this.#recall(hold, now)
    this.#keep(
      settlements.flatMap((settlement) => this.book.settle(settlement, now)),
      now,
    )
  }

  renew(hold: Hold, now: number): void {
    this.expire(now)
    this.#recall(hold, now)
    this.book.renew(hold, now)
  }

  endSlices(ended: readonly SliceEnd[], now: number): void {
    this.#end(ended, now)
    this.write(now)
  }

  expire(now: number): void {
    const expiry = this.book.earliestExpiry()
    if (expiry !== null && expiry <= now) this.#keep(this.book.expire(now), now)
  }

  write(now: number): void {
    const writing = this.#ahead.begin((of) => this.book.room(of, now))
    this.#disk = structuredClone({ journal: this.book.snapshot(now), slack: writing.slack })
    this.#ahead.written(writing)
  }

  crash(now: number): void {
    this.#ahead = new Ahead()
    this.book = this.#opened()
    if (this.#disk === null) return
    this.book.restore(structuredClone(this.#disk.journal))
    this.book.holdLost(this.#disk.slack, `unattributed-${++this.#lives}`, now, now)
    this.write(now)
  }

  #opened(): Book {
    const book = new Book({ holdMs: HOLD_MS, defaultCeiling: 1000 })
    book.hydrate(this.policy)
    return book
  }

  #end(ended: readonly SliceEnd[], now: number): void {
    for (const hold of ended.flatMap(({ holds }) => holds)) this.#recall(hold, now)
    const rows = ended.flatMap((end) => this.book.endSlice(end, now))
    if (rows.length > 0) this.#keep(rows, now)
  }

  #recall(hold: Hold, now: number): void {
    const row = this.book.knows(hold) ? undefined : this.ledger.get(hold.requestId)
    if (row !== undefined) this.book.rememberSettled(row.id, row.costNanoUsd ?? 0, row.ended === 'expired', now)
  }

  #keep(booked: readonly Booked[], now: number): void {
    for (const { row, corrects } of booked) if (corrects || !this.ledger.has(row.id)) this.ledger.set(row.id, row)
    this.write(now)
  }
}

type Request = {
  readonly hold: Hold
  readonly isolate: Isolate
  readonly at: number
  done: { readonly nanoUsd: number; readonly isSent: boolean } | null
  /** Its isolate lives, and will say how it ended. */
  isWatched: boolean
}
/** `lost`: it does not arrive; or it does, and its answer does not. */
type Message = { readonly deliver: () => void; readonly answered: () => void; readonly lost: () => void }
type Isolate = { use: SliceUse; life: number; readonly skewMs: number; readonly untold: Set<Settlement> }

export class LeasedWorld {
  readonly object: KeptBook
  readonly isolates: readonly Isolate[]
  readonly requests = new Map<string, Request>()
  readonly messages: Message[] = []
  now = START
  locally = 0
  #count = 0

  constructor(policy: Policy, skews: readonly number[]) {
    this.object = new KeptBook(policy)
    this.isolates = skews.map((skewMs) => ({ use: new SliceUse(START + skewMs), life: 0, skewMs, untold: new Set() }))
  }

  isolate(pick: number): Isolate {
    return this.isolates[pick % this.isolates.length] as Isolate
  }

  /** A request comes to an isolate: admitted there, or by a message to the object, which is answered at once or waits to be delivered. */
  ask(pick: number, output: number, prompt: boolean): void {
    const isolate = this.isolate(pick)
    const { use, life } = isolate
    const here = this.now + isolate.skewMs
    const ask = asking(`r${++this.#count}`, output)
    const own = use.admit(ask, here)
    if (own !== null) {
      this.locally++
      this.#begin(own.hold, isolate)
      return
    }
    const slices: SliceTalk = { wish: use.wish(ask, `slice-${this.#count}`, here), ended: use.ends(here, false) }
    let answer: ReturnType<KeptBook['admit']> | null = null
    this.messages.push({
      deliver: () => {
        answer = this.object.admit({ ...ask, slices: structuredClone(slices) }, this.now)
      },
      answered: () => {
        if (answer === null || life !== isolate.life) return
        use.told(slices.ended, true)
        const slice: Slice | null = (answer.kind === 'granted' ? answer.leased?.slice : null) ?? null
        if (slices.wish !== null) use.take(slices.wish, slice, here)
        if (answer.kind === 'granted') this.#begin(answer.hold, isolate)
      },
      lost: () => {
        if (life !== isolate.life) return
        use.told(slices.ended, false)
        if (slices.wish !== null) use.giveUp(slices.wish)
      },
    })
    if (prompt) this.deliver(this.messages.length - 1, 'whole')
  }

  /** A request comes to its end; what it cost is on its way. `sent: false`: nothing was ever sent. */
  finish(pick: number, part: number, sent: boolean): void {
    const running = [...this.requests.values()].filter(({ done, isWatched }) => done === null && isWatched)
    const request = running[pick % Math.max(1, running.length)]
    if (request === undefined) return
    const { isolate } = request
    const nanoUsd = sent ? Math.floor((request.hold.nanoUsd * part) / 100) : 0
    request.done = { nanoUsd, isSent: sent }
    const row: Row = {
      ...expiredRow('k1', request.hold, this.now),
      costNanoUsd: nanoUsd,
      usage: { ...usageOf({}), output: nanoUsd },
      usageFrom: 'provider',
      ended: 'complete',
    }
    const settlement: Settlement = { hold: request.hold, row: sent ? row : null, answer: null }
    isolate.use.over(settlement)
    isolate.untold.add(settlement)
  }

  /** An isolate tells what has ended there, all in one. */
  tell(pick: number): void {
    const isolate = this.isolate(pick)
    const { use, untold, life } = isolate
    const told = [...untold]
    if (told.length === 0) return
    this.messages.push({
      deliver: () => this.object.settle(structuredClone(told), this.now),
      answered: () => {
        if (life !== isolate.life) return
        for (const settlement of told) {
          untold.delete(settlement)
          use.settled(settlement)
        }
      },
      lost: () => undefined,
    })
  }

  giveBack(pick: number, all: boolean): void {
    const isolate = this.isolate(pick)
    const { use, life } = isolate
    const ended = use.ends(this.now + isolate.skewMs, all)
    if (ended.length === 0) return
    this.messages.push({
      deliver: () => this.object.endSlices(structuredClone(ended), this.now),
      answered: () => life === isolate.life && use.told(ended, true),
      lost: () => life === isolate.life && use.told(ended, false),
    })
  }

  renew(pick: number): void {
    const running = [...this.requests.values()].filter(({ done, isWatched }) => done === null && isWatched)
    const request = running[pick % Math.max(1, running.length)]
    if (request === undefined) return
    this.messages.push({
      deliver: () => this.object.renew(structuredClone(request.hold), this.now),
      answered: () => undefined,
      lost: () => undefined,
    })
  }

  deliver(pick: number, fate: 'whole' | 'lost' | 'answer-lost'): void {
    const [message] = this.messages.splice(pick % Math.max(1, this.messages.length), 1)
    if (message === undefined) return
    if (fate !== 'lost') message.deliver()
    if (fate === 'whole') message.answered()
    else message.lost()
  }

  crashIsolate(pick: number): void {
    const isolate = this.isolate(pick)
    for (const request of this.requests.values()) if (request.isolate === isolate) request.isWatched = false
    isolate.life++
    isolate.use = new SliceUse(this.now + isolate.skewMs)
    isolate.untold.clear()
  }

  /** What may be billed by now: the cost of what has ended, the worst of what has not. */
  get committedNanoUsd(): number {
    let sum = 0
    for (const { hold, done } of this.requests.values()) sum += done?.nanoUsd ?? hold.nanoUsd
    return sum
  }

  /** Of the last minute: requests, and what they took of tokens or still may. */
  get lastMinute(): { readonly requests: number; readonly tokens: number } {
    let [requests, tokens] = [0, 0]
    for (const { hold, at, done } of this.requests.values()) {
      if (at <= this.now - 60_000 || done?.isSent === false) continue
      requests++
      tokens += done?.nanoUsd ?? hold.nanoUsd
    }
    return { requests, tokens }
  }

  /** Sent, ended, and told by an isolate that lived. */
  get ended(): readonly { readonly id: string; readonly nanoUsd: number }[] {
    return [...this.requests].flatMap(([id, { done, isWatched }]) =>
      done?.isSent === true && isWatched ? [{ id, nanoUsd: done.nanoUsd }] : [],
    )
  }

  get running(): number {
    return [...this.requests.values()].filter(({ done, hold }) => done === null && hold.expiresAt > this.now).length
  }

  /** From here on all goes well: everything is told, and what nobody watches expires. */
  calm(): void {
    while (this.messages.length > 0) this.deliver(0, 'whole')
    for (let i = 0; i < this.isolates.length; i++) this.giveBack(i, true)
    for (const { done, isWatched } of this.requests.values()) if (done === null && isWatched) this.finish(0, 50, true)
    for (let i = 0; i < this.isolates.length; i++) this.tell(i)
    while (this.messages.length > 0) this.deliver(0, 'whole')
    this.now += HOLD_MS + 2000
    for (let i = 0; i < this.isolates.length; i++) this.giveBack(i, true)
    while (this.messages.length > 0) this.deliver(0, 'whole')
    this.object.expire(this.now)
  }

  #begin(hold: Hold, isolate: Isolate): void {
    this.requests.set(hold.requestId, { hold, isolate, at: this.now, done: null, isWatched: true })
  }
}
