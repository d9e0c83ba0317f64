// What admission must know of a request's targets: what each could cost at worst.

import type { Ask, CandidateAsk } from '../../core/account.ts'
import type { DialectId } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { dearestServed, feesNanoUsd, forPicture, type Price } from '../../core/price.ts'
import type { Intent } from '../../dialects/contract.ts'
import type { Candidate } from './candidate.ts'
import { clientIp } from '../client-ip.ts'
import { isCountable } from '../countable.ts'
import { jobFor } from './changes.ts'
import type { Job, Key } from '../job.ts'
import { saidOf } from '../said.ts'

/** What a provider adds of its own when tools are used (Anthropic: up to about 700 tokens), and a chat template's own marks. */
const TOOLS_OVERHEAD = 1000
const TEMPLATE_OVERHEAD = 64
/** What nobody bills. */
export const NOTHING: Price = { input: 0, output: 0, source: 'free' }

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
    ...(job.shadowOf === undefined ? {} : { shadowOf: job.shadowOf }),
    ...(await saidOf(job)),
    ...(job.inquiry?.decides === true ? { explains: true } : {}),
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
export function candidateAsk(request: Job, target: Candidate): CandidateAsk {
  const job = jobFor(request, target)
  const { intent } = job
  const slug = target.entry?.openrouterId
  const service = serviceHeard(intent, job.client.id, target)
  const price = intent.free === true ? NOTHING : (target.entry?.price ?? null) // of pictures the dearest: which kind is billed shows in the end
  const rates = price === null ? null : dearestServed(price, service)
  return {
    model: `${target.provider.id}/${target.model}`,
    ...(slug === undefined ? {} : { slug }),
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
    ...(target.variant === undefined
      ? {}
      : { asked: { outputTokens: intent.maxOutputTokens, leastOutputTokens: leastOutputTokens(intent), choices: intent.choices } }),
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
