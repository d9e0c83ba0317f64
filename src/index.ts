// The Worker's entry: requests, the cron trigger and the Durable Object classes. Nothing else.

import { app } from './app.ts'
import type { Env } from './platform/env.ts'
import { keepHouse } from './platform/retention.ts'

export { BudgetObject } from './platform/budget-object.ts'
export { DrainObject } from './platform/drain-object.ts'
export { HealthObject } from './platform/health-object.ts'
export { KeyObject } from './platform/key-object.ts'
export { LearningObject } from './platform/learning-object.ts'
export { RoutesObject } from './platform/routes-object.ts'

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  scheduled: (_event, env) => keepHouse(env, Date.now()),
} satisfies ExportedHandler<Env>
