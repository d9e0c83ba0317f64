// The grammar of a reply, as canonical.ts states it, checked on a list of events. An independent reading of the contract: it imports types only.

import type { ChatEvent, Usage } from '../../src/core/canonical.ts'

/**
 * What is wrong with a list of events as a whole reply, or `null`. Stricter than a writer may rely on in three points that the readers
 * promise: indexes count up from 0, only tool calls (and native blocks) may be open side by side, and nothing follows the end.
 */
export function grammarFault(events: readonly ChatEvent[]): string | null {
  const open = new Map<number, string>()
  let opened = 0
  let started = false
  let ended: string | null = null
  for (const [at, event] of events.entries()) {
    const fault = (why: string): string => `event ${at} (${event.kind}): ${why}`
    if (ended !== null) return fault(`something follows the ${ended}`)
    if (!started && event.kind !== 'start' && event.kind !== 'error') return fault('comes before the start')
    switch (event.kind) {
      case 'start':
        if (started) return fault('a second start')
        started = true
        break
      case 'block-start':
        if (event.index !== opened) return fault(`index ${event.index}, wanted ${opened}`)
        if (![...open.values(), event.block.kind].every(mayStandBeside) && open.size > 0)
          return fault(`opened while ${[...open.values()].join()} is open`)
        open.set(event.index, event.block.kind)
        opened++
        break
      case 'block-delta':
      case 'block-note':
      case 'block-seal':
        if (!open.has(event.index)) return fault(`block ${event.index} is not open`)
        break
      case 'block-end':
        if (!open.delete(event.index)) return fault(`block ${event.index} is not open`)
        break
      case 'usage': {
        const wrong = miscounted(event.usage)
        if (wrong !== null) return fault(wrong)
        break
      }
      case 'finish':
        if (open.size > 0) return fault(`block ${[...open.keys()].join()} is still open`)
        ended = 'finish'
        break
      case 'error':
        if (event.message.trim() === '') return fault('says nothing')
        ended = 'error'
        break
      case 'ping':
      case 'native':
        break
      default:
        return fault(event satisfies never)
    }
  }
  return ended === null ? 'the reply has no end' : null
}

/** The tool calls that have no id or no name: none in a reply that a provider really gave. */
export function namelessCalls(events: readonly ChatEvent[]): readonly ChatEvent[] {
  return events.filter(
    (event) => event.kind === 'block-start' && event.block.kind === 'tool-call' && (event.block.id === '' || event.block.name === ''),
  )
}

function mayStandBeside(kind: string): boolean {
  return kind === 'tool-call' || kind === 'native'
}

/** Which count is none, or `null`. What is billed aside is counted the same way. */
function miscounted({ aside, billed, reasoning, units, service: _service, ...counts }: Usage): string | null {
  for (const [name, count] of Object.entries({ ...counts, ...units, reasoning: reasoning ?? 0 }))
    if (!Number.isSafeInteger(count) || count < 0) return `${name} is ${String(count)}`
  for (const also of [aside, billed]) if (also !== undefined && miscounted(also) !== null) return miscounted(also)
  return null
}
