// Turns of the canonical form as messages of a v2 chat request, and reports of what no message can say.

import type { Part, Turn } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import { reasons } from './model-rules.ts'
import { isObject } from './wire.ts'

export type Reports = { readonly dropped: Set<string>; readonly approximated: Set<string> }

type Writing = Reports & { readonly reasons: boolean; readonly messages: Writable[] }
type Call = Extract<Part, { kind: 'tool-call' }>
type ToolResult = Extract<Part, { kind: 'tool-result' }>
type Media = Extract<Part, { kind: 'media' }>

export function writeMessages(turns: readonly Turn[], model: string, reports: Reports): readonly Writable[] {
  const writing: Writing = { ...reports, reasons: reasons(model), messages: [] }
  /** Results stand together behind their calls and hold text only: pictures wait for the last of them. */
  let waiting: Writable[] = []
  turns.forEach((turn, i) => {
    const at = turn.at ?? `messages[${i}]`
    if (turn.role !== 'tool' && waiting.length > 0) {
      writing.messages.push({ role: 'user', content: waiting })
      waiting = []
    }
    switch (turn.role) {
      case 'system':
        return void writing.messages.push({ role: 'system', content: textsOf(turn.parts, at, writing).join('\n\n') })
      case 'user':
        return void writing.messages.push({ role: 'user', content: userContent(turn.parts, at, writing) })
      case 'assistant':
        return void writing.messages.push(assistantMessage(turn.parts, at, writing))
      case 'tool':
        for (const part of turn.parts)
          waiting.push(...(part.kind === 'tool-result' ? writeResult(part, at, writing) : contentParts([part], at, writing)))
        return
      default:
        turn.role satisfies never
    }
  })
  if (waiting.length > 0) writing.messages.push({ role: 'user', content: waiting })
  return writing.messages
}

function userContent(parts: readonly Part[], at: string, writing: Writing): Writable {
  const [only] = parts
  if (parts.length === 1 && only?.kind === 'text') return textsOf(parts, at, writing).join('')
  const written = contentParts(parts, at, writing)
  return written.length === 0 ? '' : written
}

function textsOf(parts: readonly Part[], at: string, writing: Writing): readonly string[] {
  return parts.flatMap((part) => {
    noteCache(part, writing)
    if (part.kind !== 'text' && part.kind !== 'refusal') {
      writing.dropped.add(`${at}.${nameOf(part)}`)
      return []
    }
    if ('seal' in part && part.seal !== undefined) writing.dropped.add(`${at}.content.signature`)
    return [part.text]
  })
}

function contentParts(parts: readonly Part[], at: string, writing: Writing): Writable[] {
  return parts.flatMap((part) => {
    if (part.kind === 'media') {
      noteCache(part, writing)
      return writeMedia(part, at, writing)
    }
    return textsOf([part], at, writing).map((text) => ({ type: 'text', text }))
  })
}

function writeMedia({ mediaType, source }: Media, at: string, { dropped, approximated }: Writing): readonly Writable[] {
  const kind = mediaType.slice(0, mediaType.indexOf('/'))
  if (kind === 'image' && source.at !== 'file') {
    const url = source.at === 'url' ? source.url : `data:${mediaType === 'image/*' ? 'image/png' : mediaType};base64,${source.base64}`
    return [{ type: 'image_url', image_url: { url } }]
  }
  const text = kind === 'text' && source.at === 'inline' ? decode(source.base64) : null
  if (text !== null) {
    approximated.add(`${at}.document`)
    return [{ type: 'text', text }]
  }
  dropped.add(`${at}.${kind === 'audio' || kind === 'video' ? kind : 'file'}`)
  return []
}

function assistantMessage(parts: readonly Part[], at: string, writing: Writing): Writable {
  const calls = parts.filter((part) => part.kind === 'tool-call')
  const thoughts: string[] = []
  const said: Part[] = []
  for (const part of parts) {
    if (part.kind === 'reasoning') {
      if (part.seal !== undefined) writing.dropped.add(`${at}.reasoning.signature`)
      if (part.text !== '') thoughts.push(part.text)
    } else if (part.kind !== 'tool-call') said.push(part)
  }
  const text = textsOf(said, at, writing).join('')
  const content: Writable[] = text === '' ? [] : [{ type: 'text', text }]
  let plan: string | undefined
  if (thoughts.length > 0) {
    if (writing.reasons) content.unshift({ type: 'thinking', thinking: thoughts.join('\n') })
    else if (calls.length > 0) plan = thoughts.join('\n')
    else {
      content.unshift({ type: 'text', text: `<thinking>\n${thoughts.join('\n')}\n</thinking>\n` })
      writing.approximated.add(`${at}.reasoning`)
    }
  }
  return {
    role: 'assistant',
    content: content.length > 0 ? content : calls.length > 0 ? undefined : '',
    tool_plan: plan,
    tool_calls: calls.length === 0 ? undefined : calls.map((call) => writeCall(call, at, writing)),
  }
}

function writeCall(call: Call, at: string, writing: Writing): Writable {
  noteCache(call, writing)
  if (call.seal !== undefined) writing.dropped.add(`${at}.tool_calls.signature`)
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments.trim() === '' ? '{}' : call.arguments } }
}

/** Writes a tool message and gives back what it cannot hold. */
function writeResult(result: ToolResult, at: string, writing: Writing): readonly Writable[] {
  noteCache(result, writing)
  const texts = result.content.filter((part) => part.kind === 'text' || part.kind === 'refusal')
  const held = contentParts(
    result.content.filter((part) => part.kind !== 'text' && part.kind !== 'refusal'),
    at,
    writing,
  )
  if (result.isError) writing.dropped.add(`${at}.is_error`)
  writing.messages.push({ role: 'tool', tool_call_id: result.callId, content: textsOf(texts, at, writing).join('\n') })
  if (held.length === 0) return []
  writing.approximated.add(`${at}.content`)
  return [{ type: 'text', text: `Attached to the result of tool call ${result.callId}:` }, ...held]
}

function noteCache(part: Part, { dropped }: Reports): void {
  if ('cache' in part && part.cache !== undefined) dropped.add('cache')
}

function nameOf(part: Part): string {
  if (part.kind === 'native') {
    const type = isObject(part.value) ? part.value['type'] : null
    return typeof type === 'string' && /^[\w.-]{1,64}$/.test(type) ? type : 'native_item'
  }
  return part.kind === 'media' ? 'file' : part.kind.replace('-', '_')
}

function decode(base64: string): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)))
  } catch {
    return null
  }
}
