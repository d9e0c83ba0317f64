// The request path in one process against several places at once: the real catalogue, planner and admission rules, and a network that is a function.

import { createCatalogue } from '../../src/catalogue/index.ts'
import type { Ask, Hold, Settlement } from '../../src/core/account.ts'
import { joinBytes } from '../../src/core/bytes.ts'
import { EVERYTHING, forbiddenBy, forbiddenText, type Permits } from '../../src/core/permits.ts'
import { CLIENT_DIALECTS } from '../../src/dialects/index.ts'
import { CacheMemory } from '../../src/gateway/planning/cache-memory.ts'
import { ModelMemory } from '../../src/gateway/planning/model-memory.ts'
import { chat } from '../../src/gateway/chat.ts'
import { handle } from '../../src/gateway/handle.ts'
import { operation } from '../../src/gateway/operation.ts'
import { OPERATION_CLIENTS } from '../../src/operations/index.ts'
import type { Account, Deps, Limits } from '../../src/ports.ts'
import type { Provider } from '../../src/providers/contract.ts'
import { providerById } from '../../src/providers/index.ts'
import { compileRoutes } from '../../src/routing/compile.ts'
import type { HealthView, RouteTable } from '../../src/routing/contract.ts'
import type { RouteDocument } from '../../src/routing/document-shape.ts'
import { NO_LEARNING } from '../../src/routing/choosing/port.ts'
import { UNKNOWN_HEALTH, type Health, type HealthOutcome, type HealthTarget } from '../../src/routing/health.ts'
import { RetryBudget } from '../../src/routing/retry-budget.ts'

/** One call as it left. `model` as the place was asked for it. */
export type PlaceCall = {
  readonly provider: string
  readonly model: string
  readonly path: string
  readonly text: string
  readonly headers: Headers
  readonly signal: AbortSignal
}

export type PlacesWorld = {
  /** What the key may use. */
  readonly permits?: Permits
  readonly routes?: RouteDocument
  readonly health?: Health | ((target: HealthTarget) => Partial<HealthView>)
  readonly limits?: Partial<Limits>
  /** As of a key with a budget. */
  readonly hold?: Partial<Hold>
  /** What each target may cost at worst, in whole nano-dollars; absent: admission does not say. */
  readonly needNanoUsd?: number
  /** The most that a hold may grow to. */
  readonly growsTo?: number
  readonly region?: (provider: string) => string | null
  readonly deps?: Partial<Deps>
}

export type Places = {
  /** For what is asked without a language. */
  readonly deps: Deps
  readonly calls: readonly PlaceCall[]
  /** `provider/model` of every call, in order. */
  readonly called: readonly string[]
  readonly settled: readonly Settlement[]
  readonly asked: readonly Ask[]
  /** What health was told, by provider; `begin` and `end` too. */
  readonly told: readonly (readonly [string, 'begin' | 'end' | HealthOutcome['kind']])[]
  /** In a client's language, by its id: a chat or anything else, at its own path. */
  ask(language: string, body: unknown, sent?: Sent): Promise<Response>
}

/** `at`: the path, where the language's first one is not meant. */
export type Sent = { readonly at?: string; readonly headers?: { readonly [name: string]: string }; readonly signal?: AbortSignal }

const HOUR_MS = 3_600_000
const LIMITS: Limits = {
  bodyBytes: 1e7,
  formBytes: 1e8,
  wholeAnswerBytes: 1e7,
  headersMs: 10_000,
  firstContentMs: 10_000,
  idleMs: 10_000,
}

