// Streamed and whole are one thing: `collect` makes the response of a reply's events, `replay` the events of a response.

import type { Block, ChatEvent, ChatResponse, Citation, Extras, JsonObject, JsonValue, Part, Seal, Usage } from './canonical.ts'
import { GatewayError } from './errors.ts'
import { parseKeepingRaw, printJson, Raw, rawPaths, type Writable } from './json-raw.ts'

/** Speaker of the native events and blocks that carry what events have no kind for (extras, media parts) from `replay` to `collect`. No dialect. */
export const GATEWAY_NATIVE = 'sluice'

const LOGPROBS = rawPaths('content.*', 'refusal.*')

type Open = {
  readonly block: Block
  text: string[]
  citations: Citation[] | null
  seal: Seal | null
}

/** The event that carries a response's extras through a stream. Writers of other dialects pass over it, as over any native event. */
export function extrasEvent(extras: Extras): ChatEvent {
  return { kind: 'native', dialect: GATEWAY_NATIVE, value: { extras: { dialect: extras.dialect, fields: extras.fields } } }
}

/** The extras that an event carries, or `null`. */
export function extrasOf(event: ChatEvent): Extras | null {
  if (event.kind !== 'native' || event.dialect !== GATEWAY_NATIVE || !isObject(event.value)) return null
  const extras = event.value['extras']
  if (!isObject(extras)) return null
  const { dialect, fields } = extras
  return typeof dialect === 'string' && isObject(fields) ? { dialect, fields } : null
}

/** Gathers a reply event by event. */
export class Collector {
  private id = ''
  private model = ''
  private usage: Usage | null = null
  private finish: ChatResponse['finish'] | null = null
  private extras: Extras = { dialect: GATEWAY_NATIVE, fields: {} }
  private readonly blocks = new Map<number, Open>()
  private readonly logprobs: string[] = []

  /** @throws GatewayError with the code and words of an `error` event */
  add(event: ChatEvent): void {
    switch (event.kind) {
      case 'start':
        this.id = event.id
        this.model = event.model
        return
      case 'block-start':
        this.blocks.set(event.index, { block: event.block, text: [], citations: null, seal: null })
        return
      case 'block-delta':
        this.blocks.get(event.index)?.text.push(event.text)
        return
      case 'block-note': {
        const open = this.blocks.get(event.index)
        if (open !== undefined && event.citations !== undefined) open.citations = [...(open.citations ?? []), ...event.citations]
        if (event.logprobs !== undefined) this.logprobs.push(event.logprobs)
        return
      }
      case 'block-seal': {
        const open = this.blocks.get(event.index)
        if (open !== undefined) open.seal = event.seal
        return
      }
      case 'usage':
        this.usage = event.usage
        return
      case 'finish':
        this.finish = { reason: event.reason, native: event.native }
        return
      case 'error':
        throw new GatewayError(event.code, event.message)
      case 'native': {
        const extras = extrasOf(event)
        if (extras !== null) this.extras = extras
        return
      }
      case 'block-end':
      case 'ping':
        return
      default:
        event satisfies never
    }
  }

  /** @throws GatewayError `upstream-cut` when no finish was seen */
  response(): ChatResponse {
    if (this.finish === null) throw new GatewayError('upstream-cut', 'The reply stopped before its end.')
    const logprobs = joinLogprobs(this.logprobs)
    return {
      id: this.id,
      model: this.model,
      ...(logprobs === null ? {} : { logprobs }),
      parts: [...this.blocks].sort(([a], [b]) => a - b).map(([, open]) => partOf(open)),
      finish: this.finish,
      usage: this.usage,
      extras: this.extras,
    }
  }
}

/**
 * The whole response of a reply's events. The last usage counts.
 * @throws GatewayError of an `error` event, or `upstream-cut` when the events end before their finish
 */
