// Output items of a reply to blocks, piece by piece or whole. What pieces told is held against the finished item, so that a host which sends only one of the two is read too.

import type { Block, ChatEvent, JsonObject, JsonValue } from '../../core/canonical.ts'
import { GATEWAY_NATIVE } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { distinctCallId } from '../openai-chat/response-reading.ts'
import { firstText, isArray, objectsOf } from '../openai-chat/wire.ts'
import { readAnnotations } from './annotations.ts'
import { reasoningText } from './item-reading.ts'
import { isSearch } from './usage.ts'
import { OPENAI_RESPONSES, readEncrypted } from './wire.ts'

type Kind = 'text' | 'refusal' | 'reasoning' | 'tool-call'
type Told = {
  readonly kind: Kind
  /** Which part of its item it is, as the host numbers parts. */
  key: string
  readonly index: number
  said: string
  open: boolean
  notes: number
}

/** An item as far as it is known. `begun` is what its first event said of it. */
type Item = { readonly type: string; readonly id: string; readonly begun: JsonObject; readonly told: Told[]; settled: boolean }

export class OutputReader {
  replyId = ''
  hasCalls = false
  searches = 0
  readonly #emit: (event: ChatEvent) => void
  readonly #items = new Map<string, Item>()
  readonly #open = new Set<Told>()
  readonly #takenIds = new Set<string>()
  #calls = 0
  #next = 0

  constructor(emit: (event: ChatEvent) => void) {
    this.#emit = emit
  }

  /** `response.output_item.added`. */
  begin(event: JsonObject, value: JsonObject): void {
    const item = this.#itemAt(event['output_index'], firstText(value['id']), value)
    if (isCall(item.type) && firstText(value['name']) !== '' && item.told.length === 0) this.#startCall(item, value)
  }

  /** A piece of an item. @throws GatewayError `upstream-garbled` for a part that is over: its place in the reply has passed */
  say(event: JsonObject, kind: Kind, key: string, text: string, logprobs?: JsonValue): void {
    if (text === '') return
    const item = this.#itemAt(event['output_index'], firstText(event['item_id']), {})
    const told = this.#told(item, kind, key)
    if (!told.open) throw new GatewayError('upstream-garbled', 'The provider went back to an item that was over.')
    this.#tell(told, text)
    this.#noteLogprobs(told, logprobs)
  }

  /** `response.output_text.annotation.added`. */
  annotate(event: JsonObject, key: string): void {
    const item = this.#itemAt(event['output_index'], firstText(event['item_id']), {})
    const told = item.told.find((one) => one.kind === 'text' && one.key === key)
    const annotation = event['annotation']
    if (told?.open === true && annotation !== undefined) this.#annotate(told, [annotation])
  }

  /** A whole item: what was not told of it yet is told now, and it is over. `place` is where it stands in the output. */
  settle(place: JsonValue | undefined, value: JsonObject): void {
    const item = this.#itemAt(place, firstText(value['id']), value)
    if (item.settled) return
    item.settled = true
    if (item.type === 'message') this.#settleMessage(item, value)
    else if (item.type === 'reasoning') this.#settleReasoning(item, value)
    else if (isCall(item.type)) this.#settleCall(item, value)
    else this.#settleNative(value)
    for (const told of item.told) this.#close(told)
  }

  closeAll(): void {
    for (const told of this.#open) this.#close(told)
  }

  #settleMessage(item: Item, value: JsonObject): void {
    const before = [...item.told]
    let next = 0
    for (const [i, part] of objectsOf(value['content']).entries()) {
      const kind = part['type'] === 'refusal' ? 'refusal' : 'text'
      const text = firstText(part['text'], part['refusal'])
      if (text === '') continue
      // By their order, not their number: a host may number parts otherwise while it streams.
      const known = before[next++]
      const told = known ?? this.#told(item, kind, `whole ${i}`)
      if (!told.open) continue
      if (text.length > told.said.length && text.startsWith(told.said)) this.#tell(told, text.slice(told.said.length))
      if (known === undefined) this.#noteLogprobs(told, part['logprobs'])
      const annotations = part['annotations']
      if (isArray(annotations)) this.#annotate(told, annotations.slice(told.notes))
    }
  }

