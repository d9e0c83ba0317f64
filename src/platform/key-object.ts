// One Durable Object a key: keeps the key's book, writes down what must survive, and carries settled rows to D1. It decides nothing.

import { DurableObject } from 'cloudflare:workers'
import type { Admission, Ask, Extension, Hold, KeyView, Refusal, Row, Settlement } from '../core/account.ts'
import { Book, type Booked } from '../core/book.ts'
import type { ModelLimitView } from '../core/model-limits.ts'
import type { Policy } from '../core/policy.ts'
import { EVERYTHING } from '../core/permits.ts'
import { ledgerBehind } from '../core/refusing.ts'
import { NO_LIMITS } from '../core/rates.ts'
import { RefusedLog } from '../core/refused.ts'
import type { Met } from '../core/request-scopes.ts'
import { readSpend, readSpentByModel } from '../core/spend.ts'
import type { SliceEnd } from '../core/slices.ts'
import type { Told } from '../core/shared-budget.ts'
import { budgetOf } from './budget-object.ts'
import { numberSetting, type Env } from './env.ts'
import { extend } from './extending.ts'
import { IDLE_MS, Journal, quietly } from './journal.ts'
import { Mirror, type Reached } from './mirror.ts'
import { leaseAll, type Reserved } from './leasing.ts'
import { Outbox, QUIETLY } from './outbox.ts'
import { policyOf, readKey } from './policies.ts'
import { ProviderBudgets } from './provider-budgets.ts'
import { writeRefusals } from './refusals.ts'
import { SoftWatch } from './soft-watch.ts'

const FLUSH_MS = 700
/** Room for refusals is made once in so many. */
const TRIM_AFTER = 100
const MOST_BACKOFF_MS = 60_000
/** Rows that may wait for D1: with more of them a restart would not have the memory to read them. */
const MOST_WAITING = 100_000
const NAME = 'name:'
/** Refusals that tell of money: who may not use the key learns nothing of it. */
const WARNED: ReadonlySet<string> = new Set(['budget-exceeded', 'rate-exceeded'])
const TOLD_AT_ONCE = 50

type Granted = Admission & { readonly kind: 'granted' }

