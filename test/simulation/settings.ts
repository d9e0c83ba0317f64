// What histories are made of: keys, the budgets they share, and what their requests say.

import type { Ask, CandidateAsk } from '../../src/core/account.ts'
import type { ModelLimit } from '../../src/core/model-limits.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import type { Policy } from '../../src/core/policy.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'
import type { Chance } from './world.ts'

export const NOW = Date.UTC(2026, 10, 21, 12)
const HOLDS = [100, 200, 700] as const
const SMALL = [4, 10, 30] as const

export type Setting = {
  readonly keys: number
  readonly limit: number | null
  readonly reset: string | null
  readonly team: number | null
  readonly parallel: number | null
  readonly perMinute: number | null
  readonly crashes: boolean
  /** Each has `limit`, which is the default; a key may name so many an hour. */
  readonly customers?: { readonly count: number; readonly limit: number; readonly namesPerHour: number }
  /** By tag; `null`: nobody has set a budget. */
  readonly tags?: { readonly [tag: string]: number | null }
  /** By provider; `null`: it has no budget. */
  readonly providers?: { readonly [provider: string]: number | null }
  readonly models?: readonly ModelLimit[]
  /** Granted before the history begins. */
  readonly credit?: number
  /** Of every key and every shared budget that has a limit. */
  readonly soft?: number
  /** Many requests, so small that more than one is leased at a time, and more crashes: some are forgotten. */
  readonly small?: true
}

const ONE: Setting = { keys: 1, limit: null, reset: null, team: null, parallel: null, perMinute: null, crashes: true }
const MODELS: readonly ModelLimit[] = [
  { glob: 'p/*', limitNanoUsd: 1200, limitReset: null, limits: NO_LIMITS },
  { glob: '*/m', limitNanoUsd: 2000, limitReset: null, limits: { ...NO_LIMITS, requestsPerMinute: 12 } },
  { glob: 'q/n', limitNanoUsd: null, limitReset: null, limits: { ...NO_LIMITS, parallelRequests: 2 } },
]
const EVERYTHING_AT_ONCE: Setting = {
  ...ONE,
  keys: 3,
  limit: 2500,
  team: 3000,
  soft: 900,
  customers: { count: 3, limit: 1500, namesPerHour: 1000 },
  tags: { a: 1800, b: null },
  providers: { p: 2000, q: 1800 },
  models: MODELS,
  credit: 2500,
}

export const SETTINGS: { readonly [name: string]: Setting } = {
  'one key, nothing fails': { ...ONE, limit: 3000, crashes: false },
  'one key, everything fails': { ...ONE, limit: 3000 },
  'a budget that resets': { ...ONE, limit: 1500, reset: '30s' },
  'limits of requests': { ...ONE, parallel: 4, perMinute: 12 },
  'a team of keys': { ...ONE, keys: 4, team: 3000 },
  'a team whose keys have limits of their own': { ...ONE, keys: 3, limit: 1500, team: 3000 },
  'customers under a default budget': { ...ONE, keys: 3, soft: 700, customers: { count: 4, limit: 1500, namesPerHour: 1000 } },
  'more customers than a key may name': { ...ONE, keys: 2, customers: { count: 6, limit: 1200, namesPerHour: 2 } },
  'tags beside a team': { ...ONE, keys: 2, team: 3500, soft: 1000, tags: { a: 1500, b: 1200, c: null } },
  'budgets of two providers': { ...ONE, keys: 3, soft: 800, providers: { p: 2000, q: 1500 } },
  'a budget of one provider of two': { ...ONE, keys: 2, limit: 3000, providers: { p: 1500, q: null } },
  'limits for some models': { ...ONE, limit: 3000, soft: 1500, models: MODELS, providers: { p: null, q: null } },
  'prepaid credit': { ...ONE, keys: 3, credit: 1500 },
  'small requests of a team': { ...ONE, keys: 2, team: 700, small: true },
  'small requests to two providers': { ...ONE, keys: 2, small: true, providers: { p: 400, q: 700 } },
  'small requests of everybody': {
    ...ONE,
    keys: 2,
    small: true,
    team: 900,
    customers: { count: 2, limit: 600, namesPerHour: 1000 },
    credit: 700,
  },
  'small requests under limits for some models': {
    ...ONE,
    small: true,
    limit: 600,
    providers: { p: null, q: null },
    models: MODELS.map((one) => ({
      ...one,
      limitNanoUsd: one.limitNanoUsd === null ? null : one.limitNanoUsd / 4,
      limits: { ...one.limits, requestsPerMinute: one.limits.requestsPerMinute === null ? null : 50 },
    })),
  },
  'all at once': EVERYTHING_AT_ONCE,
  'all at once, nothing fails': { ...EVERYTHING_AT_ONCE, crashes: false },
}

