// Answers: response headers of a served request, and refusals in the client's own dialect.

import { dollarsText } from '../core/money.ts'
import { GatewayError } from '../core/errors.ts'
import type { ClientFace } from '../dialects/contract.ts'
import type { Admission, KeptAnswer, Leg } from '../core/account.ts'
import type { RatesView } from '../core/rates.ts'
import { warningText, type Warning } from '../core/soft-limit.ts'
import type { Deps } from '../ports.ts'
import type { Candidate } from './planning/candidate.ts'
import { toldDecision } from './telling/decision-told.ts'
import type { Job } from './job.ts'
import { retirementHeaders } from './planning/retirement.ts'
import { routerMetadata } from './telling/router-metadata.ts'
import type { Opened } from './send.ts'

/** Upstream headers that a client may see; a request id is what a provider's support asks for. */
const SENT_BACK = ['x-request-id', 'request-id', 'openai-processing-ms', 'openai-version', 'openai-model', 'cf-ray'] as const

/** `legs`: every call that was made for it, in the order in which they ended. */
export function servedHeaders(job: Job, opened: Opened, admission: Granted, legs: readonly Leg[]): Headers {
  const { candidate, response, dropped, fidelity, hide } = opened
  const headers = admittedHeaders(job, admission)
  headers.set('x-sluice-provider', candidate.provider.id)
  headers.set('x-sluice-model', headerText(candidate.model))
  retirementHeaders(headers, candidate)
  difficultyHeader(headers, job)
  if (legs.length > 1) headers.set('x-sluice-attempts', attemptsText(legs))
  for (const name of SENT_BACK) {
    const value = response.headers.get(name)
    if (value !== null && name !== 'cf-ray') headers.set(name, hide(value))
  }
  if (dropped.length > 0) headers.set('x-sluice-dropped', headerText(dropped.join(',')).slice(0, 2048))
  if (fidelity !== null && fidelity.approximated.length > 0)
    headers.set('x-sluice-approximated', headerText(fidelity.approximated.join(',')).slice(0, 2048))
  return headers
}

/** What the request was judged as, where its model was chosen: `hard; task=math`. */
function difficultyHeader(headers: Headers, { choosing }: Job): void {
  const verdict = choosing?.asked ?? null
  if (verdict === null) return
  headers.set('x-sluice-difficulty', verdict.abstains ? 'unknown' : `${verdict.difficulty}; task=${verdict.taskType}`)
}

const MOST_TOLD = 12

/** `groq/llama 503 upstream-overloaded, groq/llama-8b 200 unfit:schema, together/llama 200`: in the order in which they ended. */
function attemptsText(legs: readonly Leg[]): string {
  const told = legs.slice(-MOST_TOLD).map(({ provider, model, status, outcome, unfit }) => {
    const how = unfit !== undefined ? ` unfit:${unfit}` : outcome === 'committed' ? '' : ` ${outcome}`
    return `${provider}/${model}${status === null ? '' : ` ${status}`}${how}`
  })
  return headerText(told.join(', '))
}

type Granted = Admission & { readonly kind: 'granted' }

/** What is known before anybody has answered. */
export function admittedHeaders(job: Job, admission: Granted): Headers {
  const headers = new Headers({ 'x-sluice-request-id': job.id, 'x-generation-id': job.id, 'cache-control': 'no-store' })
  if (admission.clamped && admission.maxOutputTokens !== null) {
    headers.set('x-sluice-clamped', `${job.client.names['maxOutputTokens'] ?? 'max_tokens'}=${admission.maxOutputTokens}`)
  }
  if (admission.hold.elastic !== undefined) headers.set('x-sluice-hold', 'elastic')
  rateHeaders(headers, admission.rates)
  warningHeader(headers, admission.warnings)
  if (admission.repeated) headers.set('x-sluice-idempotency', 'new')
  decisionHeader(headers, job)
  return headers
}

/** Why it goes where it goes, to whom asked. */
function decisionHeader(headers: Headers, job: Job): void {
  const told = toldDecision(job)
  if (told !== null) headers.set(DECISION, told.header)
}

