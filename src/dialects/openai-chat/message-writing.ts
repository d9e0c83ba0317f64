// Turns of the canonical form as messages of a chat request, and reports of what no message can say.

import type { CacheMark, Part, Turn } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import type { Habits } from '../contract.ts'
import { writeMedia } from './media-writing.ts'
import { detailsOf } from './reasoning-details.ts'
import { formatOf, OPENAI_CHAT } from './wire.ts'

/** What was not said, and what was said otherwise; names as the contract's `Written` has them. */
export type Reports = { readonly dropped: Set<string>; readonly approximated: Set<string> }

type Writing = Reports & { readonly habits: Habits; readonly messages: Writable[] }
type ToolResult = Extract<Part, { kind: 'tool-result' }>
type Call = Extract<Part, { kind: 'tool-call' }>

export function writeMessages(turns: readonly Turn[], habits: Habits, reports: Reports): readonly Writable[] {
  const writing: Writing = { ...reports, habits, messages: [] }
  /** A call's results must stand together behind it, so what they cannot hold waits for the last of them. */
  let waiting: Writable[] = []
  turns.forEach((turn, i) => {
    const at = turn.at ?? `messages[${i}]`
    if (turn.role !== 'tool' && waiting.length > 0) {
      writing.messages.push({ role: 'user', content: waiting })
      waiting = []
    }
    switch (turn.role) {
      case 'system':
        return void writing.messages.push({ role: 'system', content: contentOf(turn.parts, '\n\n', at, writing) })
      case 'user':
        return void writing.messages.push({ role: 'user', content: userContent(turn.parts, at, writing) })
      case 'assistant':
        return void writing.messages.push(assistantMessage(turn.parts, at, writing))
      case 'tool':
        for (const part of turn.parts) {
          if (part.kind === 'tool-result') waiting.push(...writeResult(part, at, writing))
          else waiting.push(...contentParts([part], at, writing))
        }
        return
      default:
        turn.role satisfies never
    }
  })
  if (waiting.length > 0) writing.messages.push({ role: 'user', content: waiting })
  return writing.messages
}

/** Text as one string, which every host takes; as parts only where a mark must stand on one of them. */
function contentOf(parts: readonly Part[], joint: string, at: string, writing: Writing): Writable {
  if (keepsMarks(parts, writing)) return contentParts(parts, at, writing)
  const texts = parts.flatMap((part) => textOf(part, at, writing))
  return texts.join(joint)
}

function userContent(parts: readonly Part[], at: string, writing: Writing): Writable {
  const [only] = parts
  if (parts.length === 1 && only?.kind === 'text' && !keepsMarks(parts, writing)) return contentOf(parts, '', at, writing)
  const written = contentParts(parts, at, writing)
  return written.length === 0 ? '' : written
}

function textOf(part: Part, at: string, writing: Writing): readonly string[] {
  if (part.kind === 'text' || part.kind === 'refusal') {
    if ('cache' in part && part.cache !== undefined) writing.dropped.add('cache')
    if ('seal' in part && part.seal !== undefined) writing.dropped.add(`${at}.content.signature`)
    return [part.text]
  }
  writing.dropped.add(`${at}.${nameOf(part)}`)
  return []
}

function contentParts(parts: readonly Part[], at: string, writing: Writing): Writable[] {
  const written: Writable[] = []
  for (const part of parts) {
    if (part.kind === 'text') written.push({ type: 'text', text: part.text, cache_control: writeMark(part.cache, writing) })
    else if (part.kind === 'media') {
      const media = writeMedia(part, writing.habits, at, writing)
      const mark = writeMark(part.cache, writing)
      if (media === null && mark !== undefined) writing.dropped.add('cache')
      if (media !== null) written.push({ ...media, cache_control: mark })
    } else if (part.kind === 'refusal') written.push({ type: 'text', text: part.text })
    else if (part.kind === 'native' && part.dialect === OPENAI_CHAT) written.push(part.value)
    else writing.dropped.add(`${at}.${nameOf(part)}`)
  }
  return written
}

