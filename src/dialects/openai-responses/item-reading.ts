// Input items of a Responses request to turns: what the assistant said, thought and called in a row is one turn.

import type { JsonObject, JsonValue, Part, Turn } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { expectObject, expectText, malformed, optionalText } from '../openai-chat/expecting.ts'
import type { Note } from '../openai-chat/message-reading.ts'
import { firstText, isArray, objectsOf } from '../openai-chat/wire.ts'
import { readContent } from './content-reading.ts'
import { OPENAI_RESPONSES, readEncrypted } from './wire.ts'

/** `input`: a text, or a list of items. @throws GatewayError `request-malformed`, `request-unsupported` */
export function readInput(input: JsonValue | undefined, note: Note): readonly Turn[] {
  if (typeof input === 'string') return [{ role: 'user', parts: [{ kind: 'text', text: input }], at: 'input' }]
  if (!isArray(input) || input.length === 0) throw malformed('input', 'a string or an array of at least one item')
  const turns: { readonly role: Turn['role']; readonly parts: Part[]; readonly at: string }[] = []
  const say = (part: Part, at: string): void => {
    const last = turns.at(-1)
    if (last?.role === 'assistant') last.parts.push(part)
    else turns.push({ role: 'assistant', parts: [part], at })
  }
  input.forEach((value, i) => {
    const at = `input[${i}]`
    const item = expectObject(value, at)
    const type = optionalText(item, 'type', `${at}.type`) ?? 'message'
    switch (type) {
      case 'message': {
        const role = readRole(item, at)
        const parts = readContent(item['content'], `${at}.content`, note)
        if (role !== 'assistant') return void turns.push({ role, parts: [...parts], at })
        for (const part of parts) say(part, at)
        return
      }
      case 'function_call':
        if (typeof item['namespace'] === 'string') note(`${at}.namespace`, item['namespace'])
        return say(readCall(item, 'arguments', at), at)
      case 'custom_tool_call':
        // A custom tool's input is text, not JSON; as a call it keeps its pair, which its result needs everywhere.
        return say(readCall(item, 'input', at), at)
      case 'function_call_output':
      case 'custom_tool_call_output':
        return void turns.push({ role: 'tool', parts: [readOutput(item, at, note)], at })
      case 'reasoning':
        return readReasoning(item, at, turns.at(-1), say)
      case 'item_reference':
      case 'compaction': {
        // What only its provider can open or look up stands for a part of the conversation: without it the rest means something else.
        const message = `${at} (${type}) stands for what only the provider that made it can read, and the provider of this model is another. Send the conversation itself, with "store": false.`
        throw new GatewayError('request-unsupported', message, { at })
      }
      default: {
        const part: Part = { kind: 'native', dialect: OPENAI_RESPONSES, value: item }
        if (/_(output|response)$/.test(type)) turns.push({ role: 'tool', parts: [part], at })
        else say(part, at)
      }
    }
  })
  return turns
}

function readRole(item: JsonObject, at: string): 'system' | 'user' | 'assistant' {
  const role = expectText(item, 'role', `${at}.role`)
  if (role === 'system' || role === 'developer') return 'system'
  if (role === 'user' || role === 'assistant') return role
  throw malformed(`${at}.role`, 'system, developer, user or assistant')
}

function readCall(item: JsonObject, input: 'arguments' | 'input', at: string): Part {
  return {
    kind: 'tool-call',
    id: expectText(item, 'call_id', `${at}.call_id`),
    name: expectText(item, 'name', `${at}.name`),
    arguments: optionalText(item, input, `${at}.${input}`) ?? '',
  }
}

function readOutput(item: JsonObject, at: string, note: Note): Part {
  const said = item['output']
  const content = said === undefined || said === null ? [] : readContent(said, `${at}.output`, note)
  return { kind: 'tool-result', callId: expectText(item, 'call_id', `${at}.call_id`), content, isError: false }
}

function readReasoning(
  item: JsonObject,
  at: string,
  before: { readonly role: Turn['role']; readonly parts: Part[] } | undefined,
  say: (part: Part, at: string) => void,
): void {
  const text = reasoningText(item)
  const encrypted = optionalText(item, 'encrypted_content', `${at}.encrypted_content`) ?? ''
  const sealed = readEncrypted(firstText(item['id']), encrypted)
  if (sealed !== null && sealed.callId !== null) {
    // Our own item behind a call: it holds that call's seal and nothing else.
    const parts = before?.role === 'assistant' ? before.parts : []
    const index = parts.findLastIndex((part) => part.kind === 'tool-call' && part.id === sealed.callId)
    const call = parts[index]
    if (call?.kind === 'tool-call') parts[index] = { ...call, seal: sealed.seal }
    return
  }
  if (text === '' && sealed === null) return // an item without text or seal tells nobody anything
  say({ kind: 'reasoning', text, ...(sealed === null ? {} : { seal: sealed.seal }) }, at)
}

/** What a reasoning item shows: the parts of its summary, then the reasoning itself (open models tell it). */
export function reasoningText(item: JsonObject): string {
  return [...objectsOf(item['summary']), ...objectsOf(item['content'])]
    .map((part) => firstText(part['text']))
    .filter((text) => text !== '')
    .join('\n\n')
}