const DECISION = 'x-sluice-decision'

/** A header's value: what cannot stand in one is percent-encoded. */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (c) => (c.codePointAt(0) === undefined || /[\ud800-\udfff]/.test(c) ? '?' : encodeURIComponent(c)))
}

/** US dollars of whole nano-dollars, as a decimal that loses none of them. */
export function costHeader(headers: Headers, costNanoUsd: number | null): void {
  if (costNanoUsd !== null) headers.set('x-sluice-cost-usd', dollarsText(costNanoUsd))
}

/** `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, whole numbers, the reset in seconds. */
function rateHeaders(headers: Headers, rates: RatesView | undefined): void {
  for (const what of ['requests', 'tokens'] as const) {
    const view = rates?.[what]
    if (view === undefined) continue
    headers.set(`x-ratelimit-limit-${what}`, String(view.limit))
    headers.set(`x-ratelimit-remaining-${what}`, String(view.remaining))
    headers.set(`x-ratelimit-reset-${what}`, String(Math.ceil(view.resetMs / 1000)))
  }
}

/** Soft limits that are reached. */
function warningHeader(headers: Headers, warnings: readonly Warning[] | undefined): void {
  if (warnings !== undefined) headers.set('x-sluice-budget-warning', warningText(warnings))
}

export function replay(admission: Admission & { readonly kind: 'replay' }): Response {
  const { answer } = admission
  return new Response(answer.text, { status: answer.status, headers: { ...answer.headers, 'x-sluice-idempotency': 'replayed' } })
}

/** An answer that is no text (sound, a picture) is not kept. */
export function keptAnswer(response: Response, body: string | Uint8Array): KeptAnswer | null {
  if (!/json|text/.test(response.headers.get('content-type') ?? '')) return null
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body)
  // Whoever repeats it may not have asked why.
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== DECISION))
  return { status: response.status, headers, text }
}

/** Any failure, in the client's dialect. What is no GatewayError is a bug of ours: it is logged, and not told. */
export function refuse(
  cause: unknown,
  client: ClientFace,
  requestId: string,
  log: Deps['log'],
  at: Candidate | null = null,
  job: Job | null = null,
): Response {
  const error =
    cause instanceof GatewayError
      ? cause
      : new GatewayError(
          'gateway-bug',
          'Sluice failed at this request. Nothing of it is your fault; the request id helps to find out why.',
          { cause },
        )
  if (error.code === 'gateway-bug')
    log(() => ({
      level: 'error',
      request_id: requestId,
      bug: cause instanceof Error ? (cause.stack ?? cause.message).slice(0, 2000) : 'not an Error',
    }))
  const status = client.status(error)
  const headers = new Headers({
    'content-type': 'application/json',
    'x-sluice-request-id': requestId,
    'x-generation-id': requestId,
    'cache-control': 'no-store',
  })
  if (at !== null) {
    headers.set('x-sluice-provider', at.provider.id)
    headers.set('x-sluice-model', headerText(at.model))
    retirementHeaders(headers, at)
  }
  rateHeaders(headers, error.detail.rates)
  warningHeader(headers, error.detail.warnings)
  if (error.detail.retryAfterMs !== undefined) headers.set('retry-after', String(Math.max(1, Math.ceil(error.detail.retryAfterMs / 1000))))
  else if (error.code === 'gateway-unavailable') headers.set('retry-after', '1')
  if (!error.rule.clientMayRetry) headers.set('x-should-retry', 'false')
  const told = client.writeError(error, requestId, at?.provider)
  if (job?.inquiry === undefined) return new Response(JSON.stringify(told), { status, headers })
  job.inquiry.refused = error.code
  job.inquiry.told = null // what was told before it failed
  decisionHeader(headers, job)
  const metadata = routerMetadata(job, at)
  return new Response(JSON.stringify(metadata === null ? told : { ...told, openrouter_metadata: metadata }), { status, headers })
}
