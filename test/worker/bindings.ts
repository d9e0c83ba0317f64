// The bindings as the tests see them, and the Worker as its clients see it.

import { env, type applyD1Migrations } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import type { Ask, Hold, Row } from '../../src/core/account.ts'
import type { BudgetObject } from '../../src/platform/budget-object.ts'
import type { DrainObject } from '../../src/platform/drain-object.ts'
import type { HealthObject } from '../../src/platform/health-object.ts'
import type { KeyObject } from '../../src/platform/key-object.ts'
import type { LearningObject } from '../../src/platform/learning-object.ts'
import type { RoutesObject } from '../../src/platform/routes-object.ts'

export const bindings = env as unknown as {
  readonly DB: D1Database
  readonly ROUTES: KVNamespace
  readonly KEYS: DurableObjectNamespace<KeyObject>
  readonly BUDGETS: DurableObjectNamespace<BudgetObject>
  readonly DRAINS: DurableObjectNamespace<DrainObject>
  readonly ROUTE_TABLE: DurableObjectNamespace<RoutesObject>
  readonly HEALTH: DurableObjectNamespace<HealthObject>
  readonly LEARNING: DurableObjectNamespace<LearningObject>
  readonly MIGRATIONS: Parameters<typeof applyD1Migrations>[1]
}

const worker = (exports as unknown as { readonly default: Fetcher }).default

export const ADMIN = 'sk-admin-test'

/** Calls the Worker; a body that is no text is sent as JSON. */
export async function call(
  method: string,
  path: string,
  key: string | null,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return worker.fetch(`http://sluice.test${path}`, {
    method,
    headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

export type Made = { readonly key: string; readonly hash: string; readonly id: string }

/** Makes a key through the keys API. */
export async function makeKey(settings: Record<string, unknown> = {}): Promise<Made> {
  const response = await call('POST', '/api/v1/keys', ADMIN, { name: 'test', ...settings })
  const body = await response.json<{
    readonly key: string
    readonly data: { readonly hash: string; readonly sluice: { readonly id: string } }
  }>()
  return { key: body.key, hash: body.data.hash, id: body.data.sluice.id }
}

/** A request to the built-in echo model. */
export const echo = (text: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  model: 'demo/echo',
  messages: [{ role: 'user', content: text }],
  ...more,
})

/** Polls until `test` holds; the last value otherwise. */
export async function until<T>(read: () => Promise<T>, test: (value: T) => boolean, tries = 60): Promise<T> {
  for (let i = 0; ; i++) {
    const value = await read()
    if (test(value) || i >= tries) return value
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What a key's object is asked: 100 tokens in and 100 out at a nano-dollar each, so 200 nano-dollars a hold. */
export const ask = (id: string, hash: string): Ask => ({
  requestId: id,
  secretHash: hash,
  clientIp: null,
  candidates: [
    {
      model: 'p/m',
      provider: 'p',
      region: null,
      worst: { inputPico: 1000, outputPico: 1000, feesNanoUsd: 0 },
      inputTokens: 100,
      maxOutputTokens: null,
    },
  ],
  outputTokens: 100,
  leastOutputTokens: 1,
  choices: 1,
  idempotency: null,
})

/** The hold of a row, as its Worker would still have it. */
export const heldFor = ({ id, period, createdAt }: Row): Hold => ({
  requestId: id,
  period,
  nanoUsd: 200,
  takenAt: createdAt,
  expiresAt: createdAt + 300_000,
  budgeted: true,
})