/** The budgets that every request of a key must fit. */
export function alwaysOf({ team, credit }: Setting): readonly string[] {
  return [...(team === null ? [] : ['team:t']), ...(credit === undefined ? [] : ['credit:a'])]
}

/** Budgets that stand in D1 from the beginning, with their limits. */
export function limitsOf({ customers, tags = {}, providers = {} }: Setting): ReadonlyMap<string, number> {
  const named = Object.entries(tags).map(([tag, limit]) => [`tag:${tag}`, limit] as const)
  const places = Object.entries(providers).map(([id, limit]) => [`provider:${id}`, limit] as const)
  const set = [...named, ...places].flatMap(([scope, limit]) => (limit === null ? [] : [[scope, limit] as const]))
  return new Map([...set, ...(customers === undefined ? [] : [['customer:*', customers.limit] as const])])
}

/** What may be spent of a shared budget; `null`: nobody has set one. Of credit its own limit counts. */
export function limitOf(setting: Setting, scope: string): number | null {
  if (scope === 'team:t') return setting.team
  return limitsOf(setting).get(scope.startsWith('customer:') ? 'customer:*' : scope) ?? null
}

export function askOf(setting: Setting, below: Chance): Omit<Ask, 'requestId'> {
  const { customers, tags, providers, small } = setting
  const places = providers === undefined ? ['p/m'] : ['p/m', 'q/m', 'p/n', 'q/n'].filter(() => below(2) === 0)
  const named = Object.keys(tags ?? {}).filter(() => below(3) === 0)
  return {
    secretHash: 'h1',
    clientIp: null,
    candidates: (places.length === 0 ? ['p/m', 'q/m'] : places).map((model) =>
      candidateOf(model, (small === undefined ? HOLDS : SMALL)[below(HOLDS.length)] ?? 100),
    ),
    outputTokens: 1,
    leastOutputTokens: 1,
    choices: 1,
    idempotency: null,
    ...(customers === undefined || below(6) === 0 ? {} : { customer: `c${below(customers.count)}` }),
    ...(named.length === 0 ? {} : { tags: named }),
  }
}

function candidateOf(model: string, nanoUsd: number): CandidateAsk {
  return {
    model,
    provider: model.slice(0, model.indexOf('/')),
    region: null,
    worst: { inputPico: 1000, outputPico: 0, feesNanoUsd: 0 },
    inputTokens: nanoUsd,
    maxOutputTokens: null,
  }
}

export function policyOf(keyId: string, setting: Setting): Policy {
  const { limit, reset, parallel, perMinute, soft, models, customers, tags } = setting
  return {
    keyId,
    version: 1,
    label: keyId,
    name: keyId,
    createdAt: NOW,
    secrets: [{ hash: 'h1', until: null }],
    disabled: false,
    deleted: false,
    expiresAt: null,
    limitNanoUsd: limit,
    limitReset: reset,
    softNanoUsd: soft ?? null,
    ...EVERYTHING,
    limits: { ...NO_LIMITS, parallelRequests: parallel, requestsPerMinute: perMinute },
    scopes: alwaysOf(setting),
    ...(models === undefined ? {} : { modelLimits: models }),
    naming: { customers: customers !== undefined, tagBudgets: tags !== undefined, namesPerHour: customers?.namesPerHour ?? 1000 },
  }
}
