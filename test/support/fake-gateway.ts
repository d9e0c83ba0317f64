// The request path in one process: a provider, or several, with made-up settings, a key that may do anything, and a network that is a function.

import { createCatalogue } from '../../src/catalogue/index.ts'
import type { Ask, Hold, Refusal, Settlement } from '../../src/core/account.ts'
import { joinBytes } from '../../src/core/bytes.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { CacheMemory } from '../../src/gateway/planning/cache-memory.ts'
import { ModelMemory } from '../../src/gateway/planning/model-memory.ts'
import { chat } from '../../src/gateway/chat.ts'
import { handle } from '../../src/gateway/handle.ts'
import type { Account, Deps } from '../../src/ports.ts'
import type { Provider, Settings } from '../../src/providers/contract.ts'
import { NO_ROUTES } from '../../src/routing/contract.ts'
import { NO_LEARNING } from '../../src/routing/choosing/port.ts'
import { NO_HEALTH } from '../../src/routing/health.ts'
import { RetryBudget } from '../../src/routing/retry-budget.ts'

/** A request as it left. */
export type Left = { readonly url: string; readonly headers: Headers; readonly text: string; readonly signal: AbortSignal | null }

export type FakeGateway = {
  readonly left: readonly Left[]
  readonly settled: readonly Settlement[]
  /** What admission was told. */
  readonly asked: readonly Ask[]
  /** How many calls were ended by us. */
  readonly aborted: number
  ask(
    client: ClientDialect,
    path: string,
    body: unknown,
    headers?: { readonly [name: string]: string },
    signal?: AbortSignal,
  ): Promise<Response>
  /** The same in any manner: a chat's, or an operation's. */
  askAs(answer: (request: Request, deps: Deps) => Promise<Response>, path: string, body: unknown): Promise<Response>
}

const HOUR_MS = 3_600_000

/** Everything that a gateway can be made with beside one provider. */
export type FakeWorld = Partial<
  Pick<Deps, 'prices' | 'catalogue' | 'settings' | 'routes' | 'random' | 'log' | 'health' | 'learning' | 'limits'>
> & {
  readonly markupBasisPoints?: number
  readonly refusal?: Refusal
  readonly refuses?: (ask: Ask) => Refusal | null
  /** Admission leaves all targets, not only the first; so it does with others. */
  readonly allowsAll?: boolean
  readonly others?: readonly { readonly provider: Provider; readonly settings: Settings }[]
  /** What each target may cost at worst, in whole nano-dollars, in the order in which admission is asked about them. */
  readonly needs?: readonly number[]
  readonly maxOutputTokens?: number
  /** Whether a hold may grow. */
  readonly grants?: boolean
}

/** `hold`: as of a key with a budget; without one the key has none. `world`: the operator's prices and routes, what the key adds, or why it is refused … */
export function fakeGateway(
  provider: Provider,
  settings: Settings,
  network: (left: Left, signal: AbortSignal | null) => Response | Promise<Response>,
  hold: Partial<Hold> = {},
  world: FakeWorld = {},
  pipe: Deps['pipe'] = () => new TransformStream<Uint8Array, Uint8Array>(),
): FakeGateway {
  const left: Left[] = []
  const settled: Settlement[] = []
  const asked: Ask[] = []
  let aborted = 0
  const account: Account = {
    admit: async (ask) => {
      asked.push(ask)
      if (world.refusal !== undefined) return world.refusal
      const refusal = world.refuses?.(ask) ?? null
      if (refusal !== null) return refusal
      const { requestId, shadowOf } = ask
      return {
        kind: 'granted',
        hold: {
          requestId,
          period: '',
          nanoUsd: 0,
          takenAt: Date.now(),
          expiresAt: Date.now() + HOUR_MS,
          budgeted: false,
          ...(shadowOf === undefined ? {} : { shadowOf }),
          ...hold,
        },
        allowed: ask.candidates.map((_, i) => i),
        ...(world.needs === undefined ? {} : { needs: world.needs }),
        maxOutputTokens: world.maxOutputTokens ?? null,
        clamped: false,
        repeated: false,
        ...(world.markupBasisPoints === undefined ? {} : { markupBasisPoints: world.markupBasisPoints }),
      }
    },
    renew: async () => undefined,
    extend: async (held, { bestNanoUsd }) => (world.grants === true ? { ...held, nanoUsd: bestNanoUsd } : null),
    settle: async (settlement) => void settled.push(settlement),
    view: async () => ({ kind: 'refused', code: 'key-unknown', message: 'not here' }),
    flush: async () => undefined,
    pending: async () => null,
  }
  const deps: Deps = {
    keys: { check: async () => ({ id: 'key', secretHash: 'hash' }) },
    account: () => account,
    ledger: { find: async () => null },
    catalogue: world.catalogue ?? (async () => createCatalogue(null)),
    prices: world.prices ?? (async () => null),
    providers: [provider, ...(world.others ?? []).map((other) => other.provider)],
    settings: world.settings ?? ((asked) => world.others?.find((other) => other.provider === asked)?.settings ?? settings),
    routes: world.routes ?? (() => Promise.resolve(NO_ROUTES)),
    health: world.health ?? NO_HEALTH,
    learning: world.learning ?? NO_LEARNING,
    retryBudget: new RetryBudget(),
    classifier: null,
    cacheMemory: new CacheMemory(),
    modelMemory: new ModelMemory(),
    abilities: null,
    fetch: async (url, init) => {
      const one: Left = {
        url,
        headers: new Headers(init.headers),
        text: await new Response(init.body ?? null).text(),
        signal: init.signal ?? null,
      }
      left.push(one)
      init.signal?.addEventListener('abort', () => aborted++, { once: true })
      return network(one, init.signal ?? null)
    },
    lasting: () => {
      throw new Error('no call outlives its client here')
    },
    pipe,
    upload: joinBytes,
    uploadAsItComes: readableOf,
    now: () => Date.now(),
    random: world.random ?? (() => 0.5),
    later: (work) => void work.catch(() => undefined),
    log: world.log ?? (() => undefined),
    limits: world.limits ?? {
      bodyBytes: 1e7,
      formBytes: 1e8,
      wholeAnswerBytes: 1e7,
      headersMs: 10_000,
      firstContentMs: 10_000,
      idleMs: 10_000,
    },
  }
  return {
    left,
    settled,
    asked,
    get aborted() {
      return aborted
    },
    ask: (client, path, body, headers = {}, signal) =>
      handle(new Request(requestOf(path, body, headers), signal === undefined ? {} : { signal }), chat(client), deps),
    askAs: (answer, path, body) => answer(requestOf(path, body, {}), deps),
  }
}

function requestOf(path: string, body: unknown, headers: { readonly [name: string]: string }): Request {
  const [sent, type] = body instanceof FormData ? [body, {}] : [JSON.stringify(body), { 'content-type': 'application/json' }]
  return new Request(`https://gateway.test${path}`, {
    method: 'POST',
    headers: { ...type, authorization: 'Bearer k', 'x-api-key': 'k', 'x-goog-api-key': 'k', ...headers },
    body: sent,
  })
}

function readableOf(pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
  })
}
