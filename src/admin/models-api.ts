// The models a key can name: those of the catalogue whose provider is configured here and which the key may use. In OpenAI's rows, in
// Anthropic's for clients that send `anthropic-version`, and in Google's on its own path.

import { Hono } from 'hono'
import type { Mode, ModelEntry } from '../catalogue/entry.ts'
import { GatewayError } from '../core/errors.ts'
import { forbiddenBy } from '../core/permits.ts'
import { makeDeps } from '../deps.ts'
import { CLIENT_DIALECTS } from '../dialects/index.ts'
import { newRequestId } from '../gateway/job.ts'
import { refuse } from '../gateway/respond.ts'
import type { OperationKind } from '../operations/contract.ts'
import { operationUpstream } from '../operations/index.ts'
import type { Env } from '../platform/env.ts'
import type { Deps } from '../ports.ts'
import type { Provider } from '../providers/contract.ts'
import { routersAmong } from './router-rows.ts'
import { requireKey } from './who.ts'

type Row = { readonly [name: string]: unknown }

/** Rows of a page where the client does not say, as the two APIs have it, and the most that a page holds. */
const ANTHROPIC_PAGE = 20
const GOOGLE_PAGE = 50
const MOST_ROWS = 1000

export const modelsApi = new Hono<{ Bindings: Env }>()

modelsApi.get('/v1/models', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  const usable = [...(await usableModels(c.req.raw.headers, deps))]
  if (isAnthropic(c.req.raw.headers)) return c.json(anthropicPage(usable, new URL(c.req.url).searchParams))
  return c.json({ object: 'list', data: usable.map(modelRow) })
})

modelsApi.get('/v1beta/models', async (c) => {
  const { searchParams } = new URL(c.req.url)
  const deps = makeDeps(c.env, c.executionCtx)
  const usable = [...(await usableModels(c.req.raw.headers, deps))]
  return c.json(googlePage(usable, searchParams))
})

modelsApi.get('/v1/models/:name{.+}', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  const name = c.req.param('name')
  const catalogue = await deps.catalogue()
  const home = name.includes('/') ? null : catalogue.homeOf(name)
  const id = home === null ? name : `${home.provider}/${home.model}`
  for (const entry of await usableModels(c.req.raw.headers, deps))
    if (idOf(entry) === id) return c.json(isAnthropic(c.req.raw.headers) ? anthropicRow(entry) : modelRow(entry))
  throw new GatewayError('model-unknown', 'There is no such model here that this key may use.')
})

modelsApi.onError((error, c) => {
  const spoken = isAnthropic(c.req.raw.headers) ? 'anthropic-messages' : c.req.path.startsWith('/v1beta/') ? 'gemini' : null
  const dialect = CLIENT_DIALECTS.find(({ id }) => id === spoken) ?? CLIENT_DIALECTS[0]
  if (dialect === undefined) throw error
  return refuse(error, dialect, newRequestId(), makeDeps(c.env, c.executionCtx).log)
})

async function usableModels(headers: Headers, deps: Deps): Promise<Iterable<ModelEntry>> {
  const { view } = await requireKey(headers, deps)
  const catalogue = await deps.catalogue()
  const configured = new Map(
    deps.providers.filter((provider) => deps.settings(provider) !== null).map((provider) => [provider.id, provider]),
  )
  const mayUse = (entry: ModelEntry, provider: Provider): boolean =>
    forbiddenBy(view, { model: idOf(entry), ...slug(entry), provider: provider.id, region: deps.settings(provider)?.region ?? null }) ===
    null
  const usable = [...catalogue.list()].filter((entry) => {
    const provider = configured.get(entry.provider)
    return provider !== undefined && isServed(entry, provider) && mayUse(entry, provider)
  })
  return [...routersAmong(usable, deps.abilities).map(({ entry }) => entry), ...usable]
}

function slug({ openrouterId }: ModelEntry): { readonly slug?: string } {
  return openrouterId === undefined ? {} : { slug: openrouterId }
}

const KIND_OF_MODE: { readonly [mode in Mode]?: OperationKind } = {
  embedding: 'embeddings',
  rerank: 'rerank',
  image: 'images',
  transcription: 'transcription',
  speech: 'speech',
  moderation: 'moderation',
}

