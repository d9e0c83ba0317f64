// Counts what a reply brought: usage, finish, content, and how it ended. Both ways through feed it; the books are made from it.

import type { ChatEvent, Usage } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'

export class Tally {
  usage: Usage | null = null
  finish: string | null = null
  /** Characters of content, for a reply whose provider never told its usage. */
  contentLength = 0
  failure: GatewayError | null = null
  upstreamId: string | null = null
  firstEventAt: number | null = null

  see(event: ChatEvent): void {
    switch (event.kind) {
      case 'start':
        this.upstreamId = event.id === '' ? null : event.id.slice(0, 128)
        break
      case 'block-delta':
        this.contentLength += event.text.length
        break
      case 'usage':
        this.usage = event.usage
        break
      case 'finish':
        this.finish = event.native ?? event.reason
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
