// The books of one key: policy, money spent and held, settled requests. Pure and synchronous: no await stands between the check and
// the reserve, so two requests can never both be given the last dollar. The object around it keeps what `snapshot` hands out.

import type { Admission, Ask, Extension, Hold, KeyView, Refusal, Row, Settlement } from './account.ts'
import { Allowances, type AllowancesJournal, type BookedShare, type Share } from './allowances.ts'
import type { Taken } from './ahead.ts'
import { expiredCost, extensionId, joinShares, moreFor } from './elastic.ts'
import { expiredRow, unattributedRow, unsentRow } from './expired-row.ts'
import { ceilingFirst, ceilingsOf, holdFor, needsOf, planHold, planSpare, tokensOf } from './hold-plan.ts'
import { LostHolds, type Drawn, type Lost } from './lost.ts'
import { markedUpAsk, markupOf } from './markup.ts'
import type { ModelLimitView } from './model-limits.ts'
import { longest, ModelPurses, soonest, type PursesJournal, type PurseSpent } from './model-purses.ts'
import { keyView } from './key-view.ts'
import { leftOutOf } from './left-out.ts'
import { forbiddenBy, forbiddenText } from './permits.ts'
import { mayGoOn, refuseSecret, routerOf, type Policy } from './policy.ts'
import { providerScopes } from './provider-shares.ts'
import { hasLimits, Rates, type RatesSnapshot } from './rates.ts'
import { refuse, refusePlans, refuseWait } from './refusing.ts'
import { Repeats } from './repeats.ts'
import { Names, NO_NAMING } from './request-scopes.ts'
import type { LeaseAnswer, LeaseAsk, Told } from './shared-budget.ts'
import { overSoft, type Over, type Warning } from './soft-limit.ts'
import {
  countedAt,
  countedFrom,
  isLendable,
  lifeOf,
  sizeOf,
  Slices,
  type Lent,
  type Slice,
  type SliceEnd,
  type SliceWish,
} from './slices.ts'
import { SPARE } from './shadow.ts'
import { heldIn, settleForgotten, settleShares } from './share-settling.ts'
import { addSpend, NOTHING_SPENT, usedOf, type Spend } from './spend.ts'
import { isCount, lotsOf, purseOfMoney } from './taken.ts'
import { periodAt } from './window.ts'

/** `tokens` are reserved until the settle says how many it were; `ranNanoUsd` is what an answer had cost when it was last told; `extends`: it waits to join this request's hold. */
type Held = {
  readonly hold: Hold
  readonly idempotencyKey: string | null
  readonly tokens?: number
  readonly shares?: readonly Share[]
  readonly ranNanoUsd?: number
  readonly extends?: string
}

/** What must survive a restart. */
export type Journal = {
  readonly spend: Spend
  readonly holds: readonly (readonly [string, Held])[]
  readonly rates?: RatesSnapshot
  readonly allowances?: AllowancesJournal
  readonly lost?: readonly Lost[]
  readonly purses?: PursesJournal
  readonly slices?: readonly Lent[]
}

/** A row to write; `corrects`: it stands in for one that was written before. */
export type Booked = { readonly row: Row; readonly corrects: boolean }

export type Settings = {
  readonly holdMs: number
  /** Output tokens a choice when neither the client nor the catalogue sets a ceiling, and the most that is assumed unasked. */
  readonly defaultCeiling: number
}

/** What was booked, and when to forget it. */
type Settled = { readonly nanoUsd: number; readonly expired: boolean; readonly until: number; readonly shares?: readonly BookedShare[] }

const REMEMBER_MS = 600_000
/** What the ledger has is remembered for the repeats that come at once. */
const CARRIED_MS = 60_000

export class Book {
  readonly #settings: Settings
  #policy: Policy | null = null
  #spend: Spend = NOTHING_SPENT
  #held = 0
  readonly #holds = new Map<string, Held>()
  /** Extensions among the holds: they are no requests of their own. */
  #extending = 0
  readonly #rates = new Rates()
  readonly #allowances = new Allowances()
  /** Customers and tags that requests have named. */
  readonly names = new Names()
  /** Providers that have a budget. */
  budgetedProviders: ReadonlySet<string> = new Set()
  readonly #lost = new LostHolds()
  readonly #purses = new ModelPurses()
  readonly #slices = new Slices()
  /** Request id → what was booked, and when to forget it. */
  readonly #settled = new Map<string, Settled>()
  readonly #repeats = new Repeats(REMEMBER_MS)

