// The Worker's bindings and settings, as wrangler.toml and the secrets name them.

import type { BudgetObject } from './budget-object.ts'
import type { DrainObject } from './drain-object.ts'
import type { HealthObject } from './health-object.ts'
import type { KeyObject } from './key-object.ts'
import type { LearningObject } from './learning-object.ts'
import type { RoutesObject } from './routes-object.ts'

export type Env = {
  readonly DB: D1Database
  readonly ROUTES: KVNamespace
  readonly KEYS: DurableObjectNamespace<KeyObject>
  readonly BUDGETS: DurableObjectNamespace<BudgetObject>
  readonly DRAINS: DurableObjectNamespace<DrainObject>
  readonly ROUTE_TABLE: DurableObjectNamespace<RoutesObject>
  readonly HEALTH: DurableObjectNamespace<HealthObject>
  readonly LEARNING: DurableObjectNamespace<LearningObject>
  /** Settings and secrets, by name: `OPENAI_API_KEY`, `SLUICE_ADMIN_KEY` … */
  readonly [name: string]: unknown
}

/** A text setting; an empty one counts as absent. */
export function setting(env: Env, name: string): string | null {
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}

/** A whole number from 1 up, or the default: a setting that is none is reported by `npm run doctor`. */
export function numberSetting(env: Env, name: string, otherwise: number): number {
  const value = Number(setting(env, name) ?? otherwise)
  return Number.isSafeInteger(value) && value > 0 ? value : otherwise
}
