// Opens one call of one target: builds the body in the place's language, sends it, and waits for headers. Nothing is read but errors.

import type { Fidelity } from '../core/account.ts'
import { Body } from '../core/body.ts'
import { joinBytes } from '../core/bytes.ts'
import { GatewayError } from '../core/errors.ts'
import { mediaTypeOf } from '../core/framing.ts'
import { redactor } from '../core/redact.ts'
import type { Orders, UpstreamDialect } from '../dialects/contract.ts'
import { upstreamDialect } from '../dialects/index.ts'
import type { Settings, Voice } from '../providers/contract.ts'
import { cacheWish } from './cache-wish.ts'
import type { Candidate } from './candidates.ts'
import { fidelityOf, FORWARDED, forwardedWithout } from './fidelity.ts'
import type { Job } from './job.ts'

export type Way = {
  readonly kind: 'forward' | 'translate'
  readonly voice: Voice
  readonly upstream: UpstreamDialect
  readonly dropped: readonly string[]
  readonly fidelity: Fidelity
}

/** Whether a call went out at all: what was never sent is never billed. */
export type Trace = { sent: boolean }

/** An answer whose headers say that it is one. `stop` ends the call upstream; `reason` tells why it was ended. */
export type Opened = {
  readonly way: Way
  readonly candidate: Candidate
  readonly response: Response
  readonly stop: (reason: GatewayError | null) => void
  readonly reason: () => GatewayError | null
  readonly hide: (text: string) => string
}

/** Of the client's headers only these go on, and only where the provider speaks the language they belong to. */
const PASSED_ON: { readonly [dialect: string]: readonly string[] } = {
  'openai-chat': ['openai-beta', 'idempotency-key', 'x-client-request-id'],
  'openai-responses': ['openai-beta', 'idempotency-key', 'x-client-request-id'],
  'anthropic-messages': ['anthropic-version', 'anthropic-beta', 'idempotency-key'],
}
const MOST_ERROR_BYTES = 65_536
const encoder = new TextEncoder()

/**
 * Sends. The call is ended when the client leaves, and when the headers take too long.
 * @throws GatewayError whatever the provider's refusal, silence or the request itself amounts to
 */
