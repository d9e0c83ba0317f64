// The books of one key: policy, money spent and held, settled requests. Pure and synchronous: no await stands between the check and
// the reserve, so two requests can never both be given the last dollar. The object around it keeps what `snapshot` hands out.

import type { Admission, Ask, CandidateAsk, Hold, KeyView, Refusal, Row, Settlement } from './account.ts'
import { Allowances, type AllowancesJournal, type Share } from './allowances.ts'
import type { Taken } from './ahead.ts'
import { expiredRow, unattributedRow, unsentRow } from './expired-row.ts'
import { dearestOf, planHold } from './hold-plan.ts'
import { LostHolds, type Drawn, type Lost } from './lost.ts'
import { forbiddenBy, forbiddenText } from './permits.ts'
import { refuseSecret, type Policy } from './policy.ts'
import { inputTokens, outputTokens } from './price.ts'
import { hasLimits, Rates, type RatesSnapshot } from './rates.ts'
import { refuse, refusePlans, refuseWait } from './refusing.ts'
import { Repeats } from './repeats.ts'
import type { LeaseAnswer, LeaseAsk, Told } from './shared-budget.ts'
import { countedAt, lifeOf, sizeOf, Slices, type Lent, type Slice, type SliceEnd, type SliceWish } from './slices.ts'
import { addSpend, NOTHING_SPENT, spentNow, type Spend } from './spend.ts'
import { periodAt } from './window.ts'

/** `tokens` are reserved until the settle says how many it were. */
type Held = {
  readonly hold: Hold
  readonly idempotencyKey: string | null
  readonly tokens?: number
  readonly shares?: readonly Share[]
}

