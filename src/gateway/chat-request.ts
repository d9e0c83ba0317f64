// Builds a chat request in the place's language: the client's bytes with a few edits where it speaks the same, else written anew.

import { Body } from '../core/body.ts'
import { mediaTypeOf } from '../core/framing.ts'
import { GatewayError } from '../core/errors.ts'
import type { Orders, UpstreamDialect } from '../dialects/contract.ts'
import { upstreamDialect } from '../dialects/index.ts'
import type { Voice } from '../providers/contract.ts'
import type { Candidate } from './candidates.ts'
import type { ChatJob } from './job.ts'
import type { Outgoing } from './send.ts'
import { passedOn } from './passed-on.ts'

/** How a chat goes to a place: its own language there, and whether it is the client's. */
export type Way = { readonly kind: 'forward' | 'translate'; readonly voice: Voice; readonly upstream: UpstreamDialect }

const encoder = new TextEncoder()

/** The client's own language where the place speaks it, else the place's first. */
export function wayOf(job: ChatJob, candidate: Candidate): Way {
  const { voices } = candidate.provider
  const own = voices.find((voice) => voice.dialect === job.client.id)
  const voice = own ?? voices[0]
  if (voice === undefined) throw new GatewayError('no-target-left', `${candidate.provider.id} has no chat.`)
  return { kind: own === undefined ? 'translate' : 'forward', voice, upstream: upstreamDialect(voice.dialect) }
}

/** @throws GatewayError `request-malformed`, `request-unsupported`, `model-unknown` */
export function chatRequest(job: ChatJob, candidate: Candidate, way: Way, maxOutputTokens: number | null): Outgoing {
  const { voice, upstream } = way
  const isArray = asksForArray(job, way)
  return {
    candidate,
    path: voice.path(candidate.model, job.intent.stream, isArray ? 'json-array' : 'sse'),
    headers: {
      'content-type': 'application/json',
      accept: job.intent.stream && !isArray ? mediaTypeOf(voice.framing) : 'application/json',
      ...(way.kind === 'forward' ? passedOn(voice.dialect, job.headers) : {}),
    },
    ...written(job, candidate, way, maxOutputTokens),
    readError: upstream.readError.bind(upstream),
  }
}

function written(job: ChatJob, candidate: Candidate, way: Way, maxOutputTokens: number | null): Pick<Outgoing, 'body' | 'dropped'> {
  const { voice, upstream } = way
  const orders: Orders = { model: candidate.model, maxOutputTokens, habits: voice.habits }
  const quirks = candidate.provider.quirks?.bind(candidate.provider)
  if (way.kind === 'forward') {
    const member = job.body.member.bind(job.body)
    const edits = [...upstream.edits(job.intent, orders, member), ...(quirks?.(voice.dialect, member) ?? [])]
    return { body: job.body.spliced(edits), dropped: [] }
  }
  const text = upstream.write(job.client.read(job.body), job.intent, orders)
  const bytes = encoder.encode(text.text)
  const dropped = text.dropped.map((name) => inClientWords(name, job.client.names))
  if (quirks === undefined) return { body: [bytes], dropped }
  const body = new Body(bytes)
  return { body: body.spliced(quirks(voice.dialect, body.member.bind(body))), dropped }
}

/** `maxOutputTokens` → `max_tokens`, `tools[2].strict` → `tools[2].function.strict`, by the client dialect's own table. */
export function inClientWords(name: string, names: { readonly [canonical: string]: string }): string {
  const head = /^[A-Za-z]+/.exec(name)?.[0] ?? ''
  const word = Object.hasOwn(names, head) ? names[head] : undefined
  return word === undefined ? name : word + name.slice(head.length)
}

/** A stream that is forwarded comes framed as the client wants it; one that is translated is asked for as events. */
export function asksForArray(job: ChatJob, way: Way): boolean {
  return way.kind === 'forward' && job.intent.stream && job.intent.framing === 'json-array'
}
