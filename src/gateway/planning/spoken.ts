// Finds who says what in the bytes of a chat, in any client's language, in one pass that parses nothing and makes no text: the users' words as
// spans, the instructions, what is attached. Tool results are nobody's words.

/** Pieces of JSON that are looked at; behind them nothing more is known. */
export const MOST_STEPS = 400_000

export const QUOTE = 0x22
export const OPEN = 0x7b
export const LIST = 0x5b
const BACKSLASH = 0x5c

/** Of a JSON string with its quotes. */
export type Span = { readonly start: number; readonly end: number }

/** One of the user's messages. `parts`: its texts; `turns`, `attachments`: up to here. */
export type Message = { readonly parts: readonly Span[]; readonly turns: number; readonly attachments: number; readonly end: number }

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
export class Walk {
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
export function afterString(bytes: Uint8Array, open: number): number {
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