function assistantMessage(parts: readonly Part[], at: string, writing: Writing): Writable {
  const { habits } = writing
  const said: Part[] = []
  const refusals: string[] = []
  const calls: Call[] = []
  const thoughts: string[] = []
  const details: Writable[] = []
  for (const part of parts) {
    if (part.kind === 'tool-call') calls.push(part)
    else if (part.kind === 'refusal') refusals.push(part.text)
    else if (part.kind !== 'reasoning') said.push(part)
    else {
      if (habits.accepts?.has('reasoning_details') === true) details.push(...detailsOf(part.text, part.seal, details.length))
      else if (part.seal !== undefined) writing.dropped.add(`${at}.reasoning.signature`)
      if (part.text !== '') thoughts.push(part.text)
    }
  }
  const asMember = habits.accepts?.has('reasoning_content') === true || habits.accepts?.has('reasoning_details') === true
  if (thoughts.length > 0 && !asMember) {
    said.unshift({ kind: 'text', text: `<thinking>\n${thoughts.join('\n')}\n</thinking>\n` })
    writing.approximated.add(`${at}.reasoning`)
  }
  const toolCalls = calls.map((call) => writeCall(call, at, details, writing))
  const content = said.length === 0 ? (toolCalls.length > 0 || refusals.length > 0 ? null : '') : contentOf(said, '', at, writing)
  return {
    role: 'assistant',
    content,
    refusal: refusals.length === 0 ? undefined : refusals.join(''),
    reasoning_content: thoughts.length > 0 && habits.accepts?.has('reasoning_content') === true ? thoughts.join('') : undefined,
    reasoning: thoughts.length > 0 && habits.accepts?.has('reasoning_details') === true ? thoughts.join('') : undefined,
    reasoning_details: details.length === 0 ? undefined : details,
    tool_calls: toolCalls.length === 0 ? undefined : toolCalls,
  }
}

function writeCall(call: Call, at: string, details: Writable[], writing: Writing): Writable {
  const { habits } = writing
  if (call.cache !== undefined) writing.dropped.add('cache')
  const sealed = call.seal !== undefined && call.seal.issuer === habits.issuer && call.seal.issuer !== 'openai'
  if (call.seal !== undefined && !sealed) {
    if (habits.accepts?.has('reasoning_details') === true) {
      const format = formatOf(call.seal.issuer)
      details.push({ type: 'reasoning.encrypted', data: call.seal.value, id: call.id, format, index: details.length })
    } else writing.dropped.add(`${at}.tool_calls.signature`)
  }
  return {
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.arguments === '' ? '{}' : call.arguments },
    extra_content: sealed && call.seal !== undefined ? { [call.seal.issuer]: { thought_signature: call.seal.value } } : undefined,
  }
}

/** Writes a tool message and gives back what it cannot hold: it takes text only, so pictures go into a user message behind the results. */
function writeResult(result: ToolResult, at: string, writing: Writing): readonly Writable[] {
  const texts: Part[] = []
  const rest: Part[] = []
  for (const part of result.content) (part.kind === 'text' || part.kind === 'refusal' ? texts : rest).push(part)
  const held = contentParts(rest, at, writing)
  const marked = result.cache !== undefined && writing.habits.accepts?.has('cache_control') === true
  const content = contentOf(texts, '\n', at, writing)
  if (result.cache !== undefined && !marked) writing.dropped.add('cache')
  if (result.isError) writing.dropped.add(`${at}.is_error`)
  writing.messages.push({
    role: 'tool',
    tool_call_id: result.callId,
    content:
      marked && typeof content === 'string' ? [{ type: 'text', text: content, cache_control: writeMark(result.cache, writing) }] : content,
  })
  if (held.length === 0) return []
  writing.approximated.add(`${at}.content`)
  return [{ type: 'text', text: `Attached to the result of tool call ${result.callId}:` }, ...held]
}

function keepsMarks(parts: readonly Part[], { habits }: Writing): boolean {
  return habits.accepts?.has('cache_control') === true && parts.some((part) => 'cache' in part && part.cache !== undefined)
}

/** The mark where this place takes it; else it is reported. */
export function writeMark(cache: CacheMark | undefined, { habits, dropped }: Reports & { readonly habits: Habits }): Writable {
  if (cache === undefined) return undefined
  if (habits.accepts?.has('cache_control') !== true) {
    dropped.add('cache')
    return undefined
  }
  return cache.ttl === '1h' ? { type: 'ephemeral', ttl: '1h' } : { type: 'ephemeral' }
}

function nameOf(part: Part): string {
  if (part.kind === 'native') return 'native_item'
  if (part.kind === 'media') return 'file'
  return part.kind.replace('-', '_')
}