export class KeyObject extends DurableObject<Env> {
  readonly #book: Book
  readonly #outbox: Outbox
  readonly #providers: ProviderBudgets
  readonly #soft: SoftWatch
  readonly #journal: Journal
  readonly #mirror: Mirror
  /** In memory only: they move no money. */
  readonly #refused = new RefusedLog()
  #untrimmed = TRIM_AFTER
  #hydration: Promise<void> | null = null
  #alarmAt: number | null = null
  #failures = 0

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#outbox = new Outbox(ctx.storage)
    this.#providers = new ProviderBudgets(ctx.storage, env.DB)
    this.#soft = new SoftWatch(ctx.storage, env)
    this.#book = new Book({
      holdMs: numberSetting(env, 'SLUICE_HOLD_SECONDS', 300) * 1000,
      defaultCeiling: numberSetting(env, 'SLUICE_DEFAULT_MAX_TOKENS', 16_384),
    })
    this.#journal = new Journal(ctx.storage, this.#book)
    this.#mirror = new Mirror(
      ctx.storage,
      () => this.env.DB,
      ctx.id.name ?? '',
      this.#book,
      () => quietly(this.#journal.write()),
    )
    void ctx.blockConcurrencyWhile(() => this.#restore())
  }

  /** Everything a request needs to know of its key, and its hold, in one round trip. */
  async admit(ask: Ask): Promise<Admission> {
    if (this.#book.policy === null) await this.#hydrate()
    const ended = ask.slices?.ended ?? []
    if (ended.length > 0) await this.#recall(ended.flatMap(({ holds }) => holds.map(asked)))
    // From here to the reserve nothing is awaited.
    const now = Date.now()
    this.#expire(now)
    if (ended.length > 0) this.#end(ended, now)
    const policy = this.#book.policy
    this.#knowProviders(now)
    const admission = this.#outbox.size > MOST_WAITING ? ledgerBehind(this.#outbox.size) : this.#book.admit(ask, now)
    const answer = admission.kind === 'granted' ? await this.#makeSure(ask, admission) : admission
    // The key was changed, or revoked, meanwhile: what it may do now counts.
    if (answer.kind === 'granted' && this.#book.policy !== policy) return this.#askAgain(ask, null)
    this.#keepNames()
    if (answer.kind === 'granted') {
      this.#refused.drop(ask.requestId)
      const slice = this.#book.lend(ask.slices?.wish ?? null, ask.requestId, now)
      // A slice is large: it is on disk before it is used, and a crash has forgotten nothing of it.
      if (slice != null) await this.#journal.together()
      if (this.#book.policy !== policy) return this.#askAgain(ask, slice?.id ?? null)
      if (slice !== undefined) return { ...answer, leased: { slice } }
    } else if (answer.kind === 'refused' && ask.shadowOf === undefined && this.#refused.keep(ask, answer, now)) this.#wakeBy(now + FLUSH_MS)
    if (answer.kind === 'replay' || (answer.kind === 'refused' && !WARNED.has(answer.code))) return answer
    const warnings = this.#book.warnings(ask.requestId, now)
    return warnings.length === 0 ? answer : { ...answer, warnings }
  }

  /** What it would be answered now; nothing is held or counted. */
  async preview(ask: Ask): Promise<Admission> {
    if (this.#book.policy === null) await this.#hydrate()
    const now = Date.now()
    this.#expire(now)
    this.#knowProviders(now)
    return this.#book.preview(ask, now)
  }

  /** What was reserved is leased of the budgets that the key shares, and on disk or within the write-ahead ceiling. */
  async #makeSure(ask: Ask, admission: Granted): Promise<Admission> {
    this.#wakeBy(admission.hold.expiresAt + 1)
    if (this.#book.lacking(ask.requestId) !== null) return this.#leaseFor(ask, admission)
    await this.#journal.admitted(this.#book.taken(ask.requestId))
    return admission
  }

  /** As if it had never been asked. `sliceId`: lent to it, and of no use to anybody now. */
  #askAgain(ask: Ask, sliceId: string | null): Promise<Admission> {
    const now = Date.now()
    if (sliceId !== null) this.#end([{ id: sliceId, holds: [] }], now)
    this.#book.cancel(ask.requestId, now)
    return this.admit(ask)
  }

  /** Of the budgets that the key shares, before the request may go; what was reserved here is given back when one refuses. */
  async #leaseFor({ candidates }: Ask, admission: Granted): Promise<Admission> {
    const answer = await this.#lease({ ...admission, candidates })
    return answer.kind === 'refused' ? answer : { ...admission, allowed: answer.allowed, hold: answer.hold }
  }

  async #lease(reserved: Reserved): ReturnType<typeof leaseAll> {
    const keyId = this.ctx.id.name ?? ''
    const answer = await leaseAll(this.#book, reserved, (scope, wanted) => budgetOf(this.env, scope).lease(keyId, wanted))
    if (answer.kind === 'leased') await this.#journal.together() // or a restart would not know of what was leased
    return answer
  }

  /** A shared budget wants back what is not needed here. On disk when this answers. */
  async recall(scope: string, turn: number, period: string, granted: number): Promise<Told | null> {
    const told = this.#book.recall(scope, turn, period, granted)
    await this.#journal.writeGivenBack()
    return told
  }

  async renew(hold: Hold, ranNanoUsd?: number): Promise<void> {
    const now = Date.now()
    this.#expire(now)
    await this.#recall([asked(hold)])
    if (this.#book.renew(hold, now, ranNanoUsd)) this.#journal.soon()
  }

  /** More for a running answer; `null`: there is no more. */
  async extend(hold: Hold, extension: Extension): Promise<Hold | null> {
    this.#expire(Date.now())
    await this.#recall([asked(hold)])
    return extend(
      { book: this.#book, journal: this.#journal, lease: (more) => this.#lease({ hold: more, allowed: [], candidates: [] }) },
      hold,
      extension,
    )
  }

  /** Answers when the rows are on disk. */
  async settle(settlements: readonly Settlement[]): Promise<void> {
    const unknown = settlements.filter(({ hold }) => !this.#book.knows(hold))
    // What is known does not wait for D1, which is asked about the others.
    const known = settlements.filter((one) => !unknown.includes(one))
    if (known.length > 0) await this.#settleNow(known, [])
    if (unknown.length > 0) await this.#settleNow(unknown, await this.#recall(unknown))
  }

  #settleNow(settlements: readonly Settlement[], lost: readonly Booked[]): Promise<void> {
    const now = Date.now()
    return this.#keep([...lost, ...settlements.flatMap((settlement) => this.#book.settle(settlement, now))], now)
  }

  /** Isolates use these slices no more. Answers when that is on disk. */
  async endSlices(ended: readonly SliceEnd[]): Promise<void> {
    await this.#recall(ended.flatMap(({ holds }) => holds.map(asked)))
    this.#end(ended, Date.now())
    await this.#journal.together()
  }

  /** What the key may know of itself; a refusal when the secret is not (or no longer) good. */
  async view(secretHash: string, clientIp: string | null): Promise<KeyView | Refusal> {
    if (this.#book.policy === null) await this.#hydrate()
    const now = Date.now()
    this.#expire(now)
    return this.#book.refuseSecret(secretHash, clientIp, now) ?? { ...(this.#book.view(now) as KeyView), rowsWaiting: this.#outbox.size }
  }

  /** What is spent and held under each of its model limits. */
  async modelLimits(): Promise<readonly ModelLimitView[]> {
    if (this.#book.policy === null) await this.#hydrate()
    const now = Date.now()
    this.#expire(now)
    return this.#book.modelLimits(now)
  }

  async pending(requestId: string): Promise<Row | null> {
    return this.#outbox.find(requestId)
  }

  async flush(): Promise<void> {
    await this.#flush()
    await this.#flushRefused()
    await this.#soft.carry()
    await this.#report()
  }

  /** An administrator's change, on disk when this answers; `inD1`: there it is already. `false`: another one is known here, so look again. */
  async apply(policy: Policy, inD1: boolean): Promise<boolean> {
    const taken = this.#mirror.take(policy, inD1)
    // With it: a restart must not take one model limit's purse for another's.
    await Promise.all([taken, this.#journal.write()])
    return taken
  }

  /** How far D1 has come with this key, as somebody has read it. `true`: it was behind what it was told, and has it again. */
  async reconcile(found: Reached | null): Promise<boolean> {
    return this.#mirror.reconcile(found)
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null
    const now = Date.now()
    this.#expire(now)
    this.#book.forget(now)
    const carry = async (): Promise<void> => {
      await this.#flush()
      await this.#flushRefused()
      await this.#soft.carry()
    }
    const [carried, told] = await Promise.allSettled([carry(), this.#report()]) // neither waits for the other
    // D1 is away: the rows stay here, and nothing is refused for it
    this.#failures = carried.status === 'rejected' || told.status === 'rejected' ? this.#failures + 1 : 0
    if (!this.#outbox.isEmpty || this.#refused.size > 0 || this.#soft.isWaiting || told.status === 'rejected') {
      const wait = Math.min(FLUSH_MS * 2 ** this.#failures, MOST_BACKOFF_MS)
      this.#wakeBy(Date.now() + wait * (0.75 + Math.random() / 2))
    } else {
      const expiry = this.#book.earliestExpiry()
      if (expiry !== null) this.#wakeBy(expiry + 1)
      if (this.#journal.isOpen) this.#wakeBy(Date.now() + 2 * IDLE_MS) // should it crash until then, it must find out without being asked
    }
  }

  async #restore(): Promise<void> {
    const now = Date.now()
    const policy = await this.ctx.storage.get<Partial<Policy> & Omit<Policy, 'limits' | 'scopes' | 'leased'>>('policy')
    await this.#mirror.restore()
    if (policy !== undefined) this.#book.hydrate({ ...EVERYTHING, limits: NO_LIMITS, scopes: [], leased: false, ...policy }) // an older one does not have all members
    const names = await this.ctx.storage.list<Met>({ prefix: NAME })
    this.#book.names.restore([...names].map(([name, met]) => [name.slice(NAME.length), met]))
    await this.#providers.restore()
    await this.#soft.restore()
    if (await this.#journal.restore(now)) quietly(this.#journal.write(true)) // what is held for the lost is on disk before anything is admitted
    await this.#outbox.restore((row) => this.#book.rememberSettled(row.id, row.costNanoUsd ?? 0, row.ended === 'expired', now))
    const expiry = this.#book.earliestExpiry()
    if (!this.#outbox.isEmpty || this.#soft.isWaiting) this.#wakeBy(now + FLUSH_MS)
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
    await this.#providers.read(Date.now())
    this.#book.hydrate(policyOf(stored))
    if (this.#book.view(Date.now())?.spentEverNanoUsd === 0) {
      this.#book.restore({ spend: readSpend(stored.spend), holds: [] })
      this.#book.restoreByModel(readSpentByModel(stored.spend))
    }
    void this.ctx.storage.put('policy', this.#book.policy, QUIETLY)
    this.#mirror.hydrated(stored)
  }

  /** An object that lost its memory may be told twice: what is in the ledger already is booked. Gives back rows that the ledger has lost. */
  async #recall(told: readonly Settlement[]): Promise<readonly Booked[]> {
    const unknown = told.filter(({ hold }) => !this.#book.knows(hold))
    if (unknown.length === 0) return []
    const { DB } = this.env
    const ids = JSON.stringify(unknown.map(({ hold }) => hold.requestId))
    const known = this.#mirror.known
    const results = await DB.batch([
      this.#mirror.look(),
      DB.prepare('SELECT id, cost_nano_usd, ended FROM requests WHERE id IN (SELECT value FROM json_each(?1))').bind(ids),
    ])
    const found = (results[1]?.results ?? []) as { readonly id: string; readonly cost_nano_usd: number | null; readonly ended: string }[]
    for (const row of found) this.#book.rememberSettled(row.id, row.cost_nano_usd ?? 0, row.ended === 'expired', Date.now())
    const lost = this.#mirror.bookedBefore(results, known, unknown.filter((s) => !this.#book.knows(s.hold))) // prettier-ignore
    return lost.flatMap(({ row }) => {
      if (row === null) return []
      this.#book.rememberSettled(row.id, row.costNanoUsd ?? 0, false, Date.now())
      return [{ row, corrects: false }]
    })
  }

  #knowProviders(now: number): void {
    this.#book.budgetedProviders = this.#providers.ids
    const reading = this.#providers.refresh(now)
    if (reading !== null) this.ctx.waitUntil(reading)
  }

  /** Which customers and tags were named: a restart must not let a key name more of them. */
  #keepNames(): void {
    for (const [scope, met] of this.#book.names.takeUnsaved()) {
      if (met === null) void this.ctx.storage.delete(NAME + scope, QUIETLY)
      else void this.ctx.storage.put(NAME + scope, met, QUIETLY)
    }
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
    const { period, over } = this.#book.over(now)
    this.#soft.see('key', this.ctx.id.name ?? '', period, over, now)
    if (booked.length > 0 || this.#soft.isWaiting) this.#wakeBy(now + FLUSH_MS)
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
    const news = this.#book.reports()
    if (news.length === 0) return
    await this.#journal.writeGivenBack()
    const failures: unknown[] = []
    for (let i = 0; i < news.length; i += TOLD_AT_ONCE) {
      const all = news.slice(i, i + TOLD_AT_ONCE).map(async ({ scope, told }) => {
        this.#book.confirm(scope, told, await budgetOf(this.env, scope).tell(this.ctx.id.name ?? '', told))
      })
      for (const one of await Promise.allSettled(all)) if (one.status === 'rejected') failures.push(one.reason)
    }
    if (failures.length > 0) throw failures[0] // one that cannot be reached keeps nothing from the others
  }

  /** Carries what is settled to D1, with what the key has spent. */
  #flush(): Promise<void> {
    let { known } = this.#mirror
    const report = (): readonly D1PreparedStatement[] => {
      known = this.#mirror.known
      return this.#mirror.report()
    }
    return this.#outbox.flush(this.env.DB, report, async (results, ids) => {
      this.#book.carried(ids, Date.now())
      await this.#mirror.compare(results, known, true)
    })
  }

  /** After the ledger, which never waits for them. */
  async #flushRefused(): Promise<void> {
    const refused = this.#refused.waiting()
    if (refused.length === 0) return
    const trim = this.#untrimmed >= TRIM_AFTER
    const { known } = this.#mirror
    const read = await writeRefusals(this.env.DB, this.ctx.id.name ?? '', refused, trim, [this.#mirror.look()])
    await this.#mirror.compare(read, known, false)
    this.#untrimmed = trim ? 0 : this.#untrimmed + refused.length
    this.#refused.written(refused)
  }
}

/** A hold that the ledger is asked about; nothing is settled with it. */
function asked(hold: Hold): Settlement {
  return { hold, row: null, answer: null }
}
