// Sends one call to one target and waits for the headers of its answer. Nothing is read but errors, and no language is known here.

import type { Fidelity } from '../core/account.ts'
import { joinBytes } from '../core/bytes.ts'
import { GatewayError } from '../core/errors.ts'
import { redactor } from '../core/redact.ts'
import type { Settings } from '../providers/contract.ts'
import type { Candidate } from './planning/candidate.ts'
import type { Language, LastingCall } from '../ports.ts'
import type { Job } from './job.ts'

/** Whether a call went out at all: what was never sent is never billed. `lasting`: it went by somebody who can go on when the client leaves. */
export type Trace = { sent: boolean; lasting: LastingCall | null }

/** A call as it will go out. `path` stands below the place's base URL; the headers that authorise it come by themselves. */
export type Outgoing = {
  readonly candidate: Candidate
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  /** Pieces of a body that is here, or what is still coming from the client. */
  readonly body: readonly Uint8Array[] | ReadableStream<Uint8Array>
  /** Why a body that is still coming could not be passed on; `null`: it could, or still may. */
  bodyFailure?(): GatewayError | null
  /** How the answer can be read without whoever asked; absent: only together with it. */
  readonly language?: Language
  /** What could not be said to this target, in the client's words. */
  readonly dropped: readonly string[]
  /** What became of a chat on its way, for its record. */
  readonly fidelity?: Fidelity
  /** The place's refusal; `null`: not one that its language knows. */
  readError(status: number, headers: Headers, text: string): GatewayError | null
}

/** An answer whose headers say that it is one. `stop` ends the call upstream; `reason` tells why it was ended. */
export type Opened = {
  readonly candidate: Candidate
  readonly dropped: readonly string[]
  readonly fidelity: Fidelity | null
  readonly response: Response
  readonly stop: (reason: GatewayError | null) => void
  readonly reason: () => GatewayError | null
  readonly hide: (text: string) => string
}

const MOST_ERROR_BYTES = 65_536

/**
 * Sends. The call is ended when the client leaves, and when the headers take too long.
 * @throws GatewayError whatever the provider's refusal, silence or the request itself amounts to
 */
export async function send(job: Job, out: Outgoing, trace: Trace): Promise<Opened> {
  const { candidate, dropped } = out
  const { provider, settings } = candidate
  if (job.strict && dropped.length > 0) {
    throw new GatewayError('request-unsupported', `${provider.id} cannot be told ${dropped.join(', ')}, and x-sluice-strict is on.`, {
      at: dropped[0] as string,
    })
  }
  let hide = hiderOf(settings)
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
    const url = urlOf(out)
    const headers = new Headers({ 'user-agent': 'sluice', ...out.headers })
    const authorized = await provider.authorize(settings, {
      fetch: (address, init) => job.deps.fetch(address, { ...init, signal: ended.signal }),
      nowMs: job.deps.now(),
    })
    if (provider.fetchesToken === true) hide = hidingToo(hide, authorized)
    for (const [name, value] of Object.entries(authorized)) headers.set(name, value)
    const { body } = out
    if (provider.sign !== undefined) {
      if (body instanceof ReadableStream)
        throw new GatewayError('request-unsupported', `${provider.id} signs its requests and does not take a form.`)
      const signed = await provider.sign({ url, headers, bytes: joinBytes(body) }, settings, job.deps.now())
      for (const [name, value] of Object.entries(signed)) headers.set(name, value)
    }
    const init: RequestInit = {
      method: 'POST',
      headers,
      body: (body instanceof ReadableStream ? body : job.deps.upload(body)) as BodyInit,
      redirect: 'manual',
      signal: ended.signal,
      ...HALF_DUPLEX,
    }
    if (reason !== null) throw reason
    const lasting = lastingCall(job, out)
    trace.sent = true
    trace.lasting = lasting
    const response = await (provider.local === undefined ? (lasting ?? job.deps).fetch(url, init) : provider.local(new Request(url, init)))
    if (response.status < 200 || response.status >= 300) throw await refusalOf(response, out, hide)
    return { candidate, dropped, fidelity: out.fidelity ?? null, response, stop, reason: () => reason, hide }
  } catch (cause) {
    const failure = out.bodyFailure?.() ?? null
    if (failure !== null) throw failure
    if (reason !== null) throw reason
    if (cause instanceof GatewayError) throw cause
    throw new GatewayError('upstream-failed', `${provider.id} could not be reached.`, { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** `null`: the call ends with its client, or ends its bill then. */
function lastingCall(job: Job, { candidate: { provider }, language }: Outgoing): LastingCall | null {
  if (job.drains !== true || language === undefined) return null
  if (provider.local !== undefined || provider.stopsBillingOnAbort.answer === 'yes') return null
  return job.deps.lasting(language)
}

/** What takes a place's credentials out of a text; made once for the settings of an isolate. */
function hiderOf(settings: Settings): (text: string) => string {
  const known = hiders.get(settings)
  if (known !== undefined) return known
  const hide = redactor(Object.values(settings.secrets))
  hiders.set(settings, hide)
  return hide
}

/** Tokens that were fetched: no setting holds them. */
function hidingToo(hide: (text: string) => string, authorized: { readonly [header: string]: string }): (text: string) => string {
  const hideTokens = redactor(Object.values(authorized).map((value) => value.replace(/^Bearer /, '')))
  return (text) => hideTokens(hide(text))
}

const hiders = new WeakMap<Settings, (text: string) => string>()

/** Required by the standard for bodies that are streams; TypeScript's DOM types lack it. */
const HALF_DUPLEX = { duplex: 'half' } as object

function urlOf({ candidate, path }: Outgoing): string {
  const base = candidate.settings.baseUrl
  if (base === null)
    throw new GatewayError(
      'credential-missing',
      `The provider ${candidate.provider.id} has no base URL: ${candidate.provider.baseUrlSetting} must be set.`,
    )
  return base.replace(/\/+$/, '') + path
}

async function refusalOf(response: Response, out: Outgoing, hide: (text: string) => string): Promise<GatewayError> {
  const provider = out.candidate.provider.id
  const text = hide(await readSome(response))
  if (response.status < 400)
    return new GatewayError('upstream-failed', `${provider} answered with status ${response.status}; redirects are not followed.`)
  return (
    out.readError(response.status, response.headers, text) ??
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
