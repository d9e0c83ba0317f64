// What a chat asks, in any client's language, for whoever judges it: the users' words and some counts. Nothing is parsed whole, and text is made
// only of bounded parts.

import type { Subject } from '../../classifier/contract.ts'
import { textOf } from './span-text.ts'
import { afterString, LIST, MOST_STEPS, OPEN, QUOTE, Walk, type Message, type Span } from './spoken.ts'

/** Of one message this much is text, half of it the beginning and half the end. Of later ones less: each of them is judged. */
const FIRST_BYTES = 49_152
const LATER_BYTES = 16_384
const SYSTEM_BYTES = 2048
/** The first messages of the user that are judged, beside the newest one. Always the same ones, so that a verdict over them can only rise. */
export const MOST_JUDGED = 12
const BYTES_A_TOKEN = 4

const INSTRUCTIONS = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const
const MESSAGES = ['messages', 'input', 'contents'] as const

/** A body, as far as this looks. */
export type Spoken = { member(path: readonly [string, ...string[]]): string | null; span(name: string): Uint8Array | null }

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

const decoder = new TextDecoder()
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
