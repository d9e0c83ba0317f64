// GET /api/v1/models, /api/v1/embeddings/models, and the places of one model: what OpenRouter's clients list, in its row shape. Public as it is there: no key's limits are told.

import { Hono } from 'hono'
import type { Ability, ModelEntry } from '../catalogue/entry.ts'
import type { Catalogue } from '../catalogue/index.ts'
import { GatewayError } from '../core/errors.ts'
import { makeDeps } from '../deps.ts'
import { byMakerThenPrice } from '../gateway/planning/model-names.ts'
import type { Env } from '../platform/env.ts'
import { healthNumbers } from '../platform/health-numbers.ts'
import type { Deps } from '../ports.ts'
import { ROUTER_NAMES } from '../routing/choosing/router-names.ts'
import { apiFailure } from './failure.ts'
import { endpointsOf, modelOf, zdrEndpoints } from './openrouter-endpoints.ts'
import { routersAmong } from './router-rows.ts'
import { architectureOf, createdOf, pricingOf, type Architecture } from './openrouter-rows.ts'

type Row = {
  readonly id: string
  readonly name: string
  readonly architecture: Architecture
  readonly supported_parameters: readonly string[]
  readonly [name: string]: unknown
}

export const openrouterModels = new Hono<{ Bindings: Env }>()

/** The lists, and what the models of each are for. */
const LISTS = { '/api/v1/models': 'chat', '/api/v1/embeddings/models': 'embedding' } as const
type List = keyof typeof LISTS
const MOST = 1000
/** The rows are the same until the catalogue is another, and anybody may ask for them. */
const rowsBy = new WeakMap<Catalogue, Map<List, readonly Row[]>>()

for (const path of ['/api/v1/models', '/api/v1/embeddings/models'] as const)
  openrouterModels.get(path, async (c) => {
    const deps = makeDeps(c.env, c.executionCtx)
    return c.json(pageOf(await rowsFor(path, deps), new URL(c.req.url).searchParams, path), 200, { 'cache-control': 'public, max-age=60' })
  })

/** What OpenRouter has under one model's name: the places where it is to be had here. Names with more slashes are our own `provider/model`. */
openrouterModels.get('/api/v1/models/:name{.+}/endpoints', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  const router = await routerRow(c.req.param('name'), deps)
  if (router !== undefined) {
    const { id, name, created, description, architecture } = router
    return c.json({ data: { id, name, created, description, architecture, endpoints: [] } }) // it is at no place: the models that it chooses from are
  }
  return c.json({
    data: await endpointsOf(c.req.param('name'), c.req.raw.headers, { ...deps, numbers: (target) => healthNumbers(c.env, target) }),
  })
})

openrouterModels.get('/api/v1/model/:name{.+}', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  const router = await routerRow(c.req.param('name'), deps)
  if (router !== undefined) return c.json({ data: router })
  const { id, entry } = await modelOf(c.req.param('name'), deps)
  return c.json({ data: rowOf(id, entry) })
})

openrouterModels.get('/api/v1/endpoints/zdr', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  return c.json({ data: await zdrEndpoints(c.req.raw.headers, deps) })
})

async function rowsFor(path: List, deps: Deps): Promise<readonly Row[]> {
  const catalogue = await deps.catalogue()
  const lists = rowsBy.get(catalogue) ?? new Map<List, readonly Row[]>()
  rowsBy.set(catalogue, lists)
  const known = lists.get(path)
  if (known !== undefined) return known
  const configured = new Set(deps.providers.filter((provider) => deps.settings(provider) !== null).map(({ id }) => id))
  const served = [...catalogue.list()].filter(({ provider }) => configured.has(provider))
  const routers = LISTS[path] === 'chat' ? routersAmong(served, deps.abilities) : []
  // OpenRouter's own routers have some of the names too; who asks for one gets ours.
  const ours = new Set(routers.map(({ name }) => name))
  const others = rowsOf(catalogue, configured, LISTS[path]).filter(({ id }) => !ours.has(id))
  const rows = [...routers.map(({ name, entry }) => rowOf(name, entry)), ...others]
  lists.set(path, rows)
  return rows
}

