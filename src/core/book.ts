// The books of one key: policy, money spent and held, settled requests. Pure and synchronous: no await stands between the check and
// the reserve, so two requests can never both be given the last dollar. The object around it keeps what `snapshot` hands out.

import type { Admission, Ask, CandidateAsk, Hold, KeyView, Refusal, Row, Settlement } from './account.ts'
import { Allowances, type AllowancesJournal, type BookedShare, type Share } from './allowances.ts'
import { expiredRow } from './expired-row.ts'
import { planHold } from './hold-plan.ts'
import { forbiddenBy, forbiddenText } from './permits.ts'
import { refuseSecret, type Policy } from './policy.ts'
import { inputTokens, outputTokens } from './price.ts'
import { costIn, providerCharged, providerHolds } from './provider-shares.ts'
import { Rates, type RatesSnapshot } from './rates.ts'
import { refuse, refusePlans, refuseWait } from './refusing.ts'
import { Repeats } from './repeats.ts'
import { Names, NO_NAMING } from './request-scopes.ts'
import type { LeaseAnswer, LeaseAsk, Told } from './shared-budget.ts'
import { overSoft, type Over, type Warning } from './soft-limit.ts'
import { addSpend, NOTHING_SPENT, spentNow, type Spend } from './spend.ts'
import { periodAt } from './window.ts'

/** `tokens` are reserved since `at`, until the settle says how many it were. */
type Held = {
  readonly hold: Hold
  readonly idempotencyKey: string | null
  readonly at?: number
  readonly tokens?: number
  readonly shares?: readonly Share[]
}

/** What must survive a restart. */
export type Journal = {
  readonly spend: Spend
  readonly holds: readonly (readonly [string, Held])[]
  readonly rates?: RatesSnapshot
  readonly allowances?: AllowancesJournal
}

export type Settings = {
  readonly holdMs: number
  /** Output tokens a choice when neither the client nor the catalogue sets a ceiling, and the most that is assumed unasked. */
  readonly defaultCeiling: number
}

