// What a condition may ask about: its variables, when each is known, and the values of one request. Credentials are never among them.

import type { HealthView } from './contract.ts'

/** When a variable has its value: with the request, once the key was admitted, or once a target is looked at. */
export type Stage = 'request' | 'budget' | 'target'

type Variable = { readonly type: string; readonly stage: Stage }

const request = (type: string): Variable => ({ type, stage: 'request' })
const target = (type: string): Variable => ({ type, stage: 'target' })

/** By name. `dyn`: it may be missing, or be of several types. The table of docs/strategies.md is this one. */
export const VARIABLES: ReadonlyMap<string, Variable> = new Map([
  ['model', request('string')],
  ['path', request('string')],
  ['params', request('map<string, dyn>')],
  ['headers', request('map<string, string>')],
  ['metadata', request('map<string, dyn>')],
  ['tags', request('list<string>')],
  ['user', request('dyn')],
  ['session', request('dyn')],
  ['key', request('string')],
  ['prompt_tokens', request('int')],
  ['max_tokens', request('dyn')],
  ['stream', request('bool')],
  ['hour', request('int')],
  ['minute', request('int')],
  ['weekday', request('int')],
  ['date', request('string')],
  ['budget_used', { type: 'dyn', stage: 'budget' }],
  ['target', target('map<string, dyn>')],
  ['latency_p50', target('dyn')],
  ['latency_p90', target('dyn')],
  ['throughput_p50', target('dyn')],
  ['error_rate', target('dyn')],
  ['in_flight', target('int')],
  ['healthy', target('bool')],
])

export const TARGET_MEMBERS: ReadonlySet<string> = new Set(['provider', 'model', 'region', 'credential'])

/** A header whose name says that it proves who somebody is. Lower case. */
export function isSecretHeader(name: string): boolean {
  return /auth|cookie|token|secret|passw|credential|signature|jwt|assertion|apikey|portkey-config|(^|-)key$/.test(name)
}

/** What is known, by name; `undefined`: it is missing, or null. Made by `requestFacts` and `targetFacts` only. */
export type Facts = {
  readonly now: number
  readonly value: (variable: string) => unknown
  /** A member of the request's body. */
  readonly param: (name: string) => unknown
}

export type RequestFacts = {
  readonly model: string
  readonly path: string
  /** Raw JSON text of a top-level member of the body; `null`: it has none. Asked only for members that a condition names. */
  readonly member: (name: string) => string | null
  /** Names in any case; asked only when a condition names headers. */
  readonly headers: () => Iterable<readonly [string, string]>
  readonly metadata: { readonly [name: string]: unknown } | null
  readonly tags: readonly string[]
  readonly user: string | null
  readonly session: string | null
  readonly keyId: string
  readonly promptTokens: number
  readonly maxTokens: number | null
  readonly stream: boolean
  /** 0 to 1 of the budget that is nearest to its end; `null`: there is none, or nobody knows yet. */
  readonly budgetUsed: number | null
  readonly now: number
}

/** Bodies and headers are looked at when a condition first names them, once. */
export function requestFacts(said: RequestFacts): Facts {
  const known = new Map<string, unknown>()
  const params = new Map<string, unknown>()
  return {
    now: said.now,
    value(variable) {
      if (known.has(variable)) return known.get(variable)
      const value = requestValue(variable, said)
      known.set(variable, value)
      return value
    },
    param(name) {
      if (params.has(name)) return params.get(name)
      const value = parsed(said.member(name))
      params.set(name, value)
      return value
    },
  }
}

function requestValue(variable: string, said: RequestFacts): unknown {
  switch (variable) {
    case 'model':
      return said.model
    case 'path':
      return said.path
    case 'headers':
      return openHeaders(said.headers())
    case 'metadata':
      return celValue(said.metadata ?? {})
    case 'tags':
      return said.tags
    case 'user':
      return said.user ?? undefined
    case 'session':
      return said.session ?? undefined
    case 'key':
      return said.keyId
    case 'prompt_tokens':
      return whole(said.promptTokens)
    case 'max_tokens':
      return said.maxTokens === null ? undefined : whole(said.maxTokens)
    case 'stream':
      return said.stream
    case 'budget_used':
      return said.budgetUsed ?? undefined
    case 'hour':
      return BigInt(new Date(said.now).getUTCHours())
    case 'minute':
      return BigInt(new Date(said.now).getUTCMinutes())
    case 'weekday':
      return BigInt(new Date(said.now).getUTCDay())
    case 'date':
      return new Date(said.now).toISOString().slice(0, 10)
    default:
      return undefined
  }
}

export type TargetFacts = {
  readonly provider: string
  readonly model: string
  readonly region: string | null
  /** Its name, never what is in it. */
  readonly credential: string | null
  readonly health: HealthView
}

/** The facts of the request, with those of one target over them. */
export function targetFacts(facts: Facts, said: TargetFacts): Facts {
  return {
    now: facts.now,
    value: (variable) => (isOfTarget(variable) ? targetValue(variable, said, facts.now) : facts.value(variable)),
    param: facts.param,
  }
}

function isOfTarget(variable: string): boolean {
  return VARIABLES.get(variable)?.stage === 'target'
}

function targetValue(variable: string, said: TargetFacts, now: number): unknown {
  const { health } = said
  switch (variable) {
    case 'target':
      return targetMembers(said)
    case 'latency_p50':
      return seconds(health.firstContentMs?.p50)
    case 'latency_p90':
      return seconds(health.firstContentMs?.p90)
    case 'throughput_p50':
      return health.tokensPerSecond?.p50
    case 'error_rate':
      return health.samples > 0 ? health.errorRate : undefined
    case 'in_flight':
      return whole(health.inFlight)
    case 'healthy':
      return health.state === 'closed' && (health.parkedUntil === null || health.parkedUntil <= now)
    default:
      return undefined
  }
}

function targetMembers({ provider, model, region, credential }: TargetFacts): ReadonlyMap<string, string> {
  const members = new Map([
    ['provider', provider],
    ['model', model],
  ])
  if (region !== null) members.set('region', region)
  if (credential !== null) members.set('credential', credential)
  return members
}

function whole(count: number): bigint {
  return BigInt(Math.round(count))
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}

function openHeaders(all: Iterable<readonly [string, string]>): ReadonlyMap<string, string> {
  const open = new Map<string, string>()
  for (const [name, value] of all) {
    const lower = name.toLowerCase()
    if (!isSecretHeader(lower)) open.set(lower, value)
  }
  return open
}

function parsed(text: string | null): unknown {
  if (text === null) return undefined
  try {
    return celValue(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** JSON as CEL has it: whole numbers as int, others as double, objects as maps without their nulls (client names never become properties). */
function celValue(value: unknown): unknown {
  if (value === null) return undefined
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map((item: unknown) => celValue(item) ?? null)
  if (typeof value !== 'object') return value
  const members = new Map<string, unknown>()
  for (const [name, member] of Object.entries(value)) {
    if (member !== null && member !== undefined) members.set(name, celValue(member))
  }
  return members
}
