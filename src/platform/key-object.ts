// One Durable Object a key: keeps the key's book, writes down what must survive, and carries settled rows to D1. It decides nothing.

import { DurableObject } from 'cloudflare:workers'
import type { Admission, Ask, Hold, KeyView, Refusal, Row, Settlement } from '../core/account.ts'
import { Book, type Booked } from '../core/book.ts'
import type { Policy } from '../core/policy.ts'
import { refuseMoney } from '../core/refusing.ts'
import { EVERYTHING } from '../core/permits.ts'
import { NO_LIMITS } from '../core/rates.ts'
import { RefusedLog } from '../core/refused.ts'
import { readSpend } from '../core/spend.ts'
import type { SliceEnd } from '../core/slices.ts'
import type { Told } from '../core/shared-budget.ts'
import { budgetOf } from './budget-object.ts'
import { numberSetting, type Env } from './env.ts'
import { Journal, quietly } from './journal.ts'
import { Outbox, QUIETLY } from './outbox.ts'
import { policyOf, readKey } from './policies.ts'
import { writeRefusals } from './refusals.ts'

const FLUSH_MS = 700
/** Room for refusals is made once in so many. */
const TRIM_AFTER = 100
/** A budget is asked no more often for one request. */
const MOST_ASKED = 100
const MOST_BACKOFF_MS = 60_000
export class KeyObject extends DurableObject<Env> {
  readonly #book: Book
  readonly #outbox: Outbox
  readonly #journal: Journal
  /** In memory only: they move no money. */
  readonly #refused = new RefusedLog()
  #untrimmed = TRIM_AFTER
  readonly #reported = new Map<string, string>()
  #hydration: Promise<void> | null = null
  #alarmAt: number | null = null
  #failures = 0

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#outbox = new Outbox(ctx.storage)
    this.#book = new Book({
      holdMs: numberSetting(env, 'SLUICE_HOLD_SECONDS', 300) * 1000,
      defaultCeiling: numberSetting(env, 'SLUICE_DEFAULT_MAX_TOKENS', 16_384),
    })
    this.#journal = new Journal(ctx.storage, this.#book)
    void ctx.blockConcurrencyWhile(() => this.#restore())
  }

  /** Everything a request needs to know of its key, and its hold, in one round trip. */
  async admit(ask: Ask): Promise<Admission> {
    if (this.#book.policy === null) await this.#hydrate()
    const ended = ask.slices?.ended ?? []
    if (ended.length > 0) await this.#recall(ended.flatMap(({ holds }) => holds))
    // From here to the reserve nothing is awaited.
    const now = Date.now()
    this.#expire(now)
    if (ended.length > 0) this.#end(ended, now)
    const policy = this.#book.policy
    const admission = this.#book.admit(ask, now)
    const shares = admission.kind === 'granted' && this.#book.lacking(ask.requestId) !== null
    const answer = shares ? ((await this.#lease(ask.requestId)) ?? admission) : admission
    if (shares && answer.kind === 'granted' && this.#book.policy !== policy) {
      this.#book.cancel(ask.requestId, Date.now())
      return this.admit(ask) // the key was changed, or revoked, while it leased: what it may do now counts
    }
    if (answer.kind === 'granted') {
      this.#refused.drop(ask.requestId)
      const slice = this.#book.lend(ask.slices?.wish ?? null, ask.requestId, now)
      const expiry = this.#book.earliestExpiry()
      if (expiry !== null) this.#wakeBy(expiry + 1)
      // What was leased is on disk already, with the hold that it was leased for.
      if (!shares) await this.#journal.admitted(this.#book.taken(ask.requestId))
      // A slice is large: it is on disk before it is used, and a crash has forgotten nothing of it.
      if (slice != null) await this.#journal.together()
      if (slice !== undefined) return { ...answer, leased: { slice } }
    } else if (answer.kind === 'refused' && this.#refused.keep(ask, answer, now)) this.#wakeBy(now + FLUSH_MS)
    return answer
  }

  /** Of the budgets that the key shares, before the request may go; what was reserved here is given back when one refuses. */
  async #lease(requestId: string): Promise<Refusal | null> {
    let lack = this.#book.lacking(requestId)
    try {
      // What was leased may have gone to another request meanwhile: then it is asked for again.
      for (let asked = 0; lack !== null; asked++, lack = this.#book.lacking(requestId)) {
        const { scope, ask } = lack
        const answer = await budgetOf(this.env, scope).lease(this.ctx.id.name ?? '', ask)
        if (asked > MOST_ASKED) throw new Error(`The budget of ${scope} could not be leased.`)
        if (answer.kind === 'short') {
          this.#book.cancel(requestId, Date.now())
          return refuseMoney({ spentNanoUsd: answer.spent, heldNanoUsd: answer.leased, limitNanoUsd: answer.limit, scope })
        }
        this.#book.fund(requestId, scope, answer)
      }
    } catch (cause) {
      this.#book.cancel(requestId, Date.now())
      throw cause
    }
    await this.#journal.together() // or a restart would not know of what was leased
    return null
  }

  /** A shared budget wants back what is not needed here. On disk when this answers. */
  async recall(scope: string, period: string, granted: number): Promise<Told> {
    const told = this.#book.recall(scope, period, granted)
    await this.#journal.write()
    return told
  }

  async renew(hold: Hold): Promise<void> {
    const now = Date.now()
    this.#expire(now)
    await this.#recall([hold])
    if (this.#book.renew(hold, now)) this.#journal.soon()
  }

  /** Answers when the rows are on disk. */
  async settle(settlements: readonly Settlement[]): Promise<void> {
    await this.#recall(settlements.filter(({ row }) => row !== null).map(({ hold }) => hold))
    const now = Date.now()
    await this.#keep(
      settlements.flatMap((settlement) => this.#book.settle(settlement, now)),
      now,
    )
  }

  /** Isolates use these slices no more. Answers when that is on disk. */
  async endSlices(ended: readonly SliceEnd[]): Promise<void> {
    await this.#recall(ended.flatMap(({ holds }) => holds))
    this.#end(ended, Date.now())
    await this.#journal.together()
  }

  /** What the key may know of itself; a refusal when the secret is not (or no longer) good. */
  async view(secretHash: string, clientIp: string | null): Promise<KeyView | Refusal> {
    if (this.#book.policy === null) await this.#hydrate()
    const now = Date.now()
    this.#expire(now)
    return this.#book.refuseSecret(secretHash, clientIp, now) ?? (this.#book.view(now) as KeyView)
  }

  async pending(requestId: string): Promise<Row | null> {
    return this.#outbox.find(requestId)
  }

  async flush(): Promise<void> {
    await this.#flush()
    await this.#flushRefused()
    await this.#report()
  }

  /** An administrator's change, on disk when this answers. `false`: a newer one is known here, so D1 is behind. */
  async apply(policy: Policy): Promise<boolean> {
    if (policy.version < (this.#book.policy?.version ?? 0)) return false
    this.#book.hydrate(policy)
    await this.ctx.storage.put('policy', this.#book.policy)
    return true
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null
    const now = Date.now()
    this.#expire(now)
    this.#book.forget(now)
    try {
      await this.#flush()
      await this.#flushRefused()
      await this.#report()
      this.#failures = 0
    } catch {
      this.#failures++ // D1 is away: the rows stay here, and nothing is refused for it
    }
    if (!this.#outbox.isEmpty || this.#refused.size > 0) {
      const wait = Math.min(FLUSH_MS * 2 ** this.#failures, MOST_BACKOFF_MS)
      this.#wakeBy(Date.now() + wait * (0.75 + Math.random() / 2))
    } else {
      const expiry = this.#book.earliestExpiry()
      if (expiry !== null) this.#wakeBy(expiry + 1)
    }
  }

  async #restore(): Promise<void> {
    const now = Date.now()
    const policy = await this.ctx.storage.get<Partial<Policy> & Omit<Policy, 'limits' | 'scopes' | 'leased'>>('policy')
    if (policy !== undefined) this.#book.hydrate({ ...EVERYTHING, limits: NO_LIMITS, scopes: [], leased: false, ...policy }) // an older one does not have all members
    const rows = await this.#outbox.restore()
    if (await this.#journal.restore(now)) quietly(this.#journal.write(true)) // what is held for the lost is on disk before anything is admitted
    for (const row of rows) this.#book.rememberSettled(row.id, row.costNanoUsd ?? 0, row.ended === 'expired', now)
    const expiry = this.#book.earliestExpiry()
    if (rows.length > 0) this.#wakeBy(now + FLUSH_MS)
    else if (expiry !== null) this.#wakeBy(expiry + 1)
  }

  /** From D1, once however many ask. A key that D1 does not know leaves nothing behind. */
  async #hydrate(): Promise<void> {
    this.#hydration ??= this.#readPolicy().finally(() => {
      this.#hydration = null
    })
    await this.#hydration
  }

  async #readPolicy(): Promise<void> {
    const stored = await readKey(this.env.DB, this.ctx.id.name ?? '')
    if (stored === null) return
    this.#book.hydrate(policyOf(stored))
    if (this.#book.view(Date.now())?.spentEverNanoUsd === 0) this.#book.restore({ spend: readSpend(stored.spend), holds: [] })
    void this.ctx.storage.put('policy', this.#book.policy, QUIETLY)
  }

  /** An object that lost its memory may be told twice: what is in the ledger already is booked. */
  async #recall(holds: readonly Hold[]): Promise<void> {
    const requestIds = holds.filter((hold) => !this.#book.knows(hold)).map(({ requestId }) => requestId)
    if (requestIds.length === 0) return
    const found = await this.env.DB.prepare('SELECT id, cost_nano_usd, ended FROM requests WHERE id IN (SELECT value FROM json_each(?1))')
      .bind(JSON.stringify(requestIds))
      .all<{ readonly id: string; readonly cost_nano_usd: number | null; readonly ended: string }>()
    for (const row of found.results) this.#book.rememberSettled(row.id, row.cost_nano_usd ?? 0, row.ended === 'expired', Date.now())
  }

  #end(ended: readonly SliceEnd[], now: number): void {
    const rows = ended.flatMap((end) => this.#book.endSlice(end, now))
    if (rows.length > 0) quietly(this.#keep(rows, now))
    else this.#journal.soon()
  }

  #expire(now: number): void {
    const expiry = this.#book.earliestExpiry()
    if (expiry === null || expiry > now) return
    quietly(this.#keep(this.#book.expire(now), now))
  }

  /** Writes settled rows and the books down, in one. */
  #keep(booked: readonly Booked[], now: number): Promise<void> {
    this.#outbox.keep(booked)
    if (booked.length > 0) this.#wakeBy(now + FLUSH_MS)
    return this.#journal.write()
  }

  /** One alarm an object; setting it is a write, so it is only ever moved nearer. */
  #wakeBy(at: number): void {
    if (this.#alarmAt !== null && this.#alarmAt <= at) return
    this.#alarmAt = at
    void this.ctx.storage.setAlarm(at, QUIETLY)
  }

  /** Tells the shared budgets what was spent, and gives back what an idle key does not need. Only what is new; absolute, so it may be told twice. */
  async #report(): Promise<void> {
    const news = this.#book.reports().filter(({ scope, told }) => this.#reported.get(scope) !== JSON.stringify(told))
    if (news.length === 0) return
    await this.#journal.write() // or a restart would not know of what was given back
    for (const { scope, told } of news) {
      await budgetOf(this.env, scope).tell(this.ctx.id.name ?? '', told)
      this.#reported.set(scope, JSON.stringify(told))
    }
  }

  /** Carries what is settled to D1, with what the key has spent. */
  #flush(): Promise<void> {
    const { DB } = this.env
    return this.#outbox.flush(DB, () =>
      DB.prepare('UPDATE keys SET spend = ?1 WHERE id = ?2').bind(JSON.stringify(this.#book.spend), this.ctx.id.name ?? ''),
    )
  }

  /** After the ledger, which never waits for them. */
  async #flushRefused(): Promise<void> {
    const refused = this.#refused.waiting()
    if (refused.length === 0) return
    const trim = this.#untrimmed >= TRIM_AFTER
    await writeRefusals(this.env.DB, this.ctx.id.name ?? '', refused, trim)
    this.#untrimmed = trim ? 0 : this.#untrimmed + refused.length
    this.#refused.written(refused)
  }
}
