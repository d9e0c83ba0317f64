// What is verifiably no good about an answer that came: by what the provider itself says of its end, and by what the request asked for. Nothing
// is guessed from words. What cannot be checked counts as fine.

import type { ChatRequest, ChatResponse, JsonValue, Tool } from './canonical.ts'
import { holdsAgainst, workFor } from './json-schema.ts'

/**
 * `schema`: no JSON where some was asked for, or JSON that does not hold against the request's schema. `tool-call`: arguments that are no JSON
 * object; `tool-arguments`: they do not hold against the tool's schema. `unknown-tool`: it was not offered. `truncated`: at an end that nobody
 * set. `empty`: nothing in it but thoughts. `refusal`: the provider says that it refused.
 */
export const UNFIT = ['schema', 'tool-call', 'tool-arguments', 'unknown-tool', 'truncated', 'empty', 'refusal'] as const
export type Unfit = (typeof UNFIT)[number]

/** What an answer is held against. `request: null`: it cannot be read, and only the answer's own end is judged. `ceiling`: output tokens that were allowed. */
export type Expected = { readonly request: ChatRequest | null; readonly ceiling: number | null }

/** Gemini's words for calls that it could not make out. */
const NATIVE: ReadonlyMap<string, Unfit> = new Map([
  ['MALFORMED_FUNCTION_CALL', 'tool-call'],
  ['UNEXPECTED_TOOL_CALL', 'unknown-tool'],
])
/** Counts of tokens differ by a few: so near a ceiling it was that. */
const NEAR = 0.95

/** The first of the `on` that is so; `null`: none, as far as can be seen. */
export function unfitness(response: ChatResponse, expected: Expected, on: ReadonlySet<Unfit>): Unfit | null {
  const why = ofItsEnd(response, expected)
  if (why !== 'whole') return why !== null && on.has(why) ? why : null
  const { request } = expected
  return request === null ? null : (ofCalls(response, request, on) ?? ofText(response, request, on))
}

/** `whole`: it came to a good end with something in it. `null`: it did not, and that is nobody's fault. */
function ofItsEnd(response: ChatResponse, { request, ceiling }: Expected): Unfit | 'whole' | null {
  const { parts, finish, usage } = response
  if (finish.reason === 'filtered' || parts.some(({ kind }) => kind === 'refusal')) return 'refusal'
  if (finish.reason === 'paused') return null
  if (finish.reason === 'length') {
    if (ceiling === null) return 'truncated'
    return usage !== null && usage.output + usage.outputAudio + usage.outputImage < ceiling * NEAR ? 'truncated' : null
  }
  const native = NATIVE.get(finish.native ?? '')
  if (native !== undefined) return native
  if (parts.some((part) => (part.kind === 'text' ? part.text.trim() !== '' : part.kind !== 'reasoning'))) return 'whole'
  return (request?.sampling.stop?.length ?? 0) > 0 ? null : 'empty' // it may have ended at once by a word of the client's own
}

const NO_ARGUMENTS: Parsed = { kind: 'json', value: {} }

function ofCalls({ parts }: ChatResponse, { tools }: ChatRequest, on: ReadonlySet<Unfit>): Unfit | null {
  const calls = parts.flatMap((part) => (part.kind === 'tool-call' ? [part] : []))
  if (calls.length === 0) return null
  const schemas = new Map(tools.flatMap((tool) => (tool.kind === 'function' ? [[tool.name, tool.schema] as const] : [])))
  const natives = new Set(tools.flatMap(nativeNames))
  if (on.has('unknown-tool') && calls.some(({ name }) => !schemas.has(name) && !natives.has(name))) return 'unknown-tool'
  const work = workFor()
  for (const { name, arguments: text } of calls) {
    const schema = schemas.get(name)
    if (schema === undefined || natives.has(name)) continue // those of others' kinds may take any text
    const read: Parsed = text.trim() === '' ? NO_ARGUMENTS : parsed(text)
    if (read.kind === 'unknown') continue
    if (read.kind === 'no-json' || typeof read.value !== 'object' || read.value === null || Array.isArray(read.value)) {
      if (on.has('tool-call')) return 'tool-call'
    } else if (on.has('tool-arguments') && holdsAgainst(schema, read.value, text.length, work) === 'fails') return 'tool-arguments'
  }
  return null
}

/** Names that calls of a tool may have that only its own language knows. */
function nativeNames(tool: Tool): readonly string[] {
  if (tool.kind === 'function') return []
  const { value } = tool
  const inside = [value, ...Object.values(value)].flatMap((one) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? [Reflect.get(one, 'name') as unknown, Reflect.get(one, 'type') as unknown]
      : [],
  )
  return [...inside, ...Object.keys(value)].flatMap((name) => (typeof name === 'string' ? [name] : []))
}

function ofText({ parts }: ChatResponse, { replyFormat, turns }: ChatRequest, on: ReadonlySet<Unfit>): Unfit | null {
  if (!on.has('schema') || replyFormat === undefined || replyFormat.kind === 'text') return null
  if (parts.some(({ kind }) => kind !== 'text' && kind !== 'reasoning')) return null
  if (turns.at(-1)?.role === 'assistant') return null // its beginning is the client's own
  const text = parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')
  const read = parsed(text)
  if (read.kind === 'no-json') return 'schema'
  if (replyFormat.kind !== 'schema' || read.kind === 'unknown') return null
  return holdsAgainst(replyFormat.schema, read.value, text.length) === 'fails' ? 'schema' : null
}

type Parsed = { readonly kind: 'json'; readonly value: JsonValue } | { readonly kind: 'no-json' } | { readonly kind: 'unknown' }

function parsed(text: string): Parsed {
  try {
    return { kind: 'json', value: JSON.parse(text) as JsonValue }
  } catch (cause) {
    return cause instanceof SyntaxError ? { kind: 'no-json' } : { kind: 'unknown' } // such as what is nested too deep
  }
}
