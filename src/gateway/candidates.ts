// Which targets could serve a request, and what each could cost at worst. Filters remove, nothing here orders.

import type { ModelEntry } from '../catalogue/entry.ts'
import type { Ask, CandidateAsk } from '../core/account.ts'
import { GatewayError } from '../core/errors.ts'
import { dearest } from '../core/price.ts'
import type { Intent } from '../dialects/contract.ts'
import { missingSettings } from '../providers/configured.ts'
import type { Provider, Settings } from '../providers/contract.ts'
import type { Job, Key } from './job.ts'

export type Candidate = {
  readonly provider: Provider
  readonly settings: Settings
  readonly model: string
  /** `null`: not in the catalogue, so its price is unknown. */
  readonly entry: ModelEntry | null
}

/** What a provider adds of its own when tools are used (Anthropic: up to about 700 tokens), and a chat template's own marks. */
const TOOLS_OVERHEAD = 1000
const TEMPLATE_OVERHEAD = 64
const LONGEST_NAME = 256

/**
 * On `/v1`: `provider/model` is that model at that place; a bare name known to the catalogue goes to its home.
 * @throws GatewayError `model-unknown`, `credential-missing`
 */
export async function candidates(job: Job): Promise<readonly Candidate[]> {
  const name = job.intent.model
  if (name.length > LONGEST_NAME) throw new GatewayError('model-unknown', `The model's name is longer than ${LONGEST_NAME} characters.`)
  const catalogue = await job.deps.catalogue()
  const place = placeOf(name, job) ?? catalogue.homeOf(name)
  if (place === null) {
    throw new GatewayError(
      'model-unknown',
      `The model ${JSON.stringify(name)} is not known. Name it as provider/model, such as openai/gpt-4o-mini; GET /v1/models lists those of the catalogue.`,
    )
  }
  const provider = job.deps.providers.find((p) => p.id === place.provider)
  if (provider === undefined) throw new GatewayError('model-unknown', `The provider ${JSON.stringify(place.provider)} is not known.`)
  const settings = job.deps.settings(provider)
  if (settings === null) {
    const names = missingSettings(provider, () => false)
    throw new GatewayError('credential-missing', `The provider ${provider.id} is not configured: ${names.join(' and ')} must be set.`)
  }
  return [{ provider, settings, model: place.model, entry: catalogue.lookUp(provider.id, place.model) }]
}

function placeOf(name: string, job: Job): { readonly provider: string; readonly model: string } | null {
  const slash = name.indexOf('/')
  if (slash <= 0 || slash === name.length - 1) return null
  const provider = name.slice(0, slash)
  return job.deps.providers.some((p) => p.id === provider) ? { provider, model: name.slice(slash + 1) } : null
}

/** What admission must know. @throws GatewayError `request-malformed` for an idempotency key that is too long */
export async function ask(job: Job, key: Key, targets: readonly Candidate[]): Promise<Ask> {
  const { intent } = job
  return {
    requestId: job.id,
    secretHash: key.secretHash,
    candidates: targets.map((target) => candidateAsk(target, intent)),
    outputTokens: intent.maxOutputTokens,
    leastOutputTokens: intent.reasoningTokens === null ? 1 : intent.reasoningTokens + 1,
    choices: intent.choices,
    idempotency: await idempotencyOf(job),
  }
}

function candidateAsk(target: Candidate, intent: Intent): CandidateAsk {
  const price = target.entry?.price ?? null
  const rates = price === null ? null : dearest(price)
  return {
    model: `${target.provider.id}/${target.model}`,
    worst:
      price === null || rates === null
        ? null
        : { inputPico: rates.input, outputPico: rates.output, feesNanoUsd: price.perRequestNanoUsd ?? 0 },
    inputTokens: inputTokensBound(intent, target.entry?.contextTokens ?? null),
    maxOutputTokens: target.entry?.maxOutputTokens ?? null,
  }
}

/** A token is at least a byte of text; a picture or a file is not bounded by its bytes, so then the window is the bound. */
function inputTokensBound(intent: Intent, contextTokens: number | null): number | null {
  const { needs } = intent
  if (intent.inputBound === null || needs.has('image') || needs.has('audio') || needs.has('file')) return contextTokens
  const text = intent.inputBound + TEMPLATE_OVERHEAD + (needs.has('tools') ? TOOLS_OVERHEAD : 0)
  return contextTokens === null ? text : Math.min(text, contextTokens)
}

async function idempotencyOf(job: Job): Promise<Ask['idempotency']> {
  const key = job.headers.get('idempotency-key')
  if (key === null || key === '') return null
  if (key.length > 256) throw new GatewayError('request-malformed', 'The Idempotency-Key is longer than 256 characters.')
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', job.body.bytes as Uint8Array<ArrayBuffer>))
  return { key, fingerprint: btoa(String.fromCharCode(...digest)) }
}