  constructor(settings: Settings) {
    this.#settings = settings
  }

  get policy(): Policy | null {
    return this.#policy
  }

  get spend(): Spend {
    return this.#spend
  }

  /** What is spent under each of its model limits; the same as D1 had it, where nothing else is left of this key. */
  get spentByModel(): readonly PurseSpent[] {
    return this.#purses.spent()
  }

  restoreByModel(spent: readonly PurseSpent[]): void {
    this.#purses.restoreSpent(spent)
  }

  modelLimits(now: number): readonly ModelLimitView[] {
    return this.#purses.views(now)
  }

  /** Takes a policy unless a newer one is known. */
  hydrate(policy: Policy): void {
    if (this.#policy !== null && policy.version < this.#policy.version) return
    this.#policy = policy
    this.#purses.apply(policy)
  }

  snapshot(now: number): Journal {
    return {
      spend: this.#spend,
      holds: [...this.#holds],
      rates: this.#rates.snapshot(now),
      allowances: this.#allowances.snapshot(),
      lost: this.#lost.snapshot(),
      purses: this.#purses.snapshot(now),
      slices: this.#slices.snapshot(),
    }
  }

  restore({ spend, holds, rates, allowances, lost, purses, slices }: Journal): void {
    this.#spend = spend
    this.#slices.restore(slices ?? [])
    if (purses !== undefined) this.#purses.restore(purses)
    if (lost !== undefined) this.#lost.restore(lost)
    if (allowances !== undefined) this.#allowances.restore(allowances)
    if (rates !== undefined) this.#rates.restore(rates)
    for (const [id, held] of holds) {
      if (this.#holds.has(id)) continue
      if (held.extends !== undefined || held.shares?.some(({ covered }) => !covered) === true) {
        for (const share of held.shares ?? []) this.#allowances.settle(share, 0) // it was still waiting for a shared budget: nobody was told that it may go
        continue
      }
      this.#holds.set(id, held)
      this.#held += held.hold.nanoUsd
      this.#purses.hold(held.hold.purses ?? [])
    }
    if (this.#policy !== null) this.#purses.apply(this.#policy)
  }

  /** After a crash, when all is restored: what may have been admitted after the last writing (at `writtenAt`), and be forgotten, is held. */
  holdLost(slack: Taken, id: string, writtenAt: number, now: number): void {
    if (slack.length === 0) return
    const { nanoUsd, requests, tokens, scopes, purses } = lotsOf(slack)
    const period = this.#policy === null ? '' : periodAt(this.#policy.limitReset, this.#policy.createdAt, writtenAt).id
    const shares = scopes.map(([scope, most]) => this.#allowances.holdLost(scope, most, now))
    this.#purses.holdLost(id, purses, now)
    if (this.#policy !== null) this.#rates.count(this.#policy.limits, requests, tokens, now)
    this.#lost.add({ id, at: now, period, expiresAt: now + this.#settings.holdMs, nanoUsd, requests, shares, booked: false })
  }

  /** What an admission took, for the write-ahead ceiling. */
  taken(requestId: string): Taken {
    const held = this.#holds.get(requestId)
    if (held === undefined) return []
    const { nanoUsd, purses = [] } = held.hold
    const money = [['money', nanoUsd], ...(held.shares ?? []).map(({ scope }) => [scope, nanoUsd] as const)] as const
    if (held.extends !== undefined) return money
    if (purses.length === 0 && (this.#policy === null || !hasLimits(this.#policy.limits))) return money
    return [...money, ['requests', 1], ['tokens', held.tokens ?? 0], ...this.#purses.taken(purses)]
  }

  /** The most that may still be admitted of something: the write-ahead ceiling never reaches beyond a limit. */
  room(of: string, now: number): number {
    const purse = purseOfMoney(of)
    if (purse !== null) return this.#purses.room(purse, now)
    if (isCount(of)) return Number.MAX_SAFE_INTEGER
    // Every request takes the same of the key and of the budgets it always shares: a crash can have forgotten no more than the least of them has.
    const always = Math.min(this.#left(now), ...(this.#policy?.scopes ?? []).map((scope) => this.#allowances.free(scope)))
    return of === 'money' ? always : Math.min(always, this.#allowances.free(of))
  }

  /** When the earliest hold expires; `null`: none is held. */
  earliestExpiry(): number | null {
    const lost = this.#lost.earliestExpiry()
    let earliest = this.#slices.earliestExpiry() ?? lost
    if (earliest !== null && lost !== null) earliest = Math.min(earliest, lost)
    for (const { hold } of this.#holds.values()) if (earliest === null || hold.expiresAt < earliest) earliest = hold.expiresAt
    return earliest
  }

  /** May this secret be used now, and from there? `null`: yes. */
  refuseSecret(secretHash: string, clientIp: string | null, now: number): Refusal | null {
    return refuseSecret(this.#policy, secretHash, clientIp, now)
  }

  /** Checks and reserves in one step. */
  admit(ask: Ask, now: number): Admission {
    const refused = this.refuseSecret(ask.secretHash, ask.clientIp, now)
    if (refused !== null) return refused
    const policy = this.#policy as Policy
    const repeat = this.#repeats.check(ask, (id) => this.#holds.has(id), now)
    if (repeat !== null && repeat.kind !== 'again') return repeat

    const times = ask.shadowOf === undefined ? 1 : SPARE
    const permitted = ask.candidates.flatMap((asked, index) => {
      const candidate = markedUpAsk(asked, policy.markupBasisPoints)
      if (forbiddenBy(policy, candidate) !== null) return []
      const tokens = tokensOf(candidate, ask, this.#settings.defaultCeiling)
      return [{ candidate, index, tokens, look: this.#purses.look(candidate, tokens * times, now, times) }]
    })
    const looks = permitted.map(({ look }) => look)
    if (permitted.length === 0) return refuse('model-forbidden', forbiddenText(policy, ask.candidates))

    const tokens = Math.max(...permitted.map((one) => one.tokens))
    const wait = longest([this.#rates.wait(policy.limits, tokens * times, this.#running, now, times), soonest(looks)])
    if (wait !== null) return refuseWait(wait, this.#purses.tightest(this.#rates.view(policy.limits, now), looks, now))

    const period = periodAt(policy.limitReset, policy.createdAt, now)
    const limit = policy.limitNanoUsd
    const left = this.#left(now)
    const scopes = this.names.scopesOf(policy.scopes, policy.naming ?? NO_NAMING, ask, now)
    const budgeted = limit !== null || scopes.length > 0
    const plans = permitted.map((one) => {
      const most = Math.min(left, one.look.leftNanoUsd)
      const counts = budgeted || one.look.budgeted || this.budgetedProviders.has(one.candidate.provider)
      if (ask.shadowOf !== undefined) return { ...one, ...planSpare(one.candidate, ask, counts, most, this.#settings.defaultCeiling) }
      const mode = one.look.under.length > 0 ? 'strict' : policy.mode // a model limit is held for as a whole
      return { ...one, ...planHold(one.candidate, ask, counts, most, this.#settings.defaultCeiling, mode) }
    })
    const payable = plans.filter((p) => p.kind === 'fits')
    const fitting = payable.filter(({ look }) => look.wait === null)
    if (fitting.length === 0) {
      const later = soonest(payable.map(({ look }) => look))
      if (later !== null) return refuseWait(later, this.#purses.tightest(this.#rates.view(policy.limits, now), looks, now))
      const dear = plans.find((p) => p.kind === 'dear')
      const purse = dear === undefined ? null : this.#purses.lacking(dear.look, left, now)
      const spentNanoUsd = this.#spend.period === period.id ? this.#spend.periodNanoUsd : 0
      const money = { spentNanoUsd, heldNanoUsd: this.#heldAll, limitNanoUsd: limit ?? 0, scope: 'key' }
      return refusePlans(plans, ask.candidates[0]?.model ?? 'this model', purse ?? money, ask.unbounded)
    }

    const atProviders = providerScopes(this.budgetedProviders, ask.candidates, fitting)
    const all = atProviders.length === 0 ? scopes : [...scopes, ...atProviders]
    const isUnderModelLimit = fitting.some(({ look }) => look.under.length > 0)
    const { nanoUsd, mostNanoUsd } = holdFor(fitting, !isUnderModelLimit)
    const hold: Hold = {
      requestId: ask.requestId,
      period: period.id,
      nanoUsd,
      takenAt: now,
      expiresAt: now + this.#settings.holdMs,
      budgeted: budgeted || atProviders.length > 0 || fitting.some(({ look }) => look.budgeted),
      ...(all === policy.scopes ? {} : { scopes: all }),
      ...(isUnderModelLimit ? { purses: this.#purses.reserve(fitting, now) } : {}),
      ...(mostNanoUsd > nanoUsd ? { elastic: { mostNanoUsd } } : {}),
      ...(ask.shadowOf === undefined ? {} : { shadowOf: ask.shadowOf }),
    }
    const shares = all.map((scope) => this.#allowances.reserve(scope, nanoUsd, now))
    this.#settled.delete(ask.requestId) // it is asked again: a shared budget refused, or the policy changed
    this.#holds.set(ask.requestId, { hold, idempotencyKey: ask.idempotency?.key ?? null, tokens, shares })
    this.#held += nanoUsd
    this.#rates.count(policy.limits, 1, tokens, now)
    this.#repeats.begin(ask, now)
    const used = fitting.map(({ look }) => look)
    const rates = this.#purses.tightest(this.#rates.view(policy.limits, now), used, now)
    const router = routerOf(policy)
    return {
      kind: 'granted',
      hold,
      allowed: fitting.map((p) => p.index),
      ...(fitting.length === 1 ? {} : { needs: needsOf(ask.candidates.length, fitting) }),
      ...ceilingFirst(fitting),
      ...ceilingsOf(ask.candidates.length, fitting),
      repeated: repeat !== null,
      ...markupOf(policy),
      ...(limit === null ? {} : { budgetUsed: usedOf(limit, left) }),
      ...(policy.onDisconnect === 'drain' ? { drains: true } : {}),
      ...(router === null ? {} : { router }),
      ...(rates === undefined ? {} : { rates }),
      ...(ask.explains === true ? { leftOut: leftOutOf(policy, ask, plans) } : {}),
    }
  }

  /** What it would answer now: nothing is reserved or counted. Shared budgets are taken at what is leased of them. */
  preview(ask: Ask, now: number): Admission {
    const copy = new Book(this.#settings)
    if (this.#policy !== null) copy.hydrate(this.#policy)
    copy.restore(structuredClone(this.snapshot(now)))
    copy.budgetedProviders = this.budgetedProviders
    return copy.admit(ask, now)
  }

  /**
   * Sets a slice aside for the isolate of a request that was just admitted. `undefined`: this key is not leased; `null`: nothing is to be
   * had now. A key that shares budgets is admitted exactly: those are leased already.
   */
  lend(wish: SliceWish | null, requestId: string, now: number): Slice | null | undefined {
    const policy = this.#policy
    if (policy === null || !isLendable(policy) || this.budgetedProviders.size > 0) return undefined
    const held = this.#holds.get(requestId)
    if (wish === null || held === undefined) return null
    const { limits } = policy
    const rates = this.#rates.view(limits, now)
    const size = sizeOf(wish, {
      like: { nanoUsd: held.hold.nanoUsd, tokens: held.tokens ?? 0 },
      nanoUsd: this.#left(now),
      requests: rates?.requests?.remaining ?? null,
      tokens: rates?.tokens?.remaining ?? null,
      parallel: limits.parallelRequests === null ? null : limits.parallelRequests - this.#running,
    })
    if (size === null) return null
    const { id: period, resetsAt } = periodAt(policy.limitReset, policy.createdAt, now)
    const expiresAt = now + this.#settings.holdMs
    const { version } = policy
    if (!this.#slices.lend({ ...size, id: wish.id, period, at: now, expiresAt, version, parallel: size.parallel ?? 0, booked: false }))
      return null
    this.#rates.count(limits, size.requests, size.tokens, countedAt(now))
    const left = this.#rates.view(limits, now)
    return {
      id: wish.id,
      lifeMs: lifeOf(policy, resetsAt, this.#settings.holdMs, now),
      policy,
      period,
      takenAt: now,
      expiresAt,
      ...size,
      defaultCeiling: this.#settings.defaultCeiling,
      ...(left === undefined ? {} : { rates: left }),
      ...(policy.limitNanoUsd === null ? {} : { budgetUsed: usedOf(policy.limitNanoUsd, this.#left(now)) }),
    }
  }

  /** The isolate uses a slice no more: its running requests are held by their names, the rest is free again. May be told twice. */
  endSlice({ id, holds }: SliceEnd, now: number): readonly Booked[] {
    const rows = holds.flatMap((hold) => (this.#knows(hold.requestId) ? [] : this.#name(hold, now)))
    const lent = this.#slices.end(id, this.#forgetAt(now))
    if (lent === null) return rows
    // Under other limits it may never have been counted.
    if (this.#policy?.version === lent.version) this.#rates.count(this.#policy.limits, -lent.requests, -lent.tokens, countedAt(lent.at))
    return [...rows, ...this.#unbook(lent, lent.nanoUsd, now)]
  }

  /** What must still be leased before a request may go; `null`: nothing. */
  lacking(requestId: string): { readonly scope: string; readonly ask: LeaseAsk } | null {
    const share = this.#holds.get(requestId)?.shares?.find(({ covered }) => !covered)
    return share === undefined ? null : { scope: share.scope, ask: this.#allowances.asking(share) }
  }

  allLacking(requestId: string): readonly { readonly scope: string; readonly ask: LeaseAsk }[] {
    const shares = this.#holds.get(requestId)?.shares ?? []
    return shares.filter(({ covered }) => !covered).map((share) => ({ scope: share.scope, ask: this.#allowances.asking(share) }))
  }

  /** Gives back what was reserved in one budget: the request goes on without it. */
  giveBack(requestId: string, scope: string): void {
    const held = this.#holds.get(requestId)
    if (held === undefined) return
    for (const share of held.shares ?? []) if (share.scope === scope) this.#allowances.settle(share, 0)
    this.#holds.set(requestId, { ...held, shares: (held.shares ?? []).filter((share) => share.scope !== scope) })
  }

  /** Whether the key's own soft limit is reached in its present period. */
  over(now: number): { readonly period: string; readonly over?: Over } {
    const policy = this.#policy
    if (policy === null) return { period: '' }
    const { id: period } = periodAt(policy.limitReset, policy.createdAt, now)
    const over = overSoft(this.#spend.period === period ? this.#spend.periodNanoUsd : 0, policy.softNanoUsd)
    return { period, ...(over === undefined ? {} : { over }) }
  }

  /** Soft limits that are reached: the key's own, and those that the request, or a refused one's key, shares. */
  warnings(requestId: string, now: number): readonly Warning[] {
    const { over } = this.over(now)
    const scopes = this.#holds.get(requestId)?.shares?.map(({ scope }) => scope) ?? this.#policy?.scopes ?? []
    return [...(over === undefined ? [] : [{ scope: 'key', ...over }]), ...this.#allowances.warnings(scopes)]
  }

  /** Takes what a shared budget has granted. */
  fund(requestId: string, scope: string, answer: LeaseAnswer & { readonly kind: 'leased' }): void {
    const held = this.#holds.get(requestId)
    if (held === undefined) return
    const shares = (held.shares ?? []).map((share) => (share.scope === scope ? this.#allowances.fund(share, answer) : share))
    this.#holds.set(requestId, { ...held, shares })
  }

  /** Gives everything back: a shared budget has refused, or could not be asked. */
  cancel(requestId: string, now: number): void {
    const held = this.#holds.get(requestId)
    if (held === undefined) return
    this.settle({ hold: held.hold, row: null, answer: null }, now)
    this.#repeats.drop(held.idempotencyKey, requestId)
  }

  /** `null`: nothing is known of this turn. */
  recall(scope: string, turn: number, period: string, granted: number): Told | null {
    return this.#allowances.recall(scope, turn, period, granted)
  }

  /** What to tell the shared budgets; what an idle key does not need goes back. */
  reports(): ReturnType<Allowances['reports']> {
    return this.#allowances.reports()
  }

  confirm(...told: Parameters<Allowances['confirm']>): void {
    this.#allowances.confirm(...told)
  }

  /** Sets more aside for a running answer and gives back the id it waits under until it is leased (`lacking`) and `join`ed; `null`: there is no more. */
  extend(hold: Hold, extension: Extension, now: number): string | null {
    const policy = this.#policy
    if (!this.renew(hold, now, extension.ranNanoUsd) || policy === null || !mayGoOn(policy, now)) return null
    const held = this.#holds.get(hold.requestId)
    const more = held === undefined ? null : moreFor(held.hold, extension, this.#left(now))
    if (held === undefined || more === null) return null
    const id = extensionId(hold)
    // Where the period has turned over, all of it settles in the new one, in which it is held.
    const period = periodAt(policy.limitReset, policy.createdAt, now).id
    const shares = (held.shares ?? []).map((share) => this.#allowances.reserveMore(share, more, now))
    const { purses: _, ...plain } = held.hold // of a model limit all is held from the start
    this.#settled.delete(id)
    this.#holds.set(id, {
      hold: { ...plain, requestId: id, period, nanoUsd: more },
      idempotencyKey: null,
      shares,
      extends: hold.requestId,
    })
    this.#held += more
    this.#extending++
    return id
  }

  /** An extension that all have granted becomes part of its hold, which is given back; `null`: the answer has ended meanwhile, or a shared period has. */
  join(id: string, now: number): Hold | null {
    const more = this.#holds.get(id)
    const held = this.#holds.get(more?.extends ?? '')
    if (more === undefined) return null
    const shares = held === undefined ? null : joinShares(held.shares ?? [], more.shares ?? [], more.hold.nanoUsd)
    if (held === undefined || shares === null) {
      this.cancel(id, now)
      return null
    }
    this.#holds.delete(id)
    this.#extending--
    const hold: Hold = { ...held.hold, period: more.hold.period, nanoUsd: held.hold.nanoUsd + more.hold.nanoUsd }
    this.#holds.set(hold.requestId, { ...held, hold, shares })
    return hold
  }

  /** A live stream's hold begins its life anew; one that a crash has forgotten is remembered again. `ranNanoUsd`: what its answer has cost so far. */
  renew(hold: Hold, now: number, ranNanoUsd?: number): boolean {
    const { requestId } = hold
    const expiresAt = now + this.#settings.holdMs
    this.#recallExtension(hold)
    const held = this.#holds.get(requestId)
    if (held !== undefined) {
      this.#holds.set(requestId, { ...held, hold: { ...held.hold, expiresAt }, ...(ranNanoUsd === undefined ? {} : { ranNanoUsd }) })
      return true
    }
    if (this.#settled.has(requestId)) return false
    if (hold.slice !== undefined && this.#slices.find(hold.slice.id)?.booked === false) {
      this.#name({ ...hold, expiresAt }, now)
      return true
    }
    const drawn = this.#draw(hold, false)
    if (drawn === null) return false
    this.#purses.drawLost(hold, false, now)
    this.#holds.set(requestId, { hold: { ...hold, expiresAt }, idempotencyKey: null, shares: drawn.shares })
    this.#held += hold.nanoUsd
    this.#purses.hold(hold.purses ?? [])
    return true
  }

  /** Replaces a hold by the real cost, once. Gives back the rows to write: none where this request is settled already, or nothing was sent. */
  settle({ hold, row, answer }: Settlement, now: number): readonly Booked[] {
    const { requestId } = hold
    this.#recallExtension(hold)
    // What was never sent stays in the slice, and is given back with it.
    const unbooked = row === null || this.#knows(requestId) ? [] : this.#name(hold, now)
    const held = this.#holds.get(requestId)
    this.#repeats.end(held?.idempotencyKey ?? null, requestId, answer)
    const before = this.#settled.get(requestId)
    if (before !== undefined && !before.expired) return []
    const cost = row?.costNanoUsd ?? 0
    if (held?.tokens !== undefined && this.#policy !== null)
      this.#rates.trueUp(this.#policy.limits, held.tokens, countedFrom(held.hold), row)
    this.#release(requestId)
    // That nothing was sent is not looked up in the ledger: it may be told twice, and must not take from what is lost.
    const forgotten = held === undefined && before === undefined
    const drawn = forgotten && row !== null ? this.#draw(hold, true) : null
    if (forgotten) settleForgotten(this.#allowances, this.#scopesOf(hold), drawn, row, now)
    else settleShares(this.#allowances, held?.shares, before?.shares, row, now)
    if (forgotten && row !== null) this.#purses.drawLost(hold, true, now)
    this.#purses.settle(held?.hold ?? hold, row, forgotten ? 'forgotten' : held === undefined ? 'expired' : 'held', now)
    this.#settled.set(requestId, { nanoUsd: cost, expired: false, until: this.#forgetAt(now) })
    this.#spendMore(cost - (before?.nanoUsd ?? 0), held?.hold.period ?? hold.period, now)
    const written = row ?? (before === undefined ? null : unsentRow(this.#keyId, hold, now, []))
    const settled =
      written === null
        ? []
        : [{ row: { ...written, scopes: heldIn((held ?? before)?.shares, this.#scopesOf(hold), row) }, corrects: before !== undefined }]
    return [...settled, ...unbooked, ...(drawn === null ? [] : this.#unbook(drawn.from, drawn.nanoUsd, now))]
  }

  /** Books every hold whose time is over in full, an elastic one at what it was last told: money never becomes free by time alone. */
  expire(now: number): readonly Booked[] {
    const rows: Booked[] = []
    for (const [id, { hold: whole, shares, ranNanoUsd, extends: extended }] of this.#holds) {
      if (whole.expiresAt > now) continue
      if (extended !== undefined || shares?.some(({ covered }) => !covered) === true) {
        this.cancel(id, now) // it still waits for a shared budget: nobody was told that it may go
        continue
      }
      const hold = { ...whole, nanoUsd: expiredCost(whole, ranNanoUsd) }
      this.#release(id)
      this.#purses.expire(hold, now)
      const booked = shares?.map((share) => this.#allowances.book(share, Math.min(share.nanoUsd, hold.nanoUsd))) // which provider was used is not known: all that may have been
      this.#spendMore(hold.nanoUsd, hold.period, now)
      this.#settled.set(id, {
        nanoUsd: hold.nanoUsd,
        expired: true,
        ...(booked === undefined ? {} : { shares: booked }),
        until: this.#forgetAt(now),
      })
      rows.push({ row: expiredRow(this.#keyId, hold, now, heldIn(shares, this.#scopesOf(hold), null)), corrects: false })
    }
    for (const lost of [...this.#slices.expire(now), ...this.#lost.expire(now, (share) => this.#allowances.bookLost(share))]) {
      this.#purses.bookLost(lost.id, now)
      if (lost.nanoUsd === 0) continue
      this.#spendMore(lost.nanoUsd, lost.period, now)
      rows.push({ row: unattributedRow(this.#keyId, lost, lost.nanoUsd, now), corrects: false })
    }
    return rows
  }

  /** Lets go of what no retry can ask for any more. */
  forget(now: number): void {
    for (const [id, { until }] of this.#settled) if (until <= now) this.#settled.delete(id)
    this.#repeats.forget(now, (id) => this.#holds.has(id))
    this.#lost.forget(now - REMEMBER_MS)
    this.#purses.forgetLost(this.#lost.snapshot())
    this.#slices.forget(now, now - REMEMBER_MS)
  }

  /** Rows of these requests are in the ledger: who asks later is told from there. What expired may still be corrected here. */
  carried(requestIds: readonly string[], now: number): void {
    for (const id of requestIds) {
      const settled = this.#settled.get(id)
      if (settled !== undefined && !settled.expired) this.#settled.set(id, { ...settled, until: Math.min(settled.until, now + CARRIED_MS) })
    }
  }

  /** Remembers that a request is booked although this object has forgotten it: its row was found in the ledger. */
  rememberSettled(requestId: string, nanoUsd: number, expired: boolean, now: number): void {
    this.#settled.set(requestId, { nanoUsd, expired, until: this.#forgetAt(now) })
  }

  isHeld(requestId: string): boolean {
    return this.#holds.has(requestId)
  }

  /** Whether the ledger need not be asked about a request. */
  knows({ requestId, slice }: Hold): boolean {
    return this.#knows(requestId) || (slice !== undefined && this.#slices.isFresh(slice.id))
  }

  view(now: number): KeyView | null {
    const policy = this.#policy
    if (policy === null) return null
    return keyView(policy, {
      now,
      spend: this.#spend,
      heldNanoUsd: this.#heldAll,
      running: this.#running,
      modelLimits: this.modelLimits(now),
      holdMs: this.#settings.holdMs,
    })
  }

  /** The shared budgets that a hold was reserved in. */
  #scopesOf(hold: Hold): readonly string[] {
    return hold.scopes ?? this.#policy?.scopes ?? []
  }

  #draw(hold: Hold, evenBooked: boolean): Drawn | null {
    return this.#lost.draw(hold, new Set(this.#scopesOf(hold)), evenBooked)
  }

  get #keyId(): string {
    return this.#policy?.keyId ?? ''
  }

  get #running(): number {
    return this.#holds.size - this.#extending + this.#lost.requests + this.#slices.running
  }

  get #heldAll(): number {
    return this.#held + this.#lost.nanoUsd + this.#slices.nanoUsd
  }

  #knows(requestId: string): boolean {
    return this.#holds.has(requestId) || this.#settled.has(requestId)
  }

  #left(now: number): number {
    const policy = this.#policy
    if (policy === null || policy.limitNanoUsd === null) return Number.MAX_SAFE_INTEGER
    const period = periodAt(policy.limitReset, policy.createdAt, now)
    return policy.limitNanoUsd - (this.#spend.period === period.id ? this.#spend.periodNanoUsd : 0) - this.#heldAll
  }

  /** A request of a slice becomes a hold of its own. Gives back a row to write where the slice was booked already. */
  #name(hold: Hold, now: number): readonly Booked[] {
    const from = this.#slices.name(hold)
    if (from === null) return []
    this.#holds.set(hold.requestId, { hold, idempotencyKey: null, tokens: hold.slice?.tokens ?? 0 })
    this.#held += hold.nanoUsd
    return this.#unbook(from, Math.min(hold.nanoUsd, from.nanoUsd), now)
  }

  /** What was booked for nobody by name, when a slice or what a crash had forgotten expired, turns out to be less: that row gets smaller. */
  #unbook(from: Lent | Lost, nanoUsd: number, now: number): readonly Booked[] {
    if (!from.booked || nanoUsd === 0) return []
    this.#spendMore(-nanoUsd, from.period, now)
    return [{ row: unattributedRow(this.#keyId, from, from.nanoUsd - nanoUsd, now), corrects: true }]
  }

  /** A hold that was larger when it was last told than it is remembered: a crash has forgotten its extension. */
  #recallExtension(hold: Hold): void {
    const held = this.#holds.get(hold.requestId)
    if (held === undefined || hold.nanoUsd <= held.hold.nanoUsd) return
    const drawn = this.#lost.drawExtension(hold, hold.nanoUsd - held.hold.nanoUsd, new Set(this.#scopesOf(hold)))
    if (drawn === null) return
    const shares = (held.shares ?? []).map((share) => {
      const extra = drawn.shares.find(({ scope, turn }) => scope === share.scope && turn === share.turn)
      return extra === undefined ? share : { ...share, nanoUsd: share.nanoUsd + extra.nanoUsd }
    })
    for (const extra of drawn.shares) if (!shares.some(({ scope }) => scope === extra.scope)) this.#allowances.settle(extra, 0)
    this.#holds.set(hold.requestId, { ...held, shares, hold: { ...held.hold, nanoUsd: held.hold.nanoUsd + drawn.nanoUsd } })
    this.#held += drawn.nanoUsd
  }

  #release(requestId: string): void {
    const held = this.#holds.get(requestId)
    if (held === undefined) return
    this.#holds.delete(requestId)
    this.#held -= held.hold.nanoUsd
    if (held.extends !== undefined) this.#extending--
  }

  #spendMore(nanoUsd: number, period: string, now: number): void {
    const policy = this.#policy
    const present = policy === null ? period : periodAt(policy.limitReset, policy.createdAt, now).id
    this.#spend = addSpend(this.#spend, nanoUsd, period, present, now)
  }

  #forgetAt(now: number): number {
    return now + this.#settings.holdMs + REMEMBER_MS
  }
}