/** What was booked, and when to forget it. */
type Settled = { readonly nanoUsd: number; readonly expired: boolean; readonly until: number; readonly shares?: readonly BookedShare[] }

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
  /** Customers and tags that requests have named. */
  readonly names = new Names()
  /** Providers that have a budget. */
  budgetedProviders: ReadonlySet<string> = new Set()
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
    return { spend: this.#spend, holds: [...this.#holds], rates: this.#rates.snapshot(now), allowances: this.#allowances.snapshot() }
  }

  restore({ spend, holds, rates, allowances }: Journal): void {
    this.#spend = spend
    if (allowances !== undefined) this.#allowances.restore(allowances)
    if (rates !== undefined) this.#rates.restore(rates)
    for (const [id, held] of holds) {
      if (this.#holds.has(id)) continue
      this.#holds.set(id, held)
      this.#held += held.hold.nanoUsd
    }
  }

  /** When the earliest hold expires; `null`: none is held. */
  earliestExpiry(): number | null {
    let earliest: number | null = null
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
    const wait = this.#rates.wait(policy.limits, tokens, this.#holds.size, now)
    if (wait !== null) return refuseWait(wait, this.#rates.view(policy.limits, now))

    const period = periodAt(policy.limitReset, policy.createdAt, now)
    const spent = this.#spend.period === period.id ? this.#spend.periodNanoUsd : 0
    const limit = policy.limitNanoUsd
    const left = limit === null ? Number.MAX_SAFE_INTEGER : limit - spent - this.#held
    const scopes = this.names.scopesOf(policy.scopes, policy.naming ?? NO_NAMING, ask, now)
    const budgeted = limit !== null || scopes.length > 0
    const plans = permitted.map(({ candidate, index }) => ({
      index,
      ...planHold(candidate, ask, budgeted || this.budgetedProviders.has(candidate.provider), left, this.#settings.defaultCeiling),
    }))
    const fitting = plans.filter((p) => p.kind === 'fits')
    if (fitting.length === 0) {
      const money = { spentNanoUsd: spent, heldNanoUsd: this.#held, limitNanoUsd: limit ?? 0, scope: 'key' }
      return refusePlans(plans, ask.candidates[0]?.model ?? 'this model', money)
    }

    // One ceiling is enforced for all targets: the lowest that a permitted target needs. The hold is the dearest of them.
    const atProviders = providerHolds(this.budgetedProviders, ask.candidates, fitting)
    let nanoUsd = 0
    let ceiling: number | null = null
    let clamped = false
    for (const p of fitting) {
      nanoUsd = Math.max(nanoUsd, p.nanoUsd)
      if (p.ceiling !== null) ceiling = ceiling === null ? p.ceiling : Math.min(ceiling, p.ceiling)
      clamped ||= p.clamped
    }
    const hold: Hold = {
      requestId: ask.requestId,
      period: period.id,
      nanoUsd,
      expiresAt: now + this.#settings.holdMs,
      budgeted: budgeted || atProviders.length > 0,
      ...(scopes === policy.scopes ? {} : { scopes }),
    }
    const shares = [...scopes.map((scope) => ({ scope, nanoUsd })), ...atProviders].map((one) =>
      this.#allowances.reserve(one.scope, one.nanoUsd, now),
    )
    this.#holds.set(ask.requestId, { hold, idempotencyKey: ask.idempotency?.key ?? null, at: now, tokens, shares })
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
    const key = this.#holds.get(requestId)?.idempotencyKey ?? null
    this.settle({ requestId, row: null, answer: null }, now)
    this.#repeats.drop(key, requestId)
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

  /** A live stream's hold begins its life anew. */
  renew(requestId: string, now: number): boolean {
    const held = this.#holds.get(requestId)
    if (held === undefined) return false
    this.#holds.set(requestId, { ...held, hold: { ...held.hold, expiresAt: now + this.#settings.holdMs } })
    return true
  }

  /**
   * Replaces a hold by the real cost, once. Gives back the row to write, and whether it corrects one that was booked when the hold
   * expired; `null`: this request is settled already, or nothing was sent.
   */
  settle(settlement: Settlement, now: number): { readonly row: Row; readonly corrects: boolean } | null {
    const { requestId, row } = settlement
    const held = this.#holds.get(requestId)
    this.#repeats.end(held?.idempotencyKey ?? null, requestId, settlement.answer)
    const before = this.#settled.get(requestId)
    if (before !== undefined && !before.expired) return null
    this.#trueUp(requestId, row)
    this.#release(requestId)
    this.#settleShares(held, before, settlement, now)
    if (row === null) {
      if (before === undefined) return null
      this.#spendMore(-before.nanoUsd, this.#spend.period, now)
      this.#settled.set(requestId, { nanoUsd: 0, expired: false, until: this.#forgetAt(now) })
      return null
    }
    const nanoUsd = row.costNanoUsd ?? 0
    this.#spendMore(nanoUsd - (before?.nanoUsd ?? 0), row.period, now)
    this.#settled.set(requestId, { nanoUsd, expired: false, until: this.#forgetAt(now) })
    return { row, corrects: before !== undefined }
  }

  /** Books every hold whose time is over in full: money never becomes free by time alone. */
  expire(now: number): readonly Row[] {
    const rows: Row[] = []
    for (const [id, { hold, shares }] of this.#holds) {
      if (hold.expiresAt > now) continue
      this.#release(id)
      const booked = shares?.map((share) => this.#allowances.book(share)) // which provider was used is not known: all that may have been
      this.#spendMore(hold.nanoUsd, hold.period, now)
      this.#settled.set(id, {
        nanoUsd: hold.nanoUsd,
        expired: true,
        ...(booked === undefined ? {} : { shares: booked }),
        until: this.#forgetAt(now),
      })
      rows.push(expiredRow(this.#policy?.keyId ?? '', hold, now, this.#settings.holdMs))
    }
    return rows
  }

  /** Lets go of what no retry can ask for any more. */
  forget(now: number): void {
    for (const [id, { until }] of this.#settled) if (until <= now) this.#settled.delete(id)
    this.#repeats.forget(now)
  }

  /** Remembers that a request is booked although this object has forgotten it: its row was found in the ledger. */
  rememberSettled(requestId: string, nanoUsd: number, expired: boolean, now: number): void {
    this.#settled.set(requestId, { nanoUsd, expired, until: this.#forgetAt(now) })
  }

  knows(requestId: string): boolean {
    return this.#holds.has(requestId) || this.#settled.has(requestId)
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
      softNanoUsd: policy.softNanoUsd ?? null,
      resetsAt: period.resetsAt,
      models: policy.models,
      providers: policy.providers,
      regions: policy.regions,
      ips: policy.ips,
      limits: policy.limits,
      scopes: policy.scopes,
      naming: policy.naming ?? NO_NAMING,
      running: this.#holds.size,
      spentNanoUsd: spent.periodNanoUsd,
      spentEverNanoUsd: this.#spend.everNanoUsd,
      spentDayNanoUsd: spent.dayNanoUsd,
      spentWeekNanoUsd: spent.weekNanoUsd,
      spentMonthNanoUsd: spent.monthNanoUsd,
      heldNanoUsd: this.#held,
      holdSeconds: Math.round(this.#settings.holdMs / 1000),
    }
  }

  /** What nobody remembers holding is spent all the same: a restart must not make it free. */
  #settleShares(held: Held | undefined, before: Settled | undefined, { row, scopes }: Settlement, now: number): void {
    if (held === undefined && before === undefined) {
      const charged = [...(scopes ?? this.#policy?.scopes ?? []), ...providerCharged(this.budgetedProviders, row)]
      for (const scope of charged) this.#allowances.charge(scope, costIn(scope, row), now)
      return
    }
    for (const share of held?.shares ?? []) this.#allowances.settle(share, costIn(share.scope, row))
    if (before !== undefined)
      for (const share of before.shares ?? []) this.#allowances.correct(share, costIn(share.scope, row) - share.nanoUsd, now)
  }

  /** What was reserved becomes what was used; what was never sent is not counted at all. A hold that nobody settles stays as it was reserved. */
  #trueUp(requestId: string, row: Row | null): void {
    const held = this.#holds.get(requestId)
    const limits = this.#policy?.limits
    if (held?.at === undefined || held.tokens === undefined || limits === undefined) return
    if (row === null) this.#rates.count(limits, -1, -held.tokens, held.at)
    else if (row.usage !== null) this.#rates.count(limits, 0, inputTokens(row.usage) + outputTokens(row.usage) - held.tokens, held.at)
    else if (row.usageFrom === 'none') this.#rates.count(limits, 0, -held.tokens, held.at)
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
function tokensOf(candidates: readonly CandidateAsk[], ask: Ask, defaultCeiling: number): number {
  const output = (candidate: CandidateAsk): number =>
    Math.min(ask.outputTokens ?? defaultCeiling, candidate.maxOutputTokens ?? Number.MAX_SAFE_INTEGER) * ask.choices
  return Math.min(Math.max(...candidates.map((one) => (one.inputTokens ?? 0) + output(one))), MOST_TOKENS)
}
