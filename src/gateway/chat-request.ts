// Builds a chat request in the place's language: the client's bytes with a few edits where it speaks the same, else written anew.

import { Body } from '../core/body.ts'
import { mediaTypeOf } from '../core/framing.ts'
import type { ChatRequest } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'
import type { Orders, UpstreamDialect } from '../dialects/contract.ts'
import { upstreamDialect } from '../dialects/index.ts'
import type { Voice } from '../providers/contract.ts'
import { cacheWish } from './cache-wish.ts'
import type { Candidate } from './planning/candidate.ts'
import { fidelityOf, forwardedWithout } from './fidelity.ts'
import type { ChatJob } from './job.ts'
import type { Outgoing } from './send.ts'
import { passedOn } from './passed-on.ts'

/** How a chat goes to a place: its own language there, and whether it is the client's. */
export type Way = { readonly kind: 'forward' | 'translate'; readonly voice: Voice; readonly upstream: UpstreamDialect }

const encoder = new TextEncoder()

/** The client's own language where the place speaks it, else the place's first. */
export function wayOf(job: ChatJob, candidate: Candidate): Way {
  const { provider, model } = candidate
  const voices = provider.voicesFor?.(model) ?? provider.voices
  const own = voices.find((voice) => voice.dialect === job.client.id)
  const voice = own ?? voices[0]
  if (voice === undefined) throw new GatewayError('no-target-left', `${candidate.provider.id} has no chat.`)
  return { kind: own === undefined ? 'translate' : 'forward', voice, upstream: upstreamDialect(voice.dialect) }
}

/** `said`: instead of what the client's body says; in translation only. @throws GatewayError `request-malformed`, `request-unsupported`, `model-unknown` */
export function chatRequest(
  job: ChatJob,
  candidate: Candidate,
  way: Way,
  maxOutputTokens: number | null,
  said: ChatRequest | null = null,
): Outgoing {
  const { voice, upstream } = way
  const isArray = asksForArray(job, way)
  return {
    candidate,
    path: voice.path(candidate.model, job.intent.stream, isArray ? 'json-array' : 'sse', candidate.settings),
    headers: {
      'content-type': 'application/json',
      accept: job.intent.stream && !isArray ? mediaTypeOf(voice.framing) : 'application/json',
      ...(way.kind === 'forward' ? passedOn(voice.dialect, job.headers, voice.passesOn) : {}),
    },
    ...written(job, candidate, way, maxOutputTokens, said),
    language: {
      dialect: voice.dialect,
      framing: isArray ? 'json-array' : voice.framing,
      stream: job.intent.stream,
      choices: job.intent.choices,
      emptyIsFree: candidate.provider.emptyIsFree !== undefined,
    },
    readError: upstream.readError.bind(upstream),
  }
}

function written(
  job: ChatJob,
  candidate: Candidate,
  way: Way,
  maxOutputTokens: number | null,
  said: ChatRequest | null,
): Pick<Outgoing, 'body' | 'dropped' | 'fidelity'> {
  const { voice, upstream } = way
  const { names } = job.client
  const cache = cacheWish(job.headers)
  const orders: Orders = { model: candidate.model, maxOutputTokens, habits: voice.habits, ...(cache === undefined ? {} : { cache }) }
  const quirks = candidate.provider.quirks?.bind(candidate.provider)
  if (way.kind === 'forward') {
    const member = job.body.member.bind(job.body)
    const foreign = upstream.withoutForeignSeals?.(job.body, orders) ?? null
    const edits = [
      ...upstream.edits(job.intent, orders, member),
      ...(quirks?.(voice.dialect, member, job.headers) ?? []),
      ...(foreign?.edits ?? []),
    ]
    const fidelity = forwardedWithout(foreign, candidate.provider.leavesOut?.(voice.dialect, job.headers) ?? [], names)
    return { body: job.body.spliced(edits), dropped: fidelity.dropped, fidelity }
  }
  const request = said ?? job.client.read(job.body)
  const text = upstream.write(request, job.intent, orders)
  const bytes = encoder.encode(text.text)
  const fidelity = fidelityOf(request, text, names, upstream.names, voice.habits)
  const { dropped } = fidelity
  if (quirks === undefined) return { body: [bytes], dropped, fidelity }
  const body = new Body(bytes)
  return { body: body.spliced(quirks(voice.dialect, body.member.bind(body))), dropped, fidelity }
}

/** A stream that is forwarded comes framed as the client wants it; one that is translated is asked for as events. */
export function asksForArray(job: ChatJob, way: Way): boolean {
  return way.kind === 'forward' && job.intent.stream && job.intent.framing === 'json-array'
}
