// Judges a chat's answer before the client has anything of it: a whole one as it was read, a stream that is held back, or one that ended without
// content. Costs a parse of answers that would pass as bytes; only where a route wants it.

import type { ChatEvent, ChatRequest, ChatResponse } from '../../core/canonical.ts'
import { collect } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { unfitness } from '../../core/unfit.ts'
import type { Cascade } from '../../routing/contract.ts'
import type { Committed, CommittedStream } from '../commit.ts'
import type { ChatJob } from '../job.ts'
import type { Judged } from '../manner.ts'
import { readWithin } from '../read-within.ts'

/** What is longer is given unjudged, a stream from there on as it comes. */
const MOST_BYTES = 2_097_152

/** `job`: as the target got it. `ceiling`: as it was enforced; `null`: the client's own stands. */
export async function judged(
  job: ChatJob,
  from: Committed,
  ceiling: number | null,
  { on, holdsStreams }: Cascade,
): Promise<Judged<Committed>> {
  const fine = (answer: Committed, wholeMs: number | null = null, broken: GatewayError | null = null): Judged<Committed> => ({
    answer,
    unfit: null,
    wholeMs,
    broken,
  })
  if (job.intent.choices !== 1 || from.kind === 'large') return fine(from)
  if (from.kind === 'whole' && from.bytes.length > MOST_BYTES) return fine(from)
  if (from.kind === 'stream' && !holdsStreams && !endedWithoutContent(from.events)) return fine(from)
  const { answer, broken } = from.kind === 'stream' ? await heldBack(job, from) : { answer: from, broken: null }
  if (broken !== null || (answer.kind === 'stream' && !answer.over)) return fine(answer, null, broken)
  const wholeMs = answer.kind === 'stream' ? job.deps.now() - (answer.tally.firstEventAt ?? job.startedAt) : null
  try {
    const expected = { request: requestOf(job), ceiling: ceiling ?? job.intent.maxOutputTokens }
    return { answer, unfit: unfitness(responseOf(answer), expected, on), wholeMs, broken }
  } catch {
    return fine(answer, wholeMs) // nobody can read it
  }
}

function responseOf(answer: Exclude<Committed, { kind: 'large' }>): ChatResponse {
  if (answer.kind === 'stream') return collect(answer.events)
  return answer.response ?? answer.opened.way.upstream.read(new TextDecoder().decode(answer.bytes))
}

/** `null`: only its own place understands it. */
function requestOf({ client, body }: ChatJob): ChatRequest | null {
  try {
    return client.read(body)
  } catch {
    return null
  }
}

function endedWithoutContent(events: readonly ChatEvent[]): boolean {
  let isOver = false
  for (const event of events) {
    if (event.kind === 'block-delta' && event.text !== '') return false
    if (event.kind === 'block-start' && event.block.kind !== 'text' && event.block.kind !== 'reasoning') return false
    isOver ||= event.kind === 'finish'
  }
  return isOver
}

type Held = { readonly answer: CommittedStream; readonly broken: GatewayError | null }

/** To its end, in the time that a whole answer has, inside the client's own deadline. What breaks off or takes too long goes on from there, and its carrier says so. */
async function heldBack(job: ChatJob, from: CommittedStream): Promise<Held> {
  if (from.over) return { answer: from, broken: from.tally.failure }
  const { opened, rest, source, frames, tally } = from
  const { headersMs, idleMs, bodyMs } = job.deps.limits
  const held = [...from.held]
  const events = [...from.events]
  const take = (list: readonly ChatEvent[]): void => {
    for (const event of list) {
      tally.see(event)
      events.push(event)
    }
  }
  let size = 0
  const read = async (): Promise<boolean> => {
    for (;;) {
      const { done, value } = await rest.read()
      if (done) break
      held.push(value)
      size += value.length
      const list = source.push(value)
      tally.frames += list.length
      for (const frame of list) take(frames.read(frame))
      if (size > MOST_BYTES) return false
    }
    for (const frame of source.end()) take(frames.read(frame))
    if (tally.failure === null) take(frames.end())
    return true
  }
  const leftMs = job.deadlineAt == null ? Number.POSITIVE_INFINITY : Math.max(0, job.deadlineAt - job.deps.now())
  const mostMs = Math.min(bodyMs ?? Math.max(headersMs, idleMs), leftMs)
  let broken: GatewayError | null = null
  const over = await readWithin(opened, mostMs, 'did not come to its end in time.', read).catch((cause: unknown) => {
    broken = cause instanceof GatewayError ? cause : new GatewayError('upstream-cut', 'The answer broke off.', { cause })
    return false
  })
  return { answer: { ...from, held, events, over }, broken: broken ?? tally.failure }
}
