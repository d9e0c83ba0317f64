// Messages of a chat request to turns. What a message says that no turn can hold is noted by its path, so that a writer reports it.

import type { CacheMark, JsonObject, JsonValue, Part, Turn } from '../../core/canonical.ts'
import { expectObject, expectText, malformed, optionalList, optionalText } from './expecting.ts'
import { readAudio, readFile, readImage } from './media-reading.ts'
import { readReasoning } from './reasoning-details.ts'
import { firstText, isArray, isObject, OPENAI_CHAT, sealIn } from './wire.ts'

/** Notes a member by its path, as what the canonical form has no place for. */
export type Note = (path: string, value: JsonValue) => void

export function readMessages(messages: readonly JsonValue[], note: Note): readonly Turn[] {
  const turns: Turn[] = []
  /** Legacy calls have no id; their result names the function. */
  const legacyIds = new Map<string, string>()
  messages.forEach((item, i) => {
    const at = `messages[${i}]`
    const message = expectObject(item, at)
    const role = expectText(message, 'role', `${at}.role`)
    switch (role) {
      case 'system':
      case 'developer':
      case 'user':
        noteName(message, at, note)
        turns.push({
          role: role === 'user' ? 'user' : 'system',
          parts: withMark(message, readContent(message['content'], `${at}.content`, note)),
          at,
        })
        return
      case 'assistant':
        noteName(message, at, note)
        turns.push({ role: 'assistant', parts: withMark(message, readAssistant(message, at, legacyIds, note)), at })
        return
      case 'tool':
        turns.push({ role: 'tool', parts: [readResult(message, expectText(message, 'tool_call_id', `${at}.tool_call_id`), at, note)], at })
        return
      case 'function': {
        const name = expectText(message, 'name', `${at}.name`)
        turns.push({ role: 'tool', parts: [readResult(message, legacyIds.get(name) ?? name, at, note)], at })
        return
      }
      default:
        throw malformed(`${at}.role`, 'system, developer, user, assistant or tool')
    }
  })
  return turns
}

function noteName(message: JsonObject, at: string, note: Note): void {
  const name = optionalText(message, 'name', `${at}.name`)
  if (name !== undefined) note(`${at}.name`, name)
}

function readContent(content: JsonValue | undefined, at: string, note: Note): Part[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  if (!isArray(content)) throw malformed(at, 'a string or an array of content parts')
  return content.map((item, i) => {
    if (typeof item === 'string') return { kind: 'text', text: item }
    const partAt = `${at}[${i}]`
    return readPart(expectObject(item, partAt), partAt, note)
  })
}

function readPart(part: JsonObject, at: string, note: Note): Part {
  switch (expectText(part, 'type', `${at}.type`)) {
    case 'text':
      return marked({ kind: 'text', text: expectText(part, 'text', `${at}.text`) }, part)
    case 'refusal':
      return { kind: 'refusal', text: expectText(part, 'refusal', `${at}.refusal`) }
    case 'image_url': {
      const image = part['image_url']
      const detail = isObject(image) ? image['detail'] : undefined
      if (typeof detail === 'string' && detail !== 'auto') note(`${at}.image_url.detail`, detail)
      return marked(readImage(part, at), part)
    }
    case 'input_audio':
      return marked(readAudio(part, at), part)
    case 'file': {
      const file = part['file']
      const name = isObject(file) ? file['filename'] : undefined
      if (typeof name === 'string' && name !== '') note(`${at}.file.filename`, name)
      return marked(readFile(part, at), part)
    }
    case 'thinking': // Mistral's
      return { kind: 'reasoning', text: thinkingOf(part['thinking']) }
    default:
      return { kind: 'native', dialect: OPENAI_CHAT, value: part }
  }
}

/** Mistral's thinking, a string or a list of text parts. */
export function thinkingOf(thinking: JsonValue | undefined): string {
  if (typeof thinking === 'string') return thinking
  if (!isArray(thinking)) return ''
  return thinking.map((part) => (isObject(part) ? firstText(part['text']) : '')).join('')
}