/** `places`: ids of providers, or providers of a test's own. */
export function fakePlaces(
  places: readonly (string | Provider)[],
  network: (call: PlaceCall) => Response | Promise<Response>,
  world: PlacesWorld = {},
): Places {
  const providers = places.map((one) => (typeof one === 'string' ? known(one) : one))
  const calls: PlaceCall[] = []
  const settled: Settlement[] = []
  const asked: Ask[] = []
  const told: (readonly [string, 'begin' | 'end' | HealthOutcome['kind']])[] = []
  const deps: Deps = {
    keys: { check: async () => ({ id: 'key', secretHash: 'hash' }) },
    account: () => accountOf(world, asked, settled),
    ledger: { find: async () => null },
    catalogue: async () => CATALOGUE,
    prices: async () => null,
    providers,
    settings: (provider) => ({
      secrets: Object.fromEntries([...provider.needs, ...(provider.needsOneOf?.flat() ?? [])].map((name) => [name, 'of-the-operator'])),
      baseUrl: `https://${provider.id}.test`,
      region: world.region?.(provider.id) ?? null,
    }),
    routes: () => Promise.resolve(tableOf(world)),
    health: watched(world.health, told),
    learning: NO_LEARNING,
    retryBudget: new RetryBudget(),
    classifier: null,
    cacheMemory: new CacheMemory(),
    modelMemory: new ModelMemory(),
    abilities: null,
    fetch: async (url, init) => {
      const { hostname, pathname } = new URL(url)
      const text = await new Response(init.body ?? null).text()
      const call = {
        provider: hostname.replace(/\.test$/, ''),
        model: modelIn(text) ?? /models?\/([^/:]+)/.exec(decodeURIComponent(pathname))?.[1] ?? '',
        path: pathname,
        text,
        headers: new Headers(init.headers),
        signal: init.signal ?? new AbortController().signal,
      }
      calls.push(call)
      return network(call)
    },
    lasting: () => {
      throw new Error('no call outlives its client here')
    },
    pipe: () => new TransformStream<Uint8Array, Uint8Array>(),
    upload: joinBytes,
    uploadAsItComes: () => {
      throw new Error('no form streams through here')
    },
    now: () => Date.now(),
    random: () => 0.5,
    later: (work) => void work.catch(() => undefined),
    log: () => undefined,
    limits: { ...LIMITS, ...world.limits },
    ...world.deps,
  }
  return {
    deps,
    calls,
    get called() {
      return calls.map(({ provider, model }) => `${provider}/${model}`)
    },
    settled,
    asked,
    told,
    ask(language, body, { at, headers = {}, signal } = {}) {
      const one = SERVED.get(language)
      if (one === undefined) throw new Error(`No client speaks ${language}.`)
      const request = new Request(`https://gateway.test${at ?? one.path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer k', 'x-api-key': 'k', 'x-goog-api-key': 'k', ...headers },
        body: JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      })
      return one.answer(request, deps)
    },
  }
}

const CATALOGUE = createCatalogue(null)

const SERVED = new Map<string, { readonly path: string; readonly answer: (request: Request, deps: Deps) => Promise<Response> }>([
  ...CLIENT_DIALECTS.map(
    (client) =>
      [client.id, { path: client.paths[0] ?? '', answer: (request: Request, deps: Deps) => handle(request, chat(client), deps) }] as const,
  ),
  ...OPERATION_CLIENTS.map(
    (client) =>
      [
        client.id,
        { path: client.paths[0] ?? '', answer: (request: Request, deps: Deps) => handle(request, operation(client), deps) },
      ] as const,
  ),
])

function known(id: string): Provider {
  const provider = providerById(id)
  if (provider === undefined || provider === null) throw new Error(`There is no provider ${id}.`)
  return provider
}

function modelIn(text: string): string | null {
  try {
    const { model } = JSON.parse(text) as { readonly model?: unknown }
    return typeof model === 'string' ? model : null
  } catch {
    return null
  }
}

function tableOf({ routes = {} }: PlacesWorld): RouteTable {
  return compileRoutes(1, routes)
}

function accountOf(world: PlacesWorld, asked: Ask[], settled: Settlement[]): Account {
  const { permits = EVERYTHING, hold = {}, needNanoUsd, growsTo = 0 } = world
  return {
    admit: async (ask) => {
      asked.push(ask)
      const allowed = ask.candidates.flatMap((one, i) => (forbiddenBy(permits, one) === null ? [i] : []))
      if (allowed.length === 0) return { kind: 'refused', code: 'model-forbidden', message: forbiddenText(permits, ask.candidates) }
      const { requestId } = ask
      return {
        kind: 'granted',
        hold: { requestId, period: '', nanoUsd: 0, takenAt: Date.now(), expiresAt: Date.now() + HOUR_MS, budgeted: false, ...hold },
        allowed,
        maxOutputTokens: null,
        clamped: false,
        repeated: false,
        ...(needNanoUsd === undefined ? {} : { needs: ask.candidates.map(() => needNanoUsd) }),
      }
    },
    renew: async () => undefined,
    extend: async (held, { bestNanoUsd }) => (bestNanoUsd <= growsTo ? { ...held, nanoUsd: bestNanoUsd } : null),
    settle: async (settlement) => void settled.push(settlement),
    view: async () => ({ kind: 'refused', code: 'key-unknown', message: 'not here' }),
    flush: async () => undefined,
    pending: async () => null,
  }
}

function watched(health: PlacesWorld['health'], told: (readonly [string, 'begin' | 'end' | HealthOutcome['kind']])[]): Health {
  const inner = typeof health === 'object' ? health : null
  return {
    view: (target) => inner?.view(target) ?? { ...UNKNOWN_HEALTH, ...(typeof health === 'function' ? health(target) : {}) },
    begin(target, probe, tokens) {
      told.push([target.provider, 'begin'])
      inner?.begin(target, probe, tokens)
    },
    report(target, outcome) {
      told.push([target.provider, outcome.kind])
      inner?.report(target, outcome)
    },
    end(target, ending) {
      told.push([target.provider, 'end'])
      inner?.end(target, ending)
    },
  }
}

/** A whole answer of a place that speaks OpenAI's chat language. */
export function said(text: string, usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }): Response {
  const message = { role: 'assistant', content: text }
  return Response.json({
    id: 'c1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage,
  })
}

/** The events of such an answer as a stream: its texts, then its end. */
export function events(texts: readonly string[], usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }): readonly string[] {
  const chunk = (choice: object, more: object = {}): string =>
    `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, finish_reason: null, ...choice }], ...more })}\n\n`
  return [
    chunk({ delta: { role: 'assistant', content: '' } }),
    ...texts.map((content) => chunk({ delta: { content } })),
    chunk({ delta: {}, finish_reason: 'stop' }),
    `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage })}\n\n`,
    'data: [DONE]\n\n',
  ]
}

/** How a stream goes on behind what it says. */
export type Behind = 'ends' | 'breaks' | 'stalls'

/** A stream of these pieces. One that stalls ends with its call. */
export function streamed(pieces: readonly string[], behind: Behind, { signal }: Pick<PlaceCall, 'signal'>): Response {
  const encoder = new TextEncoder()
  let at = 0
  const body = new ReadableStream({
    type: 'bytes', // as a fetch has it
    pull(controller) {
      const piece = pieces[at++]
      if (piece !== undefined) return controller.enqueue(encoder.encode(piece))
      if (behind === 'ends') return controller.close()
      if (behind === 'breaks') return controller.error(new Error('the connection broke off'))
      return new Promise<void>((resolve) => {
        const end = (): void => {
          controller.error(new Error('ended'))
          resolve()
        }
        if (signal.aborted) end()
        else signal.addEventListener('abort', end, { once: true })
      })
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** Never answers; ends with its call. */
export function silent({ signal }: Pick<PlaceCall, 'signal'>): Promise<Response> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new DOMException('ended', 'AbortError'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

export function failing(status: number, headers: { readonly [name: string]: string } = {}): Response {
  return Response.json({ error: { message: `status ${status}`, type: 'e', code: 'c' } }, { status, headers })
}
