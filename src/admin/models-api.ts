// The models a key can name: those of the catalogue whose provider is configured here and which the key may use.

import { Hono } from 'hono'
import type { Mode, ModelEntry } from '../catalogue/entry.ts'
import { GatewayError } from '../core/errors.ts'
import { matchesGlob } from '../core/glob.ts'
import { makeDeps } from '../deps.ts'
import { CLIENT_DIALECTS } from '../dialects/index.ts'
import { newRequestId } from '../gateway/job.ts'
import { refuse } from '../gateway/respond.ts'
import type { OperationKind } from '../operations/contract.ts'
import { operationUpstream } from '../operations/index.ts'
import type { Env } from '../platform/env.ts'
import type { Deps } from '../ports.ts'
import type { Provider } from '../providers/contract.ts'
import { requireKey } from './who.ts'

export const modelsApi = new Hono<{ Bindings: Env }>()

modelsApi.get('/v1/models', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  const usable = await usableModels(c.req.raw.headers, deps)
  return c.json({ object: 'list', data: [...usable].map(modelRow) })
})

modelsApi.get('/v1/models/:name{.+}', async (c) => {
  const deps = makeDeps(c.env, c.executionCtx)
  const name = c.req.param('name')
  const catalogue = await deps.catalogue()
  const home = name.includes('/') ? null : catalogue.homeOf(name)
  const id = home === null ? name : `${home.provider}/${home.model}`
  for (const entry of await usableModels(c.req.raw.headers, deps))
    if (`${entry.provider}/${entry.model}` === id) return c.json(modelRow(entry))
  throw new GatewayError('model-unknown', 'There is no such model here that this key may use.')
})

modelsApi.onError((error, c) => {
  const dialect = CLIENT_DIALECTS[0]
  if (dialect === undefined) throw error
  return refuse(error, dialect, newRequestId(), makeDeps(c.env, c.executionCtx).log)
})

async function usableModels(headers: Headers, deps: Deps): Promise<Iterable<ModelEntry>> {
  const { view } = await requireKey(headers, deps)
  const catalogue = await deps.catalogue()
  const configured = new Map(
    deps.providers.filter((provider) => deps.settings(provider) !== null).map((provider) => [provider.id, provider]),
  )
  const mayUse = (entry: ModelEntry): boolean =>
    view.models === null || view.models.some((glob) => matchesGlob(glob, `${entry.provider}/${entry.model}`))
  return [...catalogue.list()].filter((entry) => {
    const provider = configured.get(entry.provider)
    return provider !== undefined && isServed(entry, provider) && mayUse(entry)
  })
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
function modelRow(entry: ModelEntry): { readonly [name: string]: unknown } {
  return {
    id: `${entry.provider}/${entry.model}`,
    object: 'model',
    created: entry.releasedOn === undefined ? 0 : Math.floor(Date.parse(entry.releasedOn) / 1000) || 0,
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
