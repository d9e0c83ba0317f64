// Counts what a reply brought: usage, finish, content, and how it ended. Both ways through feed it; the books are made from it.

import type { FrameReader } from '../dialects/contract.ts'
import type { ChatEvent, JsonValue, Usage } from '../core/canonical.ts'
import { BYTES_A_TOKEN } from '../core/bill.ts'
import { GatewayError } from '../core/errors.ts'
import { outputTokens } from '../core/price.ts'

/** `emptyIsFree`: as the provider of a chat has it. */
export class Tally {
  usage: Usage | null = null
  finish: string | null = null
  /** Characters of content, for a reply whose provider never told its usage. */
  contentLength = 0
  failure: GatewayError | null = null
  upstreamId: string | null = null
  firstEventAt: number | null = null
  /** Frames that were read: a reader may keep back what stood in them. */
  frames = 0
  #pieces = 0
  #bytes = 0

  /**
   * Output tokens of all that was seen, rather more than less: one for each three bytes of text, calls and whatever else the provider wrote, and
   * at least one for each piece or frame that it came in. Only where every event was seen.
   */
  get outputTokens(): number {
    return Math.max(this.frames, this.#pieces, Math.ceil(this.#bytes / BYTES_A_TOKEN))
  }

  readonly #emptyIsFree: boolean
  #isFinishSaid = false

  constructor(emptyIsFree = false) {
    this.#emptyIsFree = emptyIsFree
  }

  /** Its provider bills nothing for an answer that ended so: in an error of its own, or without output and finish. */
  get unbilled(): boolean {
    if (!this.#emptyIsFree) return false
    if (this.failure !== null) return this.failure.code !== 'upstream-cut' && this.failure.code !== 'upstream-garbled'
    return this.usage !== null && outputTokens(this.usage) === 0 && !this.#isFinishSaid
  }

  /** `native`: in the provider's own word; `reason`: what is made of it, also where it said none. */
  finished(native: string | null, reason: string | null): void {
    this.finish = native ?? reason
    this.#isFinishSaid ||= native !== null && native !== ''
  }

  /**
   * Of a reply that broke off: its reader may know usage and finish that it tells only at the end. Of several choices the finish of one
   * says nothing of the others, so what was counted by then may not be all.
   */
  cut(frames: FrameReader, choices: number): void {
    if (choices <= 1) for (const event of frames.end()) this.see(event)
  }

  see(event: ChatEvent): void {
    switch (event.kind) {
      case 'block-start':
        this.#pieces++
        if (event.block.kind === 'tool-call') this.#bytes += utf8Length(event.block.name)
        else if (event.block.kind === 'native') this.#bytes += lengthOf(event.block.value)
        break
      case 'start':
        this.upstreamId = event.id === '' ? null : event.id.slice(0, 128)
        break
      case 'block-delta':
        this.contentLength += event.text.length
        this.#pieces++
        this.#bytes += utf8Length(event.text)
        break
      case 'usage':
        this.usage = event.usage
        break
      case 'finish':
        this.finished(event.native, event.reason)
        break
      case 'error':
        this.failure ??= new GatewayError(event.code, event.message)
        break
      default:
        break
    }
  }
}

/** Does this event commit the target? Start and ping do not: an overload may still follow them. */
export function isContent(event: ChatEvent): boolean {
  if (event.kind === 'block-delta') return event.text !== ''
  if (event.kind === 'block-start') return event.block.kind === 'tool-call' || event.block.kind === 'native'
  return event.kind === 'finish' || event.kind === 'native' || event.kind === 'block-seal'
}

/** Characters of all texts in a value; the value may be a picture, so none is made of it. */
function lengthOf(value: JsonValue): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 1
  let length = 0
  for (const one of Object.values(value) as readonly JsonValue[]) length += lengthOf(one)
  return length
}

function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1 // half of a surrogate pair's four bytes
  }
  return bytes
}
