// Mounts the client dialects' paths, the keys API, models and health, and answers what nobody else does.

import { Hono } from 'hono'
import { adminApi } from './admin/api.ts'
import { keyApi } from './admin/key-api.ts'
import { modelsApi } from './admin/models-api.ts'
import { openrouterModels } from './admin/openrouter-models.ts'
import { GatewayError } from './core/errors.ts'
import { makeDeps } from './deps.ts'
import { CLIENT_DIALECTS } from './dialects/index.ts'
import { handle } from './gateway/handle.ts'
import { newRequestId } from './gateway/job.ts'
import { refuse } from './gateway/respond.ts'
import type { Env } from './platform/env.ts'

export const app = new Hono<{ Bindings: Env }>()

const [plain] = CLIENT_DIALECTS

for (const dialect of CLIENT_DIALECTS) {
  for (const path of dialect.paths) {
    app.post(path, (c) => handle(c.req.raw, dialect, makeDeps(c.env, c.executionCtx)))
    app.all(path, (c) =>
      refuse(
        new GatewayError('method-not-allowed', `${c.req.method} is not allowed here; send a POST.`),
        dialect,
        newRequestId(),
        makeDeps(c.env, c.executionCtx).log,
      ),
    )
  }
}

app.get('/health', (c) => c.json({ status: 'ok' }, 200, { 'cache-control': 'no-store' }))
app.get('/', (c) =>
  c.text(
    'Sluice: an LLM gateway. Base URL of the OpenAI SDK: this address with /v1; of the Anthropic SDK: this address; of OpenRouter’s clients: this address with /api/v1.\n',
  ),
)
app.route('/', modelsApi)
app.route('/', openrouterModels)
app.route('/', keyApi)
app.route('/api/v1', adminApi)

app.notFound((c) =>
  answer(
    c.env,
    c.executionCtx,
    new GatewayError('path-unknown', `There is no ${c.req.method} ${new URL(c.req.url).pathname.slice(0, 200)} here.`),
  ),
)
app.onError((error, c) => answer(c.env, c.executionCtx, error))

function answer(env: Env, context: { waitUntil(work: Promise<unknown>): void }, error: unknown): Response {
  if (plain === undefined) throw new Error('No client dialect is registered.')
  return refuse(error, plain, newRequestId(), makeDeps(env, context).log)
}
