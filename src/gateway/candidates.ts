// Which targets could serve a request, and what each could cost at worst. Filters remove, nothing here orders.

import type { Mode } from '../catalogue/entry.ts'
import { priced } from '../catalogue/price-book.ts'
import type { Ask, CandidateAsk } from '../core/account.ts'
import type { DialectId } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'
import { dearestServed, feesNanoUsd, forPicture, type Price } from '../core/price.ts'
import type { Intent } from '../dialects/contract.ts'
import { missingSettings } from '../providers/configured.ts'
import type { Provider, Settings } from '../providers/contract.ts'
import { able } from './able.ts'
import type { Candidate } from './candidate.ts'
import { clientIp } from './client-ip.ts'
import { isCountable } from './countable.ts'
import type { Job, Key } from './job.ts'
import { placesNamed, placesServing } from './model-names.ts'
import { saidOf } from './said.ts'

/** What a provider adds of its own when tools are used (Anthropic: up to about 700 tokens), and a chat template's own marks. */
const TOOLS_OVERHEAD = 1000
const TEMPLATE_OVERHEAD = 64
const LONGEST_NAME = 256
/** What nobody bills. */
export const NOTHING: Price = { input: 0, output: 0, source: 'free' }

/**
 * The places that could serve the model which the client names, as its dialect means it.
 * @throws GatewayError `model-unknown`, `credential-missing`, `request-unsupported`
 */
export async function candidates(
  job: Job,
  modes: ReadonlySet<Mode>,
  serves: (provider: Provider) => boolean,
): Promise<readonly Candidate[]> {
  const { deps, client } = job
  const name = job.intent.model
  if (name.length > LONGEST_NAME) throw new GatewayError('model-unknown', `The model's name is longer than ${LONGEST_NAME} characters.`)
  const catalogue = await deps.catalogue()
  const prices = await deps.prices()
  const providers = new Map(deps.providers.map((provider) => [provider.id, provider]))
  const settingsOf = (id: string): Settings | null => {
    const provider = providers.get(id)
    return provider === undefined ? null : deps.settings(provider)
  }
  const isProvider = (id: string): boolean => providers.has(id)
  const places =
    client.modelNames === 'openrouter'
      ? placesServing(name, modes, isProvider, (id) => settingsOf(id) !== null, catalogue)
      : placesNamed(name, isProvider, catalogue)
  if (places.length === 0) {
    throw new GatewayError(
      'model-unknown',
      `The model ${JSON.stringify(name)} is not known. Name it as ${client.modelNames === 'openrouter' ? 'author/slug' : 'provider/model'}, such as openai/gpt-4o-mini; GET /v1/models lists those of the catalogue.`,
    )
  }
  const found = places.flatMap(({ provider: id, model }): readonly Candidate[] => {
    const provider = providers.get(id)
    const settings = settingsOf(id)
    return provider === undefined || settings === null
      ? []
      : [{ provider, settings, model, entry: priced(prices, id, model, catalogue.lookUp(id, model)) }]
  })
  if (found.length === 0)
    throw nobodySetUp(
      name,
      places.flatMap(({ provider }) => providers.get(provider) ?? []),
    )
  const serving = found.filter(({ provider }) => serves(provider))
  if (serving.length === 0) throw unable(name, job.client.id, found)
  return able(serving, job.intent, client)
}

function unable(name: string, dialect: string, found: readonly Candidate[]): GatewayError {
  const places = [...new Set(found.map(({ provider }) => provider.id))].join(', ')
  return new GatewayError('request-unsupported', `${JSON.stringify(name)} is at ${places}, where ${dialect} is not to be had.`, {
    at: 'model',
  })
}

function nobodySetUp(name: string, providers: readonly Provider[]): GatewayError {
  const [first] = providers
  if (first === undefined) return new GatewayError('model-unknown', `Nobody whom this gateway can call serves ${JSON.stringify(name)}.`)
  const wanted = (provider: Provider): string => missingSettings(provider, () => false).join(' and ')
  return new GatewayError(
    'credential-missing',
    providers.length === 1
      ? `The provider ${first.id} is not configured: ${wanted(first)} must be set.`
      : `No provider that serves ${JSON.stringify(name)} is configured: one of ${providers.map(wanted).join(', ')} must be set.`,
  )
}

