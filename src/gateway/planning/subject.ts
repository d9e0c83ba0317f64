// What a chat asks, in any client's language, for whoever judges it: the users' words and some counts. Walks the body's bytes once, parses
// nothing whole, and makes text only of bounded parts. Tool results are nobody's words.

import type { Subject } from '../../classifier/contract.ts'

/** Of one message this much is text, half of it the beginning and half the end. Of later ones less: each of them is judged. */
const FIRST_BYTES = 49_152
const LATER_BYTES = 16_384
const SYSTEM_BYTES = 2048
/** The first messages of the user that are judged, beside the newest one. Always the same ones, so that a verdict over them can only rise. */
export const MOST_JUDGED = 12
/** Pieces of JSON that are looked at; behind them nothing more is known. */
const MOST_STEPS = 400_000
const BYTES_A_TOKEN = 4

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const LIST = 0x5b

const INSTRUCTIONS = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const
const MESSAGES = ['messages', 'input', 'contents'] as const

/** A body, as far as this looks. */
export type Spoken = { member(path: readonly [string, ...string[]]): string | null; span(name: string): Uint8Array | null }

/** One of the user's messages. `parts`: its texts, as spans of JSON strings with their quotes. */
type Message = { readonly parts: readonly Span[]; readonly turns: number; readonly attachments: number; readonly end: number }
type Span = { readonly start: number; readonly end: number }

/** `subjects`: the messages of the user that are judged, in their order; none where it has no words of a user. `turns`: all messages but instructions. */
export type Heard = { readonly subjects: readonly Subject[]; readonly turns: number }

export function heard(body: Spoken): Heard {
  const walk = new Walk()
  const { span, messages, system, turns } = wordsOf(body, walk)
  return { subjects: span === null ? [] : subjectsIn(body, span, messages, system), turns }
}

function subjectsIn(body: Spoken, span: Uint8Array, messages: readonly Message[], system: string): readonly Subject[] {
  const tools = body.span('tools') ?? body.span('functions')
  const beside = {
    system: system.slice(0, SYSTEM_BYTES),
    tools: tools === null ? 0 : toolsIn(tools),
    toolBytes: tools?.length ?? 0,
    format: formatOf(body),
  }
  const newest = messages.at(-1)
  const judged = messages.slice(0, MOST_JUDGED)
  if (newest !== undefined && messages.length > MOST_JUDGED) judged.push(newest)
  return judged.map(({ parts, turns, attachments, end }, index) => ({
    ...beside,
    prompt: textOf(span, parts, index === 0 ? FIRST_BYTES : LATER_BYTES),
    turns,
    attachments,
    // Up to here: what is judged of a message stays the same when the conversation grows.
    contextTokens: Math.ceil((end + beside.toolBytes + system.length) / BYTES_A_TOKEN),
  }))
}

function wordsOf(
  body: Spoken,
  walk: Walk,
): { readonly span: Uint8Array | null; readonly messages: readonly Message[]; readonly system: string; readonly turns: number } {
  let system = ''
  for (const name of INSTRUCTIONS) {
    const span = body.span(name)
    if (span !== null) system += textOf(span, span[0] === QUOTE ? [whole(span)] : walk.texts(span, 0).parts, SYSTEM_BYTES)
  }
  for (const name of MESSAGES) {
    const span = body.span(name)
    if (span === null) continue
    if (span[0] === QUOTE)
      return { span, messages: [{ parts: [whole(span)], turns: 0, attachments: 0, end: span.length }], system, turns: 1 }
    if (span[0] !== LIST) continue
    const { messages, instructions, turns } = walk.conversation(span)
    return { span, messages, system: system + textOf(span, instructions, SYSTEM_BYTES), turns }
  }
  const prompt = body.span('prompt')
  if (prompt === null || prompt[0] !== QUOTE) return { span: null, messages: [], system, turns: 0 }
  return { span: prompt, messages: [{ parts: [whole(prompt)], turns: 0, attachments: 0, end: prompt.length }], system, turns: 1 }
}

