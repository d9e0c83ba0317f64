// Mounts the client dialects' paths, the keys API, models and health, and answers what nobody else does.

import { Hono } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'
import { adminApi } from './admin/api.ts'
import { explainApi } from './admin/explain-api.ts'
import { feedbackApi } from './admin/feedback-api.ts'
import { keyApi } from './admin/key-api.ts'
import { modelsApi } from './admin/models-api.ts'
import { openrouterModels } from './admin/openrouter-models.ts'
import { routerApi } from './admin/router-api.ts'
import { routesSchema } from './admin/routes-api.ts'
import { statusApi } from './admin/status-api.ts'
import { GatewayError } from './core/errors.ts'
import { makeDeps } from './deps.ts'
import type { ClientFace } from './dialects/contract.ts'
import { CLIENT_DIALECTS } from './dialects/index.ts'
import { chat } from './gateway/chat.ts'
import { explaining, type Explain } from './gateway/telling/explain.ts'
import { handle } from './gateway/handle.ts'
import { newRequestId, type Job } from './gateway/job.ts'
import type { Answered, Manner } from './gateway/manner.ts'
import { operation } from './gateway/operation.ts'
import { refuse } from './gateway/respond.ts'
import { OPERATION_CLIENTS } from './operations/index.ts'
import type { Env } from './platform/env.ts'
import type { Deps } from './ports.ts'

export const app = new Hono<{ Bindings: Env }>()

const [plain] = CLIENT_DIALECTS

const served: readonly Served[] = [
  ...OPERATION_CLIENTS.map((client) => serving(operation(client))),
  ...CLIENT_DIALECTS.map((client) => serving(chat(client))),
]

/** The languages at a path, those before the others that say which calls are theirs. */
const byPath = new Map<string, Served[]>()
for (const one of served) for (const path of one.client.paths) byPath.set(path, [...(byPath.get(path) ?? []), one])

for (const [path, languages] of byPath) mount(path, languages)

/** The same paths, for requests that are only planned. */
const plans = new TrieRouter<readonly Served[]>()
for (const [path, languages] of byPath) plans.add('POST', path, languages)

/** A language of our clients, and how what is asked in it is answered. */
type Served = { readonly client: ClientFace; readonly explain: Explain; answer(request: Request, deps: Deps): Promise<Response> }

function serving<J extends Job, A extends Answered>(manner: Manner<J, A>): Served {
  return { client: manner.client, explain: explaining(manner), answer: (request, deps) => handle(request, manner, deps) }
}

/** Another method than POST is told so in the language of the path. */
function mount(path: string, languages: readonly Served[]): void {
  const last = languages.at(-1)
  if (last === undefined) return
  const at = ({ url }: Request): Served => (languages.length === 1 ? last : (claiming(languages, new URL(url).pathname) ?? last))
  app.post(path, (c) => at(c.req.raw).answer(c.req.raw, makeDeps(c.env, c.executionCtx)))
  app.all(path, (c) =>
    refuse(
      new GatewayError('method-not-allowed', `${c.req.method} is not allowed here; send a POST.`),
      at(c.req.raw).client,
      newRequestId(),
      makeDeps(c.env, c.executionCtx).log,
    ),
  )
}

function claiming(languages: readonly Served[], path: string): Served | undefined {
  return languages.find(({ client }) => client.claims?.(path) === true)
}

/** Who answers there; `null`: nobody. */
function explainAt({ pathname }: URL): Explain | null {
  const [languages] = plans.match('POST', pathname)[0].map(([found]) => found)
  return languages === undefined ? null : ((claiming(languages, pathname) ?? languages.at(-1))?.explain ?? null)
}

app.get('/health', (c) => c.json({ status: 'ok' }, 200, { 'cache-control': 'no-store' }))
app.get('/', (c) =>
  c.text(
    'Sluice: an LLM gateway. Base URL of the OpenAI SDK: this address with /v1; of the Anthropic SDK: this address; of OpenRouter’s clients: this address with /api/v1.\n',
  ),
)
app.route('/', statusApi)
app.route('/', modelsApi)
app.route('/', openrouterModels)
app.route('/', keyApi)
app.route('/', feedbackApi)
app.route('/', routerApi)
app.route('/', routesSchema)
app.route('/api/v1/routes/explain', explainApi(explainAt))
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