function readAssistant(message: JsonObject, at: string, legacyIds: Map<string, string>, note: Note): Part[] {
  const calls = readCalls(message, at, legacyIds)
  const spoken = firstText(message['reasoning_content'], message['reasoning'])
  const ids = new Set(calls.map((call) => call.id))
  const { parts: thoughts, ofCalls } = readReasoning(spoken, message['reasoning_details'], ids)
  const content = message['content']
  const said = content === undefined || content === null ? [] : readContent(content, `${at}.content`, note)
  const refusal = optionalText(message, 'refusal', `${at}.refusal`)
  if (refusal !== undefined && refusal !== '') said.push({ kind: 'refusal', text: refusal })
  if (isObject(message['audio'])) note(`${at}.audio`, message['audio'])
  const seal = sealIn(message['extra_content'])
  const lastText = said.findLastIndex((part) => part.kind === 'text')
  const text = said[lastText]
  if (seal !== undefined && text?.kind === 'text') said[lastText] = { ...text, seal }
  const sealed = calls.map((call): Part => {
    const own = call.seal ?? ofCalls.get(call.id)
    return own === undefined ? call : { ...call, seal: own }
  })
  return [...thoughts, ...said.filter((part) => part.kind !== 'text' || part.text !== ''), ...sealed]
}

type Call = Extract<Part, { kind: 'tool-call' }>

function readCalls(message: JsonObject, at: string, legacyIds: Map<string, string>): Call[] {
  const calls = (optionalList(message, 'tool_calls', `${at}.tool_calls`) ?? []).map((item, i): Call => {
    const callAt = `${at}.tool_calls[${i}]`
    const call = expectObject(item, callAt)
    const custom = call['custom']
    // A custom tool's input is text, not JSON; as a call it keeps its pair, which its result needs everywhere.
    if (isObject(custom)) {
      const input = expectText(custom, 'input', `${callAt}.custom.input`)
      return {
        kind: 'tool-call',
        id: expectText(call, 'id', `${callAt}.id`),
        name: expectText(custom, 'name', `${callAt}.custom.name`),
        arguments: input,
      }
    }
    const made = expectObject(call['function'], `${callAt}.function`)
    const seal = sealIn(call['extra_content'])
    return {
      kind: 'tool-call',
      id: expectText(call, 'id', `${callAt}.id`),
      name: expectText(made, 'name', `${callAt}.function.name`),
      arguments: optionalText(made, 'arguments', `${callAt}.function.arguments`) ?? '',
      ...(seal === undefined ? {} : { seal }),
    }
  })
  const legacy = message['function_call']
  if (isObject(legacy)) {
    const name = expectText(legacy, 'name', `${at}.function_call.name`)
    const id = `call_${name}_${at.replaceAll(/\D/g, '')}`
    legacyIds.set(name, id)
    calls.push({ kind: 'tool-call', id, name, arguments: optionalText(legacy, 'arguments', `${at}.function_call.arguments`) ?? '' })
  }
  return calls
}

function readResult(message: JsonObject, callId: string, at: string, note: Note): Part {
  const said = message['content']
  const content = said === undefined || said === null ? [] : readContent(said, `${at}.content`, note)
  const mark = markOf(message) ?? content.map((part) => ('cache' in part ? part.cache : undefined)).findLast((cache) => cache !== undefined)
  return { kind: 'tool-result', callId, content, isError: false, ...(mark === undefined ? {} : { cache: mark }) }
}

/** `cache_control` as OpenRouter and LiteLLM take it: on a content part, a message or a tool. */
export function markOf(of: JsonObject): CacheMark | undefined {
  const said = of['cache_control']
  if (!isObject(said) || said['type'] !== 'ephemeral') return undefined
  return { ttl: said['ttl'] === '1h' ? '1h' : '5m' }
}

function marked(part: Part, from: JsonObject): Part {
  const cache = markOf(from)
  return cache !== undefined && (part.kind === 'text' || part.kind === 'media') ? { ...part, cache } : part
}

/** A mark on the message itself stands on its last part that can hold one. */
function withMark(message: JsonObject, parts: Part[]): readonly Part[] {
  const cache = markOf(message)
  if (cache === undefined) return parts
  const last = parts.findLastIndex((part) => part.kind === 'text' || part.kind === 'media')
  return parts.map((part, i) => (i === last && (part.kind === 'text' || part.kind === 'media') ? { ...part, cache } : part))
}
