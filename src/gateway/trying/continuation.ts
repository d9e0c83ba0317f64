// A plain text that broke off is carried on by another target, once: one message for the client, with what is said twice left out. Every
// call stays inside the hold; where that cannot be, or nobody is left, the client gets the error as ever.

import type { Ending } from '../../core/account.ts'
import type { Booked } from '../../core/bill.ts'
import type { ChatEvent, Usage } from '../../core/canonical.ts'
import { GatewayError, type ErrorCode } from '../../core/errors.ts'
import { Seam } from '../../core/overlap.ts'
import { costNanoUsd } from '../../core/price.ts'
import { addUsage } from '../../core/usage.ts'
import type { Served } from '../../dialects/contract.ts'
import type { LastingCall } from '../../ports.ts'
import { firstToCommit, type Tries } from './attempts.ts'
import type { Outcome } from '../book.ts'
import type { Candidate } from '../planning/candidate.ts'
import { jobFor } from '../planning/changes.ts'
import { chatRequest, wayOf, type Way } from '../chat-request.ts'
import { commit, type Committed, type CommittedStream } from '../commit.ts'
import type { ChatJob } from '../job.ts'
import type { Call, Legs } from './legs.ts'
import { asksForText, carriesOn, onwardBytes, onwardNeed, onwardRequest } from './onward.ts'
import type { Choice } from '../planning/rank.ts'
import { ended } from '../planning/route.ts'
import { send, type Trace } from '../send.ts'
import { servedBy } from '../served-by.ts'

/** Who could go on, and by what rules. `call`: the one whose answer has begun. */
export type Onward = {
  readonly choices: readonly Choice[]
  readonly call: Call
  readonly legs: Legs
  readonly tries: Tries
  /** For the one whose answer has begun. */
  readonly ceiling: number | null
}

/** The provider's own faults; what was refused, or ended by us or by the client, stays ended. */
const FAULTS: ReadonlySet<ErrorCode> = new Set([
  'upstream-cut',
  'upstream-failed',
  'upstream-overloaded',
  'upstream-limited',
  'upstream-garbled',
  'upstream-timeout',
])
/** Longer texts are not kept. */
const MOST_TEXT = 262_144

type Next = {
  readonly job: ChatJob
  readonly from: CommittedStream
  readonly call: Call
  readonly lasting: LastingCall | null
  readonly before: Booked
  readonly bytes: number
  readonly seam: Seam
}

export class Continuation {
  readonly #job: ChatJob
  readonly #first: CommittedStream
  readonly #onward: Onward
  readonly #owedNanoUsd: number | null
  readonly #heldNanoUsd: number
  /** What the client has: one block of text, begun and not ended. */
  #text = ''
  #index: number | null = null
  #isPlain = true
  #isTried = false
  #next: Next | null = null
  /** Of the one that goes on. */
  readonly #textBlocks = new Set<number>()
  #usage: Usage | null = null
  #isAnother = false

  constructor(job: ChatJob, first: CommittedStream, onward: Onward) {
    this.#job = job
    this.#first = first
    this.#onward = onward
    this.#owedNanoUsd = onward.legs.owedBeside(onward.call)
    this.#heldNanoUsd = onward.legs.hold.nanoUsd
  }

