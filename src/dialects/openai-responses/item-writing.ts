// Turns of the canonical form as input items of a Responses request, and reports of what no item can say.

import type { ChatRequest, Part, Turn } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import { decodeText } from '../openai-chat/media-writing.ts'
import type { Reports } from '../openai-chat/message-writing.ts'
import { firstText } from '../openai-chat/wire.ts'
import { OPENAI_RESPONSES, sealMembers } from './wire.ts'

type Writing = Reports & {
  readonly issuer: string
  /** Names of tools whose input is text, and the ids of their calls. */
  readonly customNames: ReadonlySet<string>
  readonly customCalls: Set<string>
}
type Media = Extract<Part, { kind: 'media' }>

/** `instructions` is the first system turn where it is one text; all else is input. */
export function writeItems(
  { turns, tools }: ChatRequest,
  issuer: string,
  reports: Reports,
): { readonly instructions: Writable; readonly input: readonly Writable[] } {
  const customNames = tools.flatMap((tool) =>
    tool.kind === 'native' && tool.value['type'] === 'custom' ? [firstText(tool.value['name'])] : [],
  )
  const writing: Writing = { ...reports, issuer, customNames: new Set(customNames), customCalls: new Set() }
  const [first] = turns
  const only = first?.role === 'system' && first.parts.length === 1 ? first.parts[0] : undefined
  const instructions = only?.kind === 'text' && only.text !== '' ? only : undefined
  if (instructions?.cache !== undefined) reports.dropped.add('cache')
  const rest = instructions === undefined ? turns : turns.slice(1)
  return {
    instructions: instructions?.text,
    input: rest.flatMap((turn, i) => writeTurn(turn, turn.at ?? `messages[${i + turns.length - rest.length}]`, writing)),
  }
}

function writeTurn({ role, parts }: Turn, at: string, writing: Writing): readonly Writable[] {
  switch (role) {
    case 'system':
    case 'user':
      return [{ role, content: contentOf(parts, at, writing) }]
    case 'assistant':
      return writeAssistant(parts, at, writing)
    case 'tool':
      return parts.flatMap((part): readonly Writable[] => {
        if (part.kind === 'native' && part.dialect === OPENAI_RESPONSES) return [part.value]
        if (part.kind !== 'tool-result') return [{ role: 'user', content: contentOf([part], at, writing) }]
        if (part.cache !== undefined) writing.dropped.add('cache')
        if (part.isError) writing.dropped.add(`${at}.is_error`)
        const type = writing.customCalls.has(part.callId) ? 'custom_tool_call_output' : 'function_call_output'
        return [{ type, call_id: part.callId, output: contentOf(part.content, at, writing) }]
      })
    default:
      return role satisfies never
  }
}

/** What was said in a row is one message; thoughts and calls are items of their own, in their order. */
function writeAssistant(parts: readonly Part[], at: string, writing: Writing): readonly Writable[] {
  const items: Writable[] = []
  let said: Writable[] = []
  let texts: string[] | null = []
  const flush = (): void => {
    if (said.length > 0) items.push({ role: 'assistant', content: texts?.length === 1 ? texts[0] : said })
    said = []
    texts = []
  }
  for (const part of parts) {
    switch (part.kind) {
      case 'text':
        report(part, at, writing)
        said.push({ type: 'output_text', text: part.text })
        texts?.push(part.text)
        break
      case 'refusal':
        said.push({ type: 'refusal', refusal: part.text })
        texts = null
        break
      case 'reasoning':
        if (part.seal?.issuer === writing.issuer) {
          flush()
          const summary = part.text === '' ? [] : [{ type: 'summary_text', text: part.text }]
          items.push({ type: 'reasoning', ...sealMembers(part.seal), summary })
        } else {
          if (part.seal !== undefined) writing.dropped.add(`${at}.reasoning.signature`)
          if (part.text === '') break
          // An item without its seal is refused.
          const text = `<thinking>\n${part.text}\n</thinking>\n`
          said.push({ type: 'output_text', text })
          texts?.push(text)
          writing.approximated.add(`${at}.reasoning`)
        }
        break
      case 'tool-call': {
        flush()
        report(part, at, writing)
        const { id: call_id, name } = part
        const isCustom = writing.customNames.has(name)
        if (isCustom) writing.customCalls.add(call_id)
        items.push(
          isCustom
            ? { type: 'custom_tool_call', call_id, name, input: part.arguments }
            : { type: 'function_call', call_id, name, arguments: part.arguments === '' ? '{}' : part.arguments },
        )
        break
      }
      case 'native':
        flush()
        if (part.dialect === OPENAI_RESPONSES) items.push(part.value)
        else writing.dropped.add(`${at}.native_item`)
        break
      case 'media':
      case 'tool-result':
        writing.dropped.add(`${at}.${part.kind === 'media' ? 'file' : 'tool_result'}`)
        break
      default:
        part satisfies never
    }
  }
  flush()
  return items
}

function report(part: Extract<Part, { kind: 'text' | 'tool-call' }>, at: string, { dropped }: Writing): void {
  if (part.cache !== undefined) dropped.add('cache')
  if (part.seal !== undefined) dropped.add(`${at}.${part.kind === 'text' ? 'content' : 'tool_calls'}.signature`)
}

/** A single text as a string, which every host takes. */
function contentOf(parts: readonly Part[], at: string, writing: Writing): Writable {
  const [only] = parts
  if (only?.kind === 'text' && parts.length === 1) {
    report(only, at, writing)
    return only.text
  }
  const written = parts.flatMap((part): readonly Writable[] => {
    if (part.kind === 'text') {
      report(part, at, writing)
      return [{ type: 'input_text', text: part.text }]
    }
    if (part.kind === 'refusal') return [{ type: 'input_text', text: part.text }]
    if (part.kind === 'media') return writeMedia(part, at, writing)
    if (part.kind === 'native' && part.dialect === OPENAI_RESPONSES) return [part.value]
    writing.dropped.add(`${at}.${part.kind === 'native' ? 'native_item' : part.kind.replace('-', '_')}`)
    return []
  })
  return written.length === 0 ? '' : written
}

function writeMedia({ mediaType, source, cache }: Media, at: string, writing: Writing): readonly Writable[] {
  if (cache !== undefined) writing.dropped.add('cache')
  const kind = mediaType.slice(0, mediaType.indexOf('/'))
  const isImage = kind === 'image'
  if (source.at === 'file') {
    if (source.provider === writing.issuer) return [{ type: isImage ? 'input_image' : 'input_file', file_id: source.fileId }]
    writing.dropped.add(`${at}.file_id`)
    return []
  }
  if (kind === 'audio' || kind === 'video') {
    writing.dropped.add(`${at}.${kind}`)
    return []
  }
  if (source.at === 'url') return [isImage ? { type: 'input_image', image_url: source.url } : { type: 'input_file', file_url: source.url }]
  if (isImage) {
    const type = mediaType === 'image/*' ? 'image/png' : mediaType
    return [{ type: 'input_image', image_url: `data:${type};base64,${source.base64}` }]
  }
  const text = kind === 'text' ? decodeText(source.base64) : null
  if (text !== null) {
    writing.approximated.add(`${at}.document`)
    return [{ type: 'input_text', text }]
  }
  const filename = mediaType === 'application/pdf' ? 'document.pdf' : 'document'
  return [{ type: 'input_file', filename, file_data: `data:${mediaType};base64,${source.base64}` }]
}
