// Ends a forwarded Responses stream as if the output limit were reached: open items are done, incomplete, and the last event repeats the
// whole response, put together from the events that passed.

import type { JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import type { Frame, StreamCutter } from '../contract.ts'
import { isArray, isObject } from '../openai-chat/wire.ts'
import { writeUsage } from './usage.ts'

type Item = { value: JsonObject; isDone: boolean; readonly parts: Map<number, Part>; readonly thoughts: Map<number, Part> }
type Part = { value: JsonObject; isDone: boolean }

/** Of an item that takes its text itself: which events bring it, and the member it stands in. */
const GROWS: ReadonlyMap<string, string> = new Map([
  ['response.function_call_arguments.delta', 'arguments'],
  ['response.custom_tool_call_input.delta', 'input'],
  ['response.mcp_call_arguments.delta', 'arguments'],
])
const LAST: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error'])

export class ResponseCutter implements StreamCutter {
  readonly #items = new Map<number, Item>()
  #response: JsonObject = {}
  #sequence = -1
  #isOver = false

  see({ data }: Frame): void {
    const event = parsed(data)
    const type = event?.['type']
    if (event === null || typeof type !== 'string') return
    if (typeof event['sequence_number'] === 'number') this.#sequence = event['sequence_number']
    if (LAST.has(type)) this.#isOver = true
    else if (isObject(event['response'])) this.#response = event['response']
    else this.#grow(type, event)
  }

  cut(usage: Usage | null): readonly Frame[] | null {
    if (this.#isOver) return null
    const frames: Frame[] = []
    const put = (type: string, members: JsonObject): void => {
      frames.push({ event: type, data: JSON.stringify({ type, sequence_number: ++this.#sequence, ...members }) })
    }
    for (const [at, item] of this.#items) {
      if (item.isDone) continue
      const place = { item_id: item.value['id'] ?? '', output_index: at }
      for (const [index, { value, isDone }] of item.parts) {
        if (isDone) continue
        const where = { ...place, content_index: index }
        if (value['type'] === 'refusal') put('response.refusal.done', { ...where, refusal: value['refusal'] ?? '' })
        else if (value['type'] === 'reasoning_text') put('response.reasoning_text.done', { ...where, text: value['text'] ?? '' })
        else put('response.output_text.done', { ...where, text: value['text'] ?? '', logprobs: value['logprobs'] ?? [] })
        put('response.content_part.done', { ...where, part: value })
      }
      for (const [index, { value, isDone }] of item.thoughts) {
        if (isDone) continue
        put('response.reasoning_summary_text.done', { ...place, summary_index: index, text: value['text'] ?? '' })
        put('response.reasoning_summary_part.done', { ...place, summary_index: index, part: value })
      }
      item.value = { ...whole(item), status: 'incomplete' }
      put('response.output_item.done', { output_index: at, item: item.value })
    }
    const output = [...this.#items].sort(([a], [b]) => a - b).map(([, { value }]) => value)
    const end = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output }
    put('response.incomplete', { response: { ...this.#response, ...end, usage: usage === null ? null : writeUsage(usage) } })
    return frames
  }

  #grow(type: string, event: JsonObject): void {
    const { output_index: at, item: told, part, delta } = event
    if (typeof at !== 'number') return
    if (isObject(told)) {
      const isDone = type === 'response.output_item.done'
      this.#items.set(at, { value: told, isDone, parts: new Map(), thoughts: new Map() })
      return
    }
    const item = this.#items.get(at)
    if (item === undefined) return
    const content = event['content_index']
    const summary = event['summary_index']
    const isDone = type.endsWith('.done')
    if (isObject(part) && typeof content === 'number') item.parts.set(content, { value: part, isDone })
    else if (isObject(part) && typeof summary === 'number') item.thoughts.set(summary, { value: part, isDone })
    else if (typeof delta === 'string' && typeof content === 'number') {
      const open = item.parts.get(content)
      if (open !== undefined) open.value = grown(open.value, open.value['type'] === 'refusal' ? 'refusal' : 'text', delta)
    } else if (typeof delta === 'string' && typeof summary === 'number') {
      const thought = item.thoughts.get(summary)
      if (thought !== undefined) thought.value = grown(thought.value, 'text', delta)
    } else {
      const member = GROWS.get(type)
      if (member !== undefined && typeof delta === 'string') item.value = grown(item.value, member, delta)
    }
  }
}

function grown(value: JsonObject, member: string, delta: string): JsonObject {
  const before = value[member]
  return { ...value, [member]: (typeof before === 'string' ? before : '') + delta }
}

/** An item with what its parts have come to. */
function whole({ value, parts, thoughts }: Item): JsonObject {
  const listed = (map: ReadonlyMap<number, Part>, member: string): { readonly [name: string]: JsonValue } =>
    map.size === 0 || !isArray(value[member]) ? {} : { [member]: [...map].sort(([a], [b]) => a - b).map(([, part]) => part.value) }
  return { ...value, ...listed(parts, 'content'), ...listed(thoughts, 'summary') }
}

function parsed(data: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(data)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
