// Ends a forwarded Messages stream as if the output limit were reached: what is open is closed, then the message stops.

import type { Usage } from '../../core/canonical.ts'
import type { Frame, StreamCutter } from '../contract.ts'
import { writeUsage } from './usage.ts'
import { parseObject } from './wire.ts'

export class MessageCutter implements StreamCutter {
  readonly #open = new Set<number>()
  #isOver = false

  see({ data }: Frame): void {
    if (!data.includes('"content_block_st') && !data.includes('"message_')) return
    const event = parseObject(data)
    const index = event?.['index']
    if (event?.['type'] === 'content_block_start' && typeof index === 'number') this.#open.add(index)
    else if (event?.['type'] === 'content_block_stop' && typeof index === 'number') this.#open.delete(index)
    else if (event?.['type'] === 'message_delta' || event?.['type'] === 'message_stop') this.#isOver = true
  }

  cut(usage: Usage | null): readonly Frame[] | null {
    if (this.#isOver) return null
    const frame = (type: string, members: object): Frame => ({ event: type, data: JSON.stringify({ type, ...members }) })
    return [
      ...[...this.#open].map((index) => frame('content_block_stop', { index })),
      frame('message_delta', { delta: { stop_reason: 'max_tokens', stop_sequence: null }, usage: writeUsage(usage) }),
      frame('message_stop', {}),
    ]
  }
}