function whole(span: Uint8Array): Span {
  return { start: 0, end: span.length }
}

/** Names of members whose string is what somebody says, and kinds of parts that are none of the user's words. */
const TEXT = words('text')
const CONTENT = words('content')
const PARTS = words('parts')
const ROLE = words('role')
const TYPE = words('type')
const USER = words('user')
const SYSTEM = words('system')
const DEVELOPER = words('developer')
const ATTACHED = ['image_url', 'image', 'input_image', 'input_audio', 'input_file', 'file', 'document', 'audio', 'video_url'].map(words)
const ATTACHED_MEMBERS = ['inlineData', 'inline_data', 'fileData', 'file_data'].map(words)
/** Parts that answer a call: whatever stands in them is a tool's. */
const RESULT = words('tool_result')
/** Of the Responses language: any other type is a call, its result, or thinking. */
const MESSAGE = words('message')

function words(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

type Part = { parts: Span[]; attachments: number; isResult: boolean; end: number }
type Item = Part & { role: 'user' | 'system' | 'other' | null }

/** Reads bytes that were checked to be JSON. */
class Walk {
  #left = MOST_STEPS

  /** The items of a list of messages. */
  conversation(bytes: Uint8Array): { readonly messages: Message[]; readonly instructions: readonly Span[]; readonly turns: number } {
    const messages: Message[] = []
    const instructions: Span[] = []
    let turns = 0
    let attachments = 0
    for (let at = 1; at < bytes.length && this.#left > 0;) {
      const c = bytes[at]
      if (c !== OPEN && c !== QUOTE) {
        at++
        continue
      }
      if (c === QUOTE) {
        const end = this.#string(bytes, at)
        messages.push({ parts: [{ start: at, end }], turns: turns++, attachments, end })
        at = end
        continue
      }
      const { role, parts, isResult, end, attachments: more } = this.#item(bytes, at)
      at = end
      if (role === 'system') {
        for (const part of parts) instructions.push(part)
        continue
      }
      attachments += more
      const isUser = (role === 'user' || role === null) && !isResult && (parts.length > 0 || more > 0)
      if (isUser) messages.push({ parts, turns, attachments, end })
      turns++
    }
    return { messages, instructions, turns }
  }

  /** Texts of a value, at its `text` members or, where it is a string, itself. */
  texts(bytes: Uint8Array, start: number): Part {
    const part: Part = { parts: [], attachments: 0, isResult: false, end: start }
    part.end = this.#said(bytes, start, part, 0)
    return part
  }

  #item(bytes: Uint8Array, start: number): Item {
    const item: Item = { parts: [], attachments: 0, isResult: false, end: start, role: null }
    item.end = this.#object(bytes, start, (name, value) => {
      if (is(bytes, name, ROLE)) {
        item.role = isValue(bytes, value, USER)
          ? 'user'
          : isValue(bytes, value, SYSTEM) || isValue(bytes, value, DEVELOPER)
            ? 'system'
            : 'other'
      } else if (is(bytes, name, CONTENT) || is(bytes, name, PARTS)) return this.#said(bytes, value, item, 0)
      else if (is(bytes, name, TYPE)) item.isResult ||= !isValue(bytes, value, MESSAGE)
      return null
    })
    return item
  }

  /** What stands in `content` or `parts`: a text, a part, or a list of them. Returns where it ends. */
  #said(bytes: Uint8Array, start: number, into: Part, depth: number): number {
    const c = bytes[start]
    if (c === QUOTE) {
      const end = this.#string(bytes, start)
      if (end - start > 2) into.parts.push({ start, end })
      return end
    }
    if (c === LIST && depth < 2) {
      let at = start + 1
      while (at < bytes.length && this.#left > 0) {
        const inner = bytes[at]
        if (inner === 0x5d) return at + 1
        if (inner === OPEN || inner === QUOTE || inner === LIST) at = this.#said(bytes, at, into, depth + 1)
        else {
          at++
          this.#left--
        }
      }
      return at
    }
    return c === OPEN ? this.#part(bytes, start, into, depth) : this.#skip(bytes, start)
  }

  /** One part: its text, or that it is something attached. */
  #part(bytes: Uint8Array, start: number, into: Part, depth: number): number {
    const texts: Span[] = []
    let isResult = false
    let isAttached = false
    const end = this.#object(bytes, start, (name, value) => {
      if (is(bytes, name, TYPE)) {
        isResult ||= isValue(bytes, value, RESULT)
        isAttached ||= ATTACHED.some((one) => isValue(bytes, value, one))
      } else if (is(bytes, name, TEXT) && bytes[value] === QUOTE) {
        const close = this.#string(bytes, value)
        if (close - value > 2) texts.push({ start: value, end: close })
        return close
      } else if (is(bytes, name, PARTS) && depth === 0) return this.#said(bytes, value, into, depth + 1) // instructions of Gemini's
      else isAttached ||= ATTACHED_MEMBERS.some((one) => is(bytes, name, one))
      return null
    })
    if (isAttached) into.attachments++
    else if (!isResult) for (const text of texts) into.parts.push(text)
    return end
  }

  /** Calls `see` with the span of each name and where its value begins; it returns where the value ends if it has read it. Returns the end. */
  #object(bytes: Uint8Array, start: number, see: (name: Span, value: number) => number | null): number {
    let at = start + 1
    while (at < bytes.length && this.#left > 0) {
      const c = bytes[at]
      if (c === 0x7d) return at + 1
      if (c !== QUOTE) {
        at++
        this.#left--
        continue
      }
      const end = this.#string(bytes, at)
      let value = end
      while (value < bytes.length && (bytes[value] === 0x3a || (bytes[value] ?? 0) <= 0x20)) value++
      at = see({ start: at + 1, end: end - 1 }, value) ?? this.#skip(bytes, value)
    }
    return at
  }

  #string(bytes: Uint8Array, open: number): number {
    this.#left--
    return afterString(bytes, open)
  }

  /** Behind a value that nobody wants to see. */
  #skip(bytes: Uint8Array, start: number): number {
    let depth = 0
    let at = start
    while (at < bytes.length && this.#left > 0) {
      const c = bytes[at]
      if (c === QUOTE) {
        at = this.#string(bytes, at)
        if (depth === 0) return at
        continue
      }
      this.#left--
      if (c === OPEN || c === LIST) depth++
      else if (c === 0x7d || c === 0x5d) {
        if (depth === 0) return at
        if (--depth === 0) return at + 1
      } else if (c === 0x2c && depth === 0) return at
      at++
    }
    return at
  }
}