/** What must survive a restart. */
export type Journal = {
  readonly spend: Spend
  readonly holds: readonly (readonly [string, Held])[]
  readonly rates?: RatesSnapshot
  readonly allowances?: AllowancesJournal
  readonly lost?: readonly Lost[]
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
type Settled = { readonly nanoUsd: number; readonly expired: boolean; readonly until: number; readonly shares?: readonly Share[] }

const REMEMBER_MS = 600_000
/** Absurd ceilings must not spoil sums. */
const MOST_TOKENS = 1_000_000_000

export class Book {
  readonly #settings: Settings
  #policy: Policy | null = null
  #spend: Spend = NOTHING_SPENT
  #held = 0
  readonly #holds = new Map<string, Held>()
  readonly #rates = new Rates()
  readonly #allowances = new Allowances()
  readonly #lost = new LostHolds()
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

  /** Takes a policy unless a newer one is known. */
  hydrate(policy: Policy): void {
    if (this.#policy === null || policy.version >= this.#policy.version) this.#policy = policy
  }

  snapshot(now: number): Journal {
    return {
      spend: this.#spend,
      holds: [...this.#holds],
      rates: this.#rates.snapshot(now),
      allowances: this.#allowances.snapshot(),
      lost: this.#lost.snapshot(),
      slices: this.#slices.snapshot(),
    }
  }

  restore({ spend, holds, rates, allowances, lost, slices }: Journal): void {
    this.#spend = spend
    this.#slices.restore(slices ?? [])
    if (lost !== undefined) this.#lost.restore(lost)
    if (allowances !== undefined) this.#allowances.restore(allowances)
    if (rates !== undefined) this.#rates.restore(rates)
    for (const [id, held] of holds) {
      if (this.#holds.has(id)) continue
      this.#holds.set(id, held)
      this.#held += held.hold.nanoUsd
    }
  }

  /** After a crash, when all is restored: what may have been admitted after the last writing, and be forgotten, is held. */
  holdLost(slack: Taken, id: string, now: number): void {
    if (slack.length === 0) return
    const of = new Map(slack)
    const [nanoUsd, requests, tokens] = [of.get('money') ?? 0, of.get('requests') ?? 0, of.get('tokens') ?? 0]
    const period = this.#policy === null ? '' : periodAt(this.#policy.limitReset, this.#policy.createdAt, now).id
    const shares = slack.filter(([name]) => name.includes(':')).map(([scope, most]) => this.#allowances.holdLost(scope, most, now))
    if (this.#policy !== null) this.#rates.count(this.#policy.limits, requests, tokens, now)
    this.#lost.add({ id, at: now, period, expiresAt: now + this.#settings.holdMs, nanoUsd, requests, shares, booked: false })
  }

  /** What an admission took, for the write-ahead ceiling. */
  taken(requestId: string): Taken {
    const held = this.#holds.get(requestId)
    if (held === undefined) return []
    const { nanoUsd } = held.hold
    const money = [['money', nanoUsd], ...(held.shares ?? []).map(({ scope }) => [scope, nanoUsd] as const)] as const
    return this.#policy === null || !hasLimits(this.#policy.limits) ? money : [...money, ['requests', 1], ['tokens', held.tokens ?? 0]]
  }

  /** The most that may still be admitted of something: the write-ahead ceiling never reaches beyond a limit. */
  room(of: string, now: number): number {
    return of === 'money' ? this.#left(now) : Number.MAX_SAFE_INTEGER
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

    const permitted = ask.candidates
      .map((candidate, index) => ({ candidate, index }))
      .filter(({ candidate }) => forbiddenBy(policy, candidate) === null)
    if (permitted.length === 0) return refuse('model-forbidden', forbiddenText(policy, ask.candidates))

    const tokens = tokensOf(
      permitted.map(({ candidate }) => candidate),
      ask,
      this.#settings.defaultCeiling,
    )
    const wait = this.#rates.wait(policy.limits, tokens, this.#running, now)
    if (wait !== null) return refuseWait(wait, this.#rates.view(policy.limits, now))

    const period = periodAt(policy.limitReset, policy.createdAt, now)
    const limit = policy.limitNanoUsd
    const left = this.#left(now)
    const plans = permitted.map(({ candidate, index }) => ({
      index,
      ...planHold(candidate, ask, limit !== null || policy.scopes.length > 0, left, this.#settings.defaultCeiling),
    }))
    const fitting = plans.filter((p) => p.kind === 'fits')
    if (fitting.length === 0) {
      const spentNanoUsd = this.#spend.period === period.id ? this.#spend.periodNanoUsd : 0
      const money = { spentNanoUsd, heldNanoUsd: this.#heldAll, limitNanoUsd: limit ?? 0, scope: 'key' }
      return refusePlans(plans, ask.candidates[0]?.model ?? 'this model', money)
    }

    const { nanoUsd, ceiling, clamped } = dearestOf(fitting)
    const hold: Hold = {
      requestId: ask.requestId,
      period: period.id,
      nanoUsd,
      takenAt: now,
      expiresAt: now + this.#settings.holdMs,
      budgeted: limit !== null || policy.scopes.length > 0,
    }
    const shares = policy.scopes.map((scope) => this.#allowances.reserve(scope, nanoUsd, now))
    this.#settled.delete(ask.requestId) // it is asked again: a shared budget refused, or the policy changed
    this.#holds.set(ask.requestId, { hold, idempotencyKey: ask.idempotency?.key ?? null, tokens, shares })
    this.#held += nanoUsd
    this.#rates.count(policy.limits, 1, tokens, now)
    this.#repeats.begin(ask, now)
    const rates = this.#rates.view(policy.limits, now)
    return {
      kind: 'granted',
      hold,
      allowed: fitting.map((p) => p.index),
      maxOutputTokens: ceiling,
      clamped,
      repeated: repeat !== null,
      ...(rates === undefined ? {} : { rates }),
    }
  }

  /**
   * Sets a slice aside for the isolate of a request that was just admitted. `undefined`: this key is not leased; `null`: nothing is to be
   * had now. A key that shares budgets is admitted exactly: those are leased already.
   */
  lend(wish: SliceWish | null, requestId: string, now: number): Slice | null | undefined {
    const policy = this.#policy
    if (policy === null || !policy.leased || policy.scopes.length > 0) return undefined
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

  recall(scope: string, period: string, granted: number): Told {
    return this.#allowances.recall(scope, period, granted)
  }

  /** What to tell the shared budgets; what an idle key does not need goes back. */
  reports(): ReturnType<Allowances['reports']> {
    return this.#allowances.reports()
  }

  /** A live stream's hold begins its life anew; one that a crash has forgotten is remembered again. */
  renew(hold: Hold, now: number): boolean {
    const { requestId } = hold
    const expiresAt = now + this.#settings.holdMs
    const held = this.#holds.get(requestId)
    if (held !== undefined) {
      this.#holds.set(requestId, { ...held, hold: { ...held.hold, expiresAt } })
      return true
    }
    if (this.#settled.has(requestId)) return false
    if (hold.slice !== undefined && this.#slices.find(hold.slice.id)?.booked === false) {
      this.#name({ ...hold, expiresAt }, now)
      return true
    }
    const drawn = this.#lost.draw(hold)
    if (drawn === null || drawn.from.booked) return false
    this.#holds.set(requestId, { hold: { ...hold, expiresAt }, idempotencyKey: null, shares: drawn.shares })
    this.#held += hold.nanoUsd
    return true
  }

  /** Replaces a hold by the real cost, once. Gives back the rows to write: none where this request is settled already, or nothing was sent. */
  settle({ hold, row, answer }: Settlement, now: number): readonly Booked[] {
    const { requestId } = hold
    // What was never sent stays in the slice, and is given back with it.
    const unbooked = row === null || this.#knows(requestId) ? [] : this.#name(hold, now)
    const held = this.#holds.get(requestId)
    this.#repeats.end(held?.idempotencyKey ?? null, requestId, answer)
    const before = this.#settled.get(requestId)
    if (before !== undefined && !before.expired) return []
    const cost = row?.costNanoUsd ?? 0
    this.#trueUp(requestId, row)
    this.#release(requestId)
    // That nothing was sent is not looked up in the ledger: it may be told twice, and must not take from what is lost.
    const drawn = held === undefined && before === undefined && row !== null ? this.#lost.draw(hold) : null
    this.#settleShares(held, before, drawn, cost, now)
    this.#settled.set(requestId, { nanoUsd: cost, expired: false, until: this.#forgetAt(now) })
    this.#spendMore(cost - (before?.nanoUsd ?? 0), hold.period, now)
    const settled = row ?? (before === undefined ? null : unsentRow(this.#keyId, hold, now))
    const own = settled === null ? [] : [{ row: settled, corrects: before !== undefined }]
    return [...own, ...unbooked, ...this.#giveBack(drawn, now)]
  }

  /** Books every hold whose time is over in full: money never becomes free by time alone. */
  expire(now: number): readonly Booked[] {
    const rows: Booked[] = []
    for (const [id, { hold, shares }] of this.#holds) {
      if (hold.expiresAt > now) continue
      this.#release(id)
      for (const share of shares ?? []) this.#allowances.settle(share, hold.nanoUsd)
      this.#spendMore(hold.nanoUsd, hold.period, now)
      this.#settled.set(id, {
        nanoUsd: hold.nanoUsd,
        expired: true,
        ...(shares === undefined ? {} : { shares }),
        until: this.#forgetAt(now),
      })
      rows.push({ row: expiredRow(this.#keyId, hold, now), corrects: false })
    }
    for (const lost of [...this.#slices.expire(now), ...this.#lost.expire(now, (share) => this.#allowances.bookLost(share))]) {
      if (lost.nanoUsd === 0) continue
      this.#spendMore(lost.nanoUsd, lost.period, now)
      rows.push({ row: unattributedRow(this.#keyId, lost, lost.nanoUsd, now), corrects: false })
    }
    return rows
  }

  /** Lets go of what no retry can ask for any more. */
  forget(now: number): void {
    for (const [id, { until }] of this.#settled) if (until <= now) this.#settled.delete(id)
    this.#repeats.forget(now)
    this.#lost.forget(now - REMEMBER_MS)
    this.#slices.forget(now, now - REMEMBER_MS)
  }

  /** Remembers that a request is booked although this object has forgotten it: its row was found in the ledger. */
  rememberSettled(requestId: string, nanoUsd: number, expired: boolean, now: number): void {
    this.#settled.set(requestId, { nanoUsd, expired, until: this.#forgetAt(now) })
  }

  /** Whether the ledger need not be asked about a request. */
  knows({ requestId, slice }: Hold): boolean {
    return this.#knows(requestId) || (slice !== undefined && this.#slices.isFresh(slice.id))
  }

  view(now: number): KeyView | null {
    const policy = this.#policy
    if (policy === null) return null
    const period = periodAt(policy.limitReset, policy.createdAt, now)
    const spent = spentNow(this.#spend, period.id, now)
    return {
      keyId: policy.keyId,
      label: policy.label,
      name: policy.name,
      hash: policy.secrets[0]?.hash ?? '',
      disabled: policy.disabled,
      expiresAt: policy.expiresAt,
      limitNanoUsd: policy.limitNanoUsd,
      limitReset: policy.limitReset,
      resetsAt: period.resetsAt,
      models: policy.models,
      providers: policy.providers,
      regions: policy.regions,
      ips: policy.ips,
      limits: policy.limits,
      scopes: policy.scopes,
      leased: policy.leased,
      running: this.#running,
      spentNanoUsd: spent.periodNanoUsd,
      spentEverNanoUsd: this.#spend.everNanoUsd,
      spentDayNanoUsd: spent.dayNanoUsd,
      spentWeekNanoUsd: spent.weekNanoUsd,
      spentMonthNanoUsd: spent.monthNanoUsd,
      heldNanoUsd: this.#heldAll,
      holdSeconds: Math.round(this.#settings.holdMs / 1000),
    }
  }

  get #keyId(): string {
    return this.#policy?.keyId ?? ''
  }

  get #running(): number {
    return this.#holds.size + this.#lost.requests + this.#slices.running
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

  /** What was booked when a slice expired turns out to be less. */
  #unbook(from: Lent, nanoUsd: number, now: number): readonly Booked[] {
    if (!from.booked || nanoUsd === 0) return []
    this.#spendMore(-nanoUsd, from.period, now)
    return [{ row: unattributedRow(this.#keyId, from, from.nanoUsd - nanoUsd, now), corrects: true }]
  }

  /** A request that was lost and found after what it may have cost was booked: that row gets smaller. */
  #giveBack(drawn: Drawn | null, now: number): readonly Booked[] {
    if (drawn === null || !drawn.from.booked || drawn.nanoUsd === 0) return []
    const { from, nanoUsd } = drawn
    this.#spendMore(-nanoUsd, from.period, now)
    return [{ row: unattributedRow(this.#keyId, from, from.nanoUsd - nanoUsd, now), corrects: true }]
  }

  /** What nobody remembers holding is spent all the same: a restart must not make it free. */
  #settleShares(held: Held | undefined, before: Settled | undefined, drawn: Drawn | null, nanoUsd: number, now: number): void {
    if (held === undefined && before === undefined) {
      for (const share of drawn?.shares ?? []) {
        if (drawn?.from.booked === true) this.#allowances.correct(share, -share.nanoUsd)
        else this.#allowances.settle(share, 0)
      }
      for (const scope of this.#policy?.scopes ?? []) this.#allowances.charge(scope, nanoUsd, now)
      return
    }
    for (const share of held?.shares ?? []) this.#allowances.settle(share, nanoUsd)
    if (before !== undefined) for (const share of before.shares ?? []) this.#allowances.correct(share, nanoUsd - before.nanoUsd)
  }

  /** What was reserved becomes what was used; what was never sent is not counted at all. A hold that nobody settles stays as it was reserved. */
  #trueUp(requestId: string, row: Row | null): void {
    const held = this.#holds.get(requestId)
    const limits = this.#policy?.limits
    if (held?.tokens === undefined || limits === undefined) return
    const { takenAt, slice } = held.hold
    const at = slice === undefined ? takenAt : countedAt(takenAt)
    if (row === null) this.#rates.count(limits, -1, -held.tokens, at)
    else if (row.usage !== null) this.#rates.count(limits, 0, inputTokens(row.usage) + outputTokens(row.usage) - held.tokens, at)
    else if (row.usageFrom === 'none') this.#rates.count(limits, 0, -held.tokens, at)
  }

  #release(requestId: string): void {
    const held = this.#holds.get(requestId)
    if (held === undefined) return
    this.#holds.delete(requestId)
    this.#held -= held.hold.nanoUsd
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

/** Tokens to reserve: the most that a permitted target could take and give. What nothing bounds is trued up when it is known. */
export function tokensOf(candidates: readonly CandidateAsk[], ask: Ask, defaultCeiling: number): number {
  const output = (candidate: CandidateAsk): number =>
    Math.min(ask.outputTokens ?? defaultCeiling, candidate.maxOutputTokens ?? Number.MAX_SAFE_INTEGER) * ask.choices
  return Math.min(Math.max(...candidates.map((one) => (one.inputTokens ?? 0) + output(one))), MOST_TOKENS)
}