/** Chat is served everywhere, the rest where the place has a language for it. */
function isServed({ mode }: ModelEntry, provider: Provider): boolean {
  if (mode === 'chat') return true
  const kind = KIND_OF_MODE[mode]
  return kind !== undefined && (provider.operations ?? []).some(({ dialect }) => operationUpstream(dialect).kind === kind)
}

/** OpenAI's row, with what else is known. */
function modelRow(entry: ModelEntry): Row {
  return {
    id: idOf(entry),
    object: 'model',
    created: Math.floor(releasedMs(entry) / 1000),
    owned_by: entry.provider,
    sluice: {
      mode: entry.mode,
      context_tokens: entry.contextTokens,
      max_output_tokens: entry.maxOutputTokens,
      abilities: [...entry.abilities],
      price: entry.price === null ? null : { ...entry.price, unit: 'pico-dollars a token, a piece (perUnit), a picture (pictures)' },
    },
  }
}

/** Anthropic's SDKs always name the version they speak; OpenAI's never do. */
function isAnthropic(headers: Headers): boolean {
  return headers.has('anthropic-version')
}

/** @throws GatewayError `request-malformed` */
function anthropicPage(entries: readonly ModelEntry[], query: URLSearchParams): Row {
  const limit = Math.min(whole(query, 'limit', ANTHROPIC_PAGE), MOST_ROWS)
  const before = query.get('before_id')
  const after = query.get('after_id')
  const start = after === null ? 0 : placeOf(after, entries, 'after_id') + 1
  const end = before === null ? entries.length : placeOf(before, entries, 'before_id')
  const page = before === null ? entries.slice(start, start + limit) : entries.slice(Math.max(start, end - limit), end)
  const [first, last] = [page[0], page.at(-1)]
  return {
    data: page.map(anthropicRow),
    first_id: first === undefined ? null : idOf(first),
    last_id: last === undefined ? null : idOf(last),
    has_more: before === null ? start + limit < entries.length : end - limit > start,
  }
}

function anthropicRow(entry: ModelEntry): Row {
  return {
    type: 'model',
    id: idOf(entry),
    display_name: entry.name ?? idOf(entry),
    created_at: new Date(releasedMs(entry)).toISOString().replace('.000Z', 'Z'),
    max_input_tokens: entry.contextTokens,
    max_tokens: entry.maxOutputTokens,
  }
}

/** The page token is the number of rows before the page. @throws GatewayError `request-malformed` */
function googlePage(entries: readonly ModelEntry[], query: URLSearchParams): Row {
  const start = whole(query, 'pageToken', 0)
  const end = start + Math.min(whole(query, 'pageSize', GOOGLE_PAGE), MOST_ROWS)
  return { models: entries.slice(start, end).map(googleRow), ...(end < entries.length ? { nextPageToken: String(end) } : {}) }
}

function googleRow(entry: ModelEntry): Row {
  return {
    name: `models/${idOf(entry)}`,
    displayName: entry.name ?? idOf(entry),
    ...(entry.contextTokens === null ? {} : { inputTokenLimit: entry.contextTokens }),
    ...(entry.maxOutputTokens === null ? {} : { outputTokenLimit: entry.maxOutputTokens }),
    supportedGenerationMethods: ['generateContent'],
  }
}

function placeOf(id: string, entries: readonly ModelEntry[], name: string): number {
  const at = entries.findIndex((entry) => idOf(entry) === id)
  if (at < 0) throw new GatewayError('request-malformed', `${name} is no model of this list.`, { at: name })
  return at
}

/** @throws GatewayError `request-malformed` */
function whole(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name)
  if (text === null || text === '') return otherwise
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value < 1) throw new GatewayError('request-malformed', `${name} is a whole number from 1 up.`, { at: name })
  return value
}

function idOf({ provider, model }: ModelEntry): string {
  return `${provider}/${model}`
}

/** 0: unknown, as Anthropic's own API says it. */
function releasedMs({ releasedOn }: ModelEntry): number {
  return releasedOn === undefined ? 0 : Date.parse(releasedOn) || 0
}