export function collect(events: Iterable<ChatEvent>): ChatResponse {
  const collector = new Collector()
  for (const event of events) collector.add(event)
  return collector.response()
}

/** The events of a response, one delta a block: `collect(replay(r))` equals `r`. */
export function replay(response: ChatResponse): ChatEvent[] {
  const events: ChatEvent[] = [{ kind: 'start', id: response.id, model: response.model }, extrasEvent(response.extras)]
  const said = response.parts.findIndex((part) => part.kind === 'text' || part.kind === 'refusal')
  const logprobsAt = response.logprobs === undefined ? -1 : Math.max(said, 0)
  response.parts.forEach((part, index) => {
    events.push({ kind: 'block-start', index, block: blockOf(part) })
    const text = part.kind === 'tool-call' ? part.arguments : 'text' in part ? part.text : ''
    if (text !== '') events.push({ kind: 'block-delta', index, text })
    if (part.kind === 'text' && part.citations !== undefined) events.push({ kind: 'block-note', index, citations: part.citations })
    if (index === logprobsAt && response.logprobs !== undefined) events.push({ kind: 'block-note', index, logprobs: response.logprobs })
    if ('seal' in part && part.seal !== undefined) events.push({ kind: 'block-seal', index, seal: part.seal })
    events.push({ kind: 'block-end', index })
  })
  if (response.usage !== null) events.push({ kind: 'usage', usage: response.usage })
  events.push({ kind: 'finish', ...response.finish })
  return events
}

function blockOf(part: Part): Block {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return { kind: part.kind }
    case 'tool-call':
      return { kind: 'tool-call', id: part.id, name: part.name }
    case 'native':
      return { kind: 'native', dialect: part.dialect, value: part.value }
    case 'media':
    case 'tool-result':
      // No block kind is theirs: a part is plain data, so it travels as a value.
      return { kind: 'native', dialect: GATEWAY_NATIVE, value: { part: part as unknown as JsonValue } }
    default:
      return part satisfies never
  }
}

function partOf(open: Open): Part {
  const { block, citations, seal } = open
  const text = open.text.join('')
  switch (block.kind) {
    case 'text':
      return { kind: 'text', text, ...(citations === null ? {} : { citations }), ...(seal === null ? {} : { seal }) }
    case 'refusal':
      return { kind: 'refusal', text }
    case 'reasoning':
      return { kind: 'reasoning', text, ...(seal === null ? {} : { seal }) }
    case 'tool-call':
      return { kind: 'tool-call', id: block.id, name: block.name, arguments: text, ...(seal === null ? {} : { seal }) }
    case 'native':
      if (block.dialect === GATEWAY_NATIVE && isObject(block.value) && isObject(block.value['part']))
        return block.value['part'] as unknown as Part // only `blockOf` makes these
      return { kind: 'native', dialect: block.dialect, value: block.value }
    default:
      return block satisfies never
  }
}

/** Chunks of log probabilities joined as OpenAI's whole answer has them; the tokens stay the text they were. */
function joinLogprobs(chunks: readonly string[]): string | null {
  const [first, ...rest] = chunks
  if (first === undefined) return null
  if (rest.length === 0) return first
  const lists = new Map<string, Raw[] | JsonValue>()
  for (const chunk of chunks) {
    let object: JsonObject
    try {
      object = parseKeepingRaw(chunk, LOGPROBS)
    } catch (error) {
      if (error instanceof GatewayError) continue
      throw error
    }
    for (const [name, value] of Object.entries(object)) {
      const before = lists.get(name)
      if (Array.isArray(value) && (name === 'content' || name === 'refusal')) {
        const tokens = value.filter((token) => typeof token === 'string').map((token) => new Raw(token))
        lists.set(name, [...(Array.isArray(before) ? (before as Raw[]) : []), ...tokens])
      } else if (before === undefined || before === null) lists.set(name, value)
    }
  }
  return printJson(Object.fromEntries(lists) as { readonly [key: string]: Writable })
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