/** `undefined`: it is no router's name, or nobody is there to choose from. */
async function routerRow(name: string, deps: Deps): Promise<Row | undefined> {
  return ROUTER_NAMES.has(name) ? (await rowsFor('/api/v1/models', deps)).find(({ id }) => id === name) : undefined
}

function pageOf(rows: readonly Row[], searchParams: URLSearchParams, path: List): { readonly [name: string]: unknown } {
  const found = rows.filter((row) => matches(row, searchParams))
  const offset = whole(searchParams, 'offset', 0)
  const limit = Math.min(whole(searchParams, 'limit', searchParams.has('offset') ? MOST : found.length), Math.max(MOST, found.length))
  const end = offset + limit
  const next = new URLSearchParams(searchParams)
  next.set('offset', String(end))
  next.set('limit', String(limit))
  return {
    data: found.slice(offset, end),
    total_count: found.length,
    links: { next: limit > 0 && end < found.length ? `${path}?${next.toString()}` : null },
  }
}

openrouterModels.onError((error) => apiFailure(error))

/** Of OpenRouter's filters those that the catalogue can answer; the others leave the list as it is. */
function matches(row: Row, query: URLSearchParams): boolean {
  const all = (name: string, has: readonly string[]): boolean => {
    const wanted = query.get(name)
    return wanted === null || wanted === '' || wanted === 'all' || wanted.split(',').every((one) => has.includes(one.trim()))
  }
  const text = (query.get('q') ?? '').toLowerCase()
  return (
    all('supported_parameters', row.supported_parameters) &&
    all('input_modalities', row.architecture.input_modalities) &&
    all('output_modalities', row.architecture.output_modalities) &&
    (row.id.includes(text) || row.name.toLowerCase().includes(text))
  )
}

/** @throws GatewayError `request-malformed` */
function whole(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name)
  if (text === null) return otherwise
  if (!/^\d{1,9}$/.test(text)) throw new GatewayError('request-malformed', `${name} is a whole number from 0 up.`, { at: name })
  return Number(text)
}

/** One row a model, told as the place that is tried first for it. */
function rowsOf(catalogue: Catalogue, configured: ReadonlySet<string>, mode: (typeof LISTS)[List]): readonly Row[] {
  const first = new Map<string, ModelEntry>()
  for (const entry of catalogue.list()) {
    // OpenRouter's list of chats names nothing else; what it has no name for can be asked for at its place.
    const id = entry.openrouterId ?? (mode === 'chat' ? undefined : `${entry.provider}/${entry.model}`)
    if (id === undefined || entry.mode !== mode || !configured.has(entry.provider)) continue
    const known = first.get(id)
    if (known === undefined || byMakerThenPrice(entry, known) < 0) first.set(id, entry)
  }
  return [...first].map(([id, entry]) => rowOf(id, entry))
}

function rowOf(id: string, entry: ModelEntry): Row {
  const { abilities, contextTokens, maxOutputTokens } = entry
  return {
    id,
    canonical_slug: id,
    hugging_face_id: null,
    name: entry.name ?? id,
    created: createdOf(entry),
    description: '',
    context_length: contextTokens,
    architecture: architectureOf(entry),
    pricing: pricingOf(entry.price),
    top_provider: { context_length: contextTokens, max_completion_tokens: maxOutputTokens, is_moderated: false },
    per_request_limits: null,
    supported_parameters: entry.mode === 'chat' ? parametersOf(abilities) : [],
    default_parameters: null,
    supported_voices: null,
    knowledge_cutoff: null,
    expiration_date: entry.deprecatedOn ?? null,
    links: { details: `/api/v1/models/${id}/endpoints` },
  }
}

/** What every place takes or says that it dropped, and what the model's abilities add. */
function parametersOf(abilities: ReadonlySet<Ability>): readonly string[] {
  return [
    'max_tokens',
    'max_completion_tokens',
    'temperature',
    'top_p',
    'stop',
    ...(abilities.has('tools') ? ['tools', 'tool_choice'] : []),
    ...(abilities.has('parallel-tools') ? ['parallel_tool_calls'] : []),
    ...(abilities.has('schema') ? ['response_format', 'structured_outputs'] : []),
    ...(abilities.has('reasoning') ? ['reasoning', 'reasoning_effort', 'include_reasoning'] : []),
  ]
}