  /** Who answers, as it stands: another, once that one goes on. The cost is of all of it. */
  get served(): Served {
    const first = servedBy(this.#job, this.#first.opened.candidate)
    const now = (): Served => (this.#next === null ? first : servedBy(this.#job, this.#next.from.opened.candidate))
    return {
      requestId: first.requestId,
      get provider() {
        return now().provider
      },
      get model() {
        return now().model
      },
      costNanoUsd: (usage) => (this.#next === null ? first.costNanoUsd(usage) : this.#costOf(this.#next, usage)),
    }
  }

  /** Events of whoever answers now, those of one read, as they reach the client's language. */
  through(events: readonly ChatEvent[]): readonly ChatEvent[] {
    const next = this.#next
    if (next !== null) return events.flatMap((event) => this.#spliced(event, next))
    // A reader closes what is open before it says that the answer broke off: that block has not ended.
    const told = events.some(({ kind }) => kind === 'error') ? events.filter(({ kind }) => kind !== 'block-end') : events
    for (const event of told) this.#note(event)
    return told
  }

  /** Says, where the one begins that goes on, who that is. */
  mark(): string {
    const { client } = this.#job
    if (this.#next === null || client.takesNoComments === true) return ''
    const { provider, model } = this.#next.from.opened.candidate
    return `: sluice continued by ${provider.id}/${model.replace(/[^\x20-\x7e]/g, '?')}\n\n`
  }

  /**
   * Asks the others to go on; `null`: nobody does, or nobody may be asked. `gone` fires when the client is seen to have left meanwhile.
   * Once: an answer that breaks off again ends.
   */
  async resume(error: GatewayError, gone: AbortSignal): Promise<CommittedStream | null> {
    const { choices, legs, call, tries } = this.#onward
    const { tally, opened } = this.#first
    if (this.#isTried || !FAULTS.has(error.code) || !this.#isPlain || this.#text.trim() === '' || tally.finish !== null) return null
    this.#isTried = true
    const { deps, signal } = this.#job
    if (signal.aborted || gone.aborted || (tries.deadlineAt !== null && deps.now() >= tries.deadlineAt)) return null
    const bytes = onwardBytes(this.#text)
    const { budgeted } = legs.hold
    const needs = new Map<Candidate, number>()
    const able = choices.filter(({ candidate, ceiling }) => {
      const left = this.#ceiling(ceiling, jobFor(this.#job, candidate))
      const need = left !== null && left < 1 ? null : onwardNeed(this.#job, candidate, bytes, left, budgeted)
      if (need !== null) needs.set(candidate, need)
      return need !== null
    })
    if (able.length === 0) return null
    const before = legs.broken(call, tally, needs)
    const job: ChatJob = { ...this.#job, signal: AbortSignal.any([signal, gone]) }
    const manner = { open: this.#open.bind(this) } as const
    const onwards = { ...tries, retries: 0, hedge: null, firstContentAt: null }
    const first = await firstToCommit<ChatJob, Committed>(manner, job, able, legs, onwards)
    if (first.kind === 'failed' || first.from.kind !== 'stream') return null
    legs.continued(call, error)
    ended(jobFor(this.#job, opened.candidate), opened.candidate, tally, 'upstream-cut', null)
    const { from, lasting } = first
    const seam = new Seam(this.#text, carriesOn(from.opened.way, from.opened.candidate))
    this.#next = { job: jobFor(job, from.opened.candidate), from, call: first.call, lasting, before, bytes, seam }
    return from
  }

  /** How all of it came out. `outcome`: as it is where nobody went on. */
  concluded(outcome: Outcome, lasting: LastingCall | null): { readonly outcome: Outcome; readonly lasting: LastingCall | null } {
    const { legs, call } = this.#onward
    const next = this.#next
    if (next === null) {
      const owedNanoUsd = legs.owedBeside(call)
      // What was held for others who did not go on is not this call's.
      const more = owedNanoUsd === null || this.#owedNanoUsd === null ? 0 : owedNanoUsd - this.#owedNanoUsd
      return { outcome: { ...outcome, owedNanoUsd, mostNanoUsd: this.#heldNanoUsd + more }, lasting }
    }
    const { opened, tally } = next.from
    const owedNanoUsd = legs.owedBeside(next.call)
    return {
      outcome: {
        ...outcome,
        candidate: opened.candidate,
        tally,
        fidelity: opened.fidelity,
        dropped: [...new Set([...outcome.dropped, ...opened.dropped])],
        owedNanoUsd,
        mostNanoUsd: (owedNanoUsd ?? 0) + (next.call.mayCost ?? 0),
        before: { usage: next.before.usage, from: next.before.from, firstEventAt: this.#first.tally.firstEventAt, bytes: next.bytes },
      },
      lasting: next.lasting,
    }
  }

  /** Tells the health of whoever answered last. */
  tellHealth(ending: Ending): void {
    const { job, from } = this.#next ?? { job: jobFor(this.#job, this.#first.opened.candidate), from: this.#first }
    ended(job, from.opened.candidate, from.tally, this.#isAnother ? 'client-gone' : ending, null) // an answer that fits to nothing is no illness
  }

  #note(event: ChatEvent): void {
    switch (event.kind) {
      case 'block-start':
        this.#isPlain &&= event.block.kind === 'text' && this.#index === null
        this.#index ??= event.index
        break
      case 'block-delta':
        if (this.#isPlain) this.#text += event.text
        this.#isPlain &&= this.#text.length <= MOST_TEXT
        break
      case 'block-note':
      case 'block-seal':
      case 'block-end':
      case 'finish':
        this.#isPlain = false
        break
      default:
        break
    }
  }

  #spliced(event: ChatEvent, { seam, from, before }: Next): readonly ChatEvent[] {
    const index = this.#index ?? 0
    const text = (more: string): readonly ChatEvent[] => {
      if (seam.startsOver) return [this.#other(from)]
      return more === '' ? [] : [{ kind: 'block-delta', index, text: more }]
    }
    switch (event.kind) {
      case 'block-start':
        if (event.block.kind === 'text') this.#textBlocks.add(event.index)
        return event.block.kind === 'text' || event.block.kind === 'reasoning' ? [] : [this.#other(from)]
      case 'block-delta':
        return this.#textBlocks.has(event.index) ? text(seam.take(event.text)) : []
      case 'usage':
        this.#usage = event.usage
        return [{ kind: 'usage', usage: before.usage === null ? event.usage : addUsage(before.usage, event.usage) }]
      case 'finish':
        return [...text(seam.end()), { kind: 'block-end', index }, event]
      case 'error':
        return [event]
      case 'start':
      case 'ping':
      case 'native':
      case 'block-note':
      case 'block-seal':
      case 'block-end':
        return []
      default:
        return event satisfies never
    }
  }

  /** It says something else: the text that is out cannot be made to end so. */
  #other({ opened }: CommittedStream): ChatEvent {
    this.#isAnother = true
    const { provider } = this.#first.opened.candidate
    const message = `The answer of ${provider.id} broke off, and that of ${opened.candidate.provider.id} does not carry it on.`
    return { kind: 'error', code: 'upstream-cut', message }
  }

  async #open(attempt: ChatJob, candidate: Candidate, ceiling: number | null, trace: Trace): Promise<Committed> {
    const request = attempt.client.read(attempt.body)
    if (!asksForText(request, attempt.intent))
      throw new GatewayError('request-unsupported', `What the route sets for ${candidate.model} does not carry a text on.`)
    const way: Way = { ...wayOf(attempt, candidate), kind: 'translate' }
    const said = onwardRequest(request, this.#text, carriesOn(way, candidate))
    const opened = await send(attempt, chatRequest(attempt, candidate, way, this.#ceiling(ceiling, attempt), said), trace)
    return commit(attempt, { ...opened, way })
  }

  /**
   * Output tokens that are left for a target; `null`: nobody said how many there may be. Counted rather too many: what the client or a budget
   * allows holds for the sum. `own`: what is allowed there, as it is for `attempt`.
   */
  #ceiling(own: number | null, attempt: ChatJob): number | null {
    const { tally, opened } = this.#first
    const used = Math.max(tally.outputTokens, tally.usage?.output ?? 0)
    const all = this.#onward.ceiling ?? jobFor(this.#job, opened.candidate).intent.maxOutputTokens
    const least = [all, own].flatMap((one) => (one === null ? [] : [one - used]))
    const set = attempt.intent.maxOutputTokens // a route may have set less
    const most = Math.min(...least, set ?? Number.POSITIVE_INFINITY)
    return most === Number.POSITIVE_INFINITY ? null : most
  }

  /** Of the whole answer, or, with no output in `usage`, of its prompts. */
  #costOf({ before, from }: Next, usage: Usage | null): number | null {
    const own = servedBy(this.#job, from.opened.candidate)
    if (usage === null || this.#usage === null) return null
    const owed = this.#onward.legs.owedBeside(this.#next?.call ?? null)
    const isAll = usage.output > 0 || (before.usage?.output ?? 0) + this.#usage.output === 0
    if (isAll) return sum(own.costNanoUsd(this.#usage), owed)
    const price = this.#first.opened.candidate.entry?.price ?? null
    const promptOf = (one: Usage): Usage => ({ ...one, output: 0, outputAudio: 0, outputImage: 0 })
    const first = before.usage === null || price === null ? null : costNanoUsd(promptOf(before.usage), price)
    return sum(own.costNanoUsd(promptOf(this.#usage)), first)
  }
}

/** `null`: such a request, or such an answer, is never carried on. */
export function continuationOf(job: ChatJob, from: Committed, onward: Onward): Continuation | null {
  if (from.kind !== 'stream' || onward.choices.length === 0) return null
  if (!job.intent.stream || job.intent.framing === 'json-array' || from.opened.way.upstream.promptsOnly === true) return null
  const mine = jobFor(job, from.opened.candidate)
  try {
    return asksForText(mine.client.read(mine.body), mine.intent) ? new Continuation(job, from, onward) : null
  } catch {
    return null // what only its own place understands
  }
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b
}