/** What admission must know. @throws GatewayError `request-malformed` for an idempotency key that is too long */
export async function ask(job: Job, key: Key, targets: readonly Candidate[]): Promise<Ask> {
  const { intent } = job
  return {
    requestId: job.id,
    secretHash: key.secretHash,
    clientIp: clientIp(job.headers),
    candidates: targets.map((target) => candidateAsk(job, target)),
    outputTokens: intent.maxOutputTokens,
    leastOutputTokens: leastOutputTokens(intent),
    choices: intent.choices,
    idempotency: await idempotencyOf(job),
    ...(intent.providerRuns?.calls === null ? { unbounded: intent.providerRuns.said } : {}),
    ...(await saidOf(job)),
  }
}

/** A clamp stays above the reasoning budget. What is no chat has no ceiling to clamp: all of it is held, or it is refused. */
function leastOutputTokens(intent: Intent): number {
  if (intent.isCeilingFixed === true) return intent.maxOutputTokens ?? 0
  return intent.reasoningTokens === null ? 1 : intent.reasoningTokens + 1
}

/** What the target bills for this request; `null`: unknown. */
export function priceFor(intent: Intent, target: Candidate): Price | null {
  if (intent.free === true) return NOTHING
  const price = target.entry?.price ?? null
  return price === null ? null : forPicture(price, intent.picture)
}

/** The service tier that a target hears of: only its own language carries the member, and not every place takes it. */
export function serviceHeard(intent: Intent, client: DialectId, { provider, model }: Candidate): string | null {
  const { service = null } = intent
  const own = (provider.voicesFor?.(model) ?? provider.voices).find(({ dialect }) => plain(dialect) === plain(client))
  return own === undefined || own.habits.refuses?.has('service_tier') === true ? null : service
}

function plain(dialect: DialectId): DialectId {
  return dialect === 'openrouter' ? 'openai-chat' : dialect
}

/** One target as admission sees it. */
export function candidateAsk(job: Job, target: Candidate): CandidateAsk {
  const { intent } = job
  const service = serviceHeard(intent, job.client.id, target)
  const price = intent.free === true ? NOTHING : (target.entry?.price ?? null) // of pictures the dearest: which kind is billed shows in the end
  const rates = price === null ? null : dearestServed(price, service)
  return {
    model: `${target.provider.id}/${target.model}`,
    provider: target.provider.id,
    region: target.settings.region,
    worst:
      price === null || rates === null
        ? null
        : {
            inputPico: rates.input,
            outputPico: rates.output,
            feesNanoUsd: feesNanoUsd(intent.units, price, intent.providerRuns?.calls ?? 0),
          },
    inputTokens: inputTokensBound(intent, target.entry?.contextTokens ?? null),
    maxOutputTokens: target.entry?.maxOutputTokens ?? null,
    ...(isCountable(job, target) ? { isCountable: true } : {}),
  }
}

/** A token is at least a byte of text; a picture or a file is not bounded by its bytes, so then the window is the bound. */
function inputTokensBound(intent: Intent, contextTokens: number | null): number | null {
  const { needs, providerRuns } = intent
  // Before each call of a tool that the provider runs it reads everything, and once more after the last.
  if (providerRuns !== undefined && providerRuns.calls !== 0)
    return providerRuns.calls === null || contextTokens === null ? null : contextTokens * (providerRuns.calls + 1)
  if (intent.inputBound === null || needs.has('image') || needs.has('audio') || needs.has('file')) return contextTokens
  const text = intent.inputBound + TEMPLATE_OVERHEAD + (needs.has('tools') ? TOOLS_OVERHEAD : 0)
  return contextTokens === null ? text : Math.min(text, contextTokens)
}

async function idempotencyOf(job: Job): Promise<Ask['idempotency']> {
  const key = job.headers.get('idempotency-key')
  if (key === null || key === '') return null
  if (key.length > 256) throw new GatewayError('request-malformed', 'The Idempotency-Key is longer than 256 characters.')
  const { bytes } = job.body
  if (bytes === null) return null // a form that streams: it can be neither compared nor repeated
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return { key, fingerprint: btoa(String.fromCharCode(...digest)) }
}