  #settleReasoning(item: Item, value: JsonObject): void {
    const text = reasoningText(value)
    const sealed = readEncrypted(firstText(value['id']), firstText(value['encrypted_content']))
    if (text === '' && sealed === null && item.told.length === 0) return
    const told = item.told[0] ?? this.#told(item, 'reasoning', '')
    if (!told.open) return
    if (text.length > told.said.length && text.startsWith(told.said)) this.#tell(told, text.slice(told.said.length))
    if (sealed !== null) this.#emit({ kind: 'block-seal', index: told.index, seal: sealed.seal })
  }

  #settleCall(item: Item, value: JsonObject): void {
    const told = item.told[0] ?? this.#startCall(item, value)
    const text = firstText(value['arguments'], value['input'])
    if (told.open && text.length > told.said.length && text.startsWith(told.said)) this.#tell(told, text.slice(told.said.length))
  }

  /** What the provider ran by itself. A picture is content for clients of any language. */
  #settleNative(value: JsonObject): void {
    if (isSearch(value)) this.searches++
    this.#closeSpeech()
    const base64 = value['type'] === 'image_generation_call' ? firstText(value['result']) : ''
    const format = firstText(value['output_format']) || 'png'
    const block: Block =
      base64 === ''
        ? { kind: 'native', dialect: OPENAI_RESPONSES, value }
        : {
            kind: 'native',
            dialect: GATEWAY_NATIVE,
            value: { part: { kind: 'media', mediaType: `image/${format}`, source: { at: 'inline', base64 } } },
          }
    const index = this.#next++
    this.#emit({ kind: 'block-start', index, block })
    this.#emit({ kind: 'block-end', index })
  }

  /** By its place, else by its id; hosts differ in which they keep to. */
  #itemAt(place: JsonValue | undefined, id: string, value: JsonObject): Item {
    const type = firstText(value['type'])
    const fits = (item: Item | undefined): item is Item => item !== undefined && (type === '' || item.type === type)
    const key = typeof place === 'number' ? `#${place}` : id
    const placed = this.#items.get(key)
    if (fits(placed)) return placed
    const named = id === '' ? undefined : this.#items.get(id)
    if (fits(named) && typeof place !== 'number') return named
    const item: Item = { type, id, begun: value, told: [], settled: false }
    this.#items.set(key, item)
    if (id !== '' && !this.#items.has(id)) this.#items.set(id, item)
    return item
  }

  #told(item: Item, kind: Kind, key: string): Told {
    if (kind === 'tool-call') return item.told[0] ?? this.#startCall(item, item.begun)
    if (kind === 'reasoning') {
      // One thought, however many parts its summary has: an empty line parts them.
      const [thought] = item.told
      if (thought !== undefined && thought.key !== key) {
        thought.key = key
        if (thought.open && thought.said !== '') this.#tell(thought, '\n\n')
      }
      if (thought !== undefined) return thought
    }
    const before = item.told.find((one) => one.kind === kind && one.key === key)
    if (before !== undefined) return before
    for (const open of this.#open) this.#close(open)
    return this.#start(item, kind, key, { kind })
  }

  #startCall(item: Item, value: JsonObject): Told {
    this.#closeSpeech()
    this.hasCalls = true
    const id = distinctCallId(firstText(value['call_id']), this.replyId, this.#calls++, this.#takenIds)
    return this.#start(item, 'tool-call', '', { kind: 'tool-call', id, name: firstText(value['name']) })
  }

  #start(item: Item, kind: Kind, key: string, block: Block): Told {
    const told: Told = { kind, key, index: this.#next++, said: '', open: true, notes: 0 }
    item.told.push(told)
    this.#open.add(told)
    this.#emit({ kind: 'block-start', index: told.index, block })
    return told
  }

  #tell(told: Told, text: string): void {
    told.said += text
    this.#emit({ kind: 'block-delta', index: told.index, text })
  }

  #annotate(told: Told, annotations: readonly JsonValue[]): void {
    const citations = readAnnotations(annotations)
    told.notes += annotations.length
    if (citations.length > 0) this.#emit({ kind: 'block-note', index: told.index, citations })
  }

  #noteLogprobs(told: Told, logprobs: JsonValue | undefined): void {
    if (typeof logprobs !== 'string' || !logprobs.startsWith('[') || logprobs.slice(1, 64).trim() === ']') return
    this.#emit({ kind: 'block-note', index: told.index, logprobs: `{"content":${logprobs}}` })
  }

  /** Only calls may stand open side by side. */
  #closeSpeech(): void {
    for (const told of this.#open) if (told.kind !== 'tool-call') this.#close(told)
  }

  #close(told: Told): void {
    if (!told.open) return
    told.open = false
    this.#open.delete(told)
    this.#emit({ kind: 'block-end', index: told.index })
  }
}

function isCall(type: string): boolean {
  return type === 'function_call' || type === 'custom_tool_call'
}