export async function send(job: Job, candidate: Candidate, maxOutputTokens: number | null, trace: Trace): Promise<Opened> {
  const { provider, settings } = candidate
  const way = wayOf(job, candidate)
  const { pieces, fidelity } = write(job, candidate, way.voice, way.upstream, way.kind, maxOutputTokens)
  const { dropped } = fidelity
  if (job.strict && dropped.length > 0) {
    throw new GatewayError('request-unsupported', `${provider.id} cannot be told ${dropped.join(', ')}, and x-sluice-strict is on.`, {
      at: dropped[0] as string,
    })
  }
  const hide = hiderOf(settings)
  const ended = new AbortController()
  let reason: GatewayError | null = null
  const stop = (why: GatewayError | null): void => {
    reason ??= why
    ended.abort()
  }
  const leave = (): void => stop(new GatewayError('client-gone', 'The client left.'))
  if (job.signal.aborted) leave()
  job.signal.addEventListener('abort', leave, { once: true })
  const timer = setTimeout(
    () => stop(new GatewayError('upstream-timeout', `${provider.id} did not begin to answer in time.`)),
    job.deps.limits.headersMs,
  )
  try {
    const url = urlOf(job, candidate, way)
    const headers = await headersOf(job, candidate, way)
    if (provider.sign !== undefined) {
      const signed = await provider.sign({ url, headers, bytes: joinBytes(pieces) }, settings, job.deps.now())
      for (const [name, value] of Object.entries(signed)) headers.set(name, value)
    }
    const init: RequestInit = {
      method: 'POST',
      headers,
      body: job.deps.upload(pieces) as BodyInit,
      redirect: 'manual',
      signal: ended.signal,
      ...HALF_DUPLEX,
    }
    trace.sent = true
    const response = await (provider.local === undefined ? job.deps.fetch(url, init) : provider.local(new Request(url, init)))
    if (response.status < 200 || response.status >= 300) throw await refusalOf(response, way.upstream, provider.id, hide)
    return { way: { ...way, dropped, fidelity }, candidate, response, stop, reason: () => reason, hide }
  } catch (cause) {
    if (reason !== null) throw reason
    if (cause instanceof GatewayError) throw cause
    throw new GatewayError('upstream-failed', `${provider.id} could not be reached.`, { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** What takes a place's credentials out of a text; made once for the settings of an isolate. */
function hiderOf(settings: Settings): (text: string) => string {
  const known = hiders.get(settings)
  if (known !== undefined) return known
  const hide = redactor(Object.values(settings.secrets))
  hiders.set(settings, hide)
  return hide
}

const hiders = new WeakMap<Settings, (text: string) => string>()

/** Required by the standard for bodies that are streams; TypeScript's DOM types lack it. */
const HALF_DUPLEX = { duplex: 'half' } as object

/** The client's own language where the place speaks it, else the place's first. */
function wayOf(job: Job, candidate: Candidate): Way {
  const { voices } = candidate.provider
  const own = voices.find((voice) => voice.dialect === job.client.id)
  const voice = own ?? voices[0]
  return {
    kind: own === undefined ? 'translate' : 'forward',
    voice,
    upstream: upstreamDialect(voice.dialect),
    dropped: [],
    fidelity: FORWARDED,
  }
}

type Outgoing = { readonly pieces: readonly Uint8Array[]; readonly fidelity: Fidelity }

function write(
  job: Job,
  candidate: Candidate,
  voice: Voice,
  upstream: UpstreamDialect,
  kind: Way['kind'],
  maxOutputTokens: number | null,
): Outgoing {
  const cache = cacheWish(job.headers)
  const orders: Orders = { model: candidate.model, maxOutputTokens, habits: voice.habits, ...(cache === undefined ? {} : { cache }) }
  const quirks = candidate.provider.quirks?.bind(candidate.provider)
  if (kind === 'forward') {
    const member = job.body.member.bind(job.body)
    const foreign = upstream.withoutForeignSeals?.(job.body, orders) ?? null
    const edits = [...upstream.edits(job.intent, orders, member), ...(quirks?.(voice.dialect, member) ?? []), ...(foreign?.edits ?? [])]
    return { pieces: job.body.spliced(edits), fidelity: forwardedWithout(foreign, job.client.names) }
  }
  const request = job.client.read(job.body)
  const written = upstream.write(request, job.intent, orders)
  const bytes = encoder.encode(written.text)
  const fidelity = fidelityOf(request, written, job.client.names, upstream.names, voice.habits)
  if (quirks === undefined) return { pieces: [bytes], fidelity }
  const body = new Body(bytes)
  return { pieces: body.spliced(quirks(voice.dialect, body.member.bind(body))), fidelity }
}

/** A stream that is forwarded comes framed as the client wants it; one that is translated is asked for as events. */
export function asksForArray(job: Job, way: Way): boolean {
  return way.kind === 'forward' && job.intent.stream && job.intent.framing === 'json-array'
}

function urlOf(job: Job, candidate: Candidate, way: Way): string {
  const base = candidate.settings.baseUrl
  if (base === null)
    throw new GatewayError(
      'credential-missing',
      `The provider ${candidate.provider.id} has no base URL: ${candidate.provider.baseUrlSetting} must be set.`,
    )
  return base.replace(/\/+$/, '') + way.voice.path(candidate.model, job.intent.stream, asksForArray(job, way) ? 'json-array' : 'sse')
}

async function headersOf(job: Job, candidate: Candidate, way: Way): Promise<Headers> {
  const headers = new Headers({
    'content-type': 'application/json',
    accept: job.intent.stream && !asksForArray(job, way) ? mediaTypeOf(way.voice.framing) : 'application/json',
    'user-agent': 'sluice',
  })
  for (const [name, value] of Object.entries(await candidate.provider.authorize(candidate.settings))) headers.set(name, value)
  if (way.kind === 'forward') {
    for (const name of PASSED_ON[way.voice.dialect] ?? []) {
      const value = job.headers.get(name)
      if (value !== null) headers.set(name, value)
    }
  }
  return headers
}

async function refusalOf(
  response: Response,
  upstream: UpstreamDialect,
  provider: string,
  hide: (text: string) => string,
): Promise<GatewayError> {
  const text = hide(await readSome(response))
  if (response.status < 400)
    return new GatewayError('upstream-failed', `${provider} answered with status ${response.status}; redirects are not followed.`)
  return (
    upstream.readError(response.status, response.headers, text) ??
    new GatewayError('upstream-failed', `${provider} answered with status ${response.status}.`)
  )
}

/** The first bytes of an error's body as text; a body that does not end is left alone. */
async function readSome(response: Response): Promise<string> {
  if (response.body === null) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done || value === undefined) break
      text += decoder.decode(value, { stream: true })
      size += value.length
      if (size > MOST_ERROR_BYTES) break
    }
  } catch {
    // what came is what can be told
  }
  void reader.cancel().catch(() => undefined)
  return text
}
