// Plays recordings through a dialect's halves: text to frames to events, and the intents and orders a gateway would have made.

import { Body } from '../../src/core/body.ts'
import type { ChatEvent, ChatRequest } from '../../src/core/canonical.ts'
import { frameText, SseReader } from '../../src/core/sse.ts'
import type { Frame, Incoming, Intent, Orders, UpstreamDialect } from '../../src/dialects/contract.ts'
import { answerText, type Recording } from '../support/recordings.ts'

const encoder = new TextEncoder()
/** A second of no importance: tests have no clock. */
const NOW_SECONDS = 1_790_000_000

/** The frames of a stream whose bytes arrive in these pieces. */
export function framesOf(pieces: readonly Uint8Array[]): readonly Frame[] {
  const reader = new SseReader()
  return [...pieces.flatMap((piece) => [...reader.push(piece)]), ...reader.end()]
}

/** The bytes of a recorded stream. */
export function streamBytes(recording: Recording): Uint8Array {
  return encoder.encode(answerText(recording))
}

/** All events of these frames, the end of the stream included. */
export function eventsOf(dialect: UpstreamDialect, frames: readonly Frame[]): readonly ChatEvent[] {
  const reader = dialect.reader()
  return [...frames.flatMap((frame) => [...reader.read(frame)]), ...reader.end()]
}

/** All events of a recorded stream. */
export function recordedEvents(dialect: UpstreamDialect, recording: Recording): readonly ChatEvent[] {
  return eventsOf(dialect, framesOf([streamBytes(recording)]))
}

/** What a client receives: the text of these frames. */
export function textOf(frames: readonly Frame[]): string {
  return frames.map(frameText).join('')
}

/** What the gateway would know of a plain request that asks for everything. */
export function intentFor(stream: boolean, wantsUsage = true): Intent {
  return {
    model: 'test/model',
    stream,
    wantsUsage,
    maxOutputTokens: null,
    reasoningTokens: null,
    choices: 1,
    needs: new Set(),
    inputBound: 1000,
    endUserId: null,
    session: null,
    nowSeconds: NOW_SECONDS,
  }
}

/** A place that takes every member its language has a word for. */
const ACCEPTS = new Set(
  `top_k cache_control reasoning_content reasoning_details min_p top_a repetition_penalty image_config stop_server_tools_when trace
  metadata prompt_cache_key prompt_cache_retention`.split(/\s+/),
)

/** Orders that change the model only. */
export function ordersFor(issuer: string): Orders {
  return { model: 'ordered-model', maxOutputTokens: null, habits: { issuer, accepts: ACCEPTS } }
}

/** Whose seals a request carries: a place that opens them must be chosen for it to be sent back whole. */
export function issuerOf(request: ChatRequest): string {
  for (const turn of request.turns) for (const part of turn.parts) if ('seal' in part && part.seal !== undefined) return part.seal.issuer
  return 'nobody'
}

/** A request as it comes in. @throws GatewayError for a body the gateway refuses before it is read */
export function incoming(path: string, text: string): Incoming & { readonly body: Body } {
  return {
    path,
    query: new URLSearchParams(),
    nowSeconds: NOW_SECONDS,
    headers: new Headers({ 'content-type': 'application/json' }),
    body: new Body(encoder.encode(text)),
  }
}