/** Behind a string: its closing quote is the first that no odd number of backslashes stands before. */
function afterString(bytes: Uint8Array, open: number): number {
  for (let at = bytes.indexOf(QUOTE, open + 1); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let slashes = 0
    while (bytes[at - 1 - slashes] === BACKSLASH) slashes++
    if (slashes % 2 === 0) return at + 1
  }
  return bytes.length
}

function is(bytes: Uint8Array, { start, end }: Span, expected: Uint8Array): boolean {
  if (end - start !== expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false
  return true
}

/** Whether the string that begins there is this word. */
function isValue(bytes: Uint8Array, open: number, expected: Uint8Array): boolean {
  return (
    bytes[open] === QUOTE &&
    bytes[open + 1 + expected.length] === QUOTE &&
    is(bytes, { start: open + 1, end: open + 1 + expected.length }, expected)
  )
}

const decoder = new TextDecoder()

/** The strings one below the other; of more bytes than `most` the beginning and the end. */
function textOf(bytes: Uint8Array, parts: readonly Span[], most: number): string {
  const sum = parts.reduce((all, { start, end }) => all + end - start, 0)
  if (sum <= most) return parts.map(({ start, end }) => decoded(bytes, start + 1, end - 1)).join('\n')
  const half = most >> 1
  const head: string[] = []
  let left = half
  for (const { start, end } of parts) {
    if (left <= 0) break
    head.push(decoded(bytes, start + 1, boundary(bytes, Math.min(end - 1, start + 1 + left), end - 1)))
    left -= end - start
  }
  const tail: string[] = []
  left = half
  for (const { start, end } of [...parts].reverse()) {
    if (left <= 0) break
    tail.unshift(decoded(bytes, boundary(bytes, Math.max(start + 1, end - 1 - left), end - 1), end - 1))
    left -= end - start
  }
  return `${head.join('\n')}\n${tail.join('\n')}`
}

const LONGEST_ESCAPE = 6
const MOST_LOOKED = 4096

/** The next place where the inside of a string can be cut: inside no sign and no escape. `end` is one. */
function boundary(bytes: Uint8Array, from: number, end: number): number {
  const limit = Math.min(end, from + MOST_LOOKED)
  for (let at = from; at < limit; at++) if (isBoundary(bytes, at)) return at
  return limit === end ? end : from
}

function isBoundary(bytes: Uint8Array, at: number): boolean {
  const c = bytes[at] ?? 0
  if (c >= 0x80 && c < 0xc0) return false
  if (c === BACKSLASH) return bytes[at - 1] !== BACKSLASH
  for (let i = 1; i < LONGEST_ESCAPE; i++) if (bytes[at - i] === BACKSLASH) return false
  return true
}

/** The inside of a string. One that cannot be read (it was cut where that cannot be told) is as it stands. */
function decoded(bytes: Uint8Array, start: number, end: number): string {
  if (end <= start) return ''
  const text = decoder.decode(bytes.subarray(start, end))
  if (!text.includes('\\')) return text
  try {
    const value: unknown = JSON.parse(`"${text}"`)
    return typeof value === 'string' ? value : text
  } catch {
    return text
  }
}

/** Tools, also those that Gemini has in lists of a tool's own. */
function toolsIn(span: Uint8Array): number {
  let depth = 0
  let count = 0
  let inner = 0
  let steps = 0
  for (let at = 0; at < span.length && steps < MOST_STEPS; steps++) {
    const c = span[at]
    if (c === QUOTE) {
      at = afterString(span, at)
      continue
    }
    at++
    if (c === OPEN || c === LIST) {
      if (c === OPEN && depth === 1) count++
      // An object in a list in a tool: a function of Gemini's. Schemas stand deeper, and other languages have no lists there.
      if (c === OPEN && depth === 3) inner++
      depth++
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  return isDeclared(span) && inner > 0 ? inner : count
}

const DECLARATIONS = [/"functionDeclarations"/, /"function_declarations"/]

function isDeclared(span: Uint8Array): boolean {
  const head = decoder.decode(span.subarray(0, 256))
  return DECLARATIONS.some((one) => one.test(head))
}

/** Where the languages say it: OpenAI's two, Anthropic's, Gemini's. */
function formatOf(body: Spoken): Subject['format'] {
  for (const path of [
    ['response_format', 'type'],
    ['text', 'format', 'type'],
    ['output_format', 'type'],
    ['output_config', 'format', 'type'],
  ] as const) {
    const said = body.span(path[0]) === null ? null : body.member(path)
    if (said === '"json_schema"') return 'schema'
    if (said === '"json_object"') return 'json'
  }
  const generation = ['generationConfig', 'generation_config'].find((name) => body.span(name) !== null)
  if (generation === undefined) return 'text'
  const has = (name: string): boolean => (body.member([generation, name]) ?? 'null') !== 'null'
  if (has('responseSchema') || has('responseJsonSchema') || has('response_schema')) return 'schema'
  return body.member([generation, 'responseMimeType']) === '"application/json"' ? 'json' : 'text'
}
