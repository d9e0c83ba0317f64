// Turns of the canonical form as messages of a Converse request: two roles that take turns, blocks, cache points, and what no block can say.

import type { CacheMark, Part, Turn } from '../../core/canonical.ts'
import { asObjectText, Raw } from '../../core/json-raw.ts'
import type { CacheMarks } from '../anthropic-messages/cache-marks.ts'
import type { Report } from '../anthropic-messages/report.ts'
import { ToolIds } from '../anthropic-messages/tool-ids.ts'
import { omittedSignature } from '../anthropic-messages/wire.ts'
import { writeMedia } from './media-writing.ts'
import { familyOf, takesHourLongCache } from './model-rules.ts'
import { BEDROCK_CONVERSE, ISSUER, isObject, type WireBlock } from './wire.ts'

type Message = { readonly role: 'user' | 'assistant'; readonly content: WireBlock[] }

export type WrittenTurns = {
  readonly system: readonly WireBlock[]
  readonly messages: readonly Message[]
  /** Names of the tools that were called before: Bedrock wants them defined. */
  readonly called: ReadonlySet<string>
}

type Writing = {
  readonly model: string
  readonly opensSeals: boolean
  readonly marks: CacheMarks
  readonly report: Report
  readonly ids: ToolIds
  readonly messages: Message[]
  readonly called: Set<string>
  documents: number
}

/** `issuer`: whose signatures the place can open. */
export function writeTurns(turns: readonly Turn[], model: string, issuer: string, marks: CacheMarks, report: Report): WrittenTurns {
  const opensSeals = issuer === ISSUER && familyOf(model) === 'claude'
  const writing: Writing = { model, opensSeals, marks, report, ids: new ToolIds('call'), messages: [], called: new Set(), documents: 0 }
  const leading = turns.findIndex((turn) => turn.role !== 'system')
  // A conversation of system turns alone is refused: it is asked as the user's.
  const system = leading < 0 ? [] : turns.slice(0, leading).flatMap((turn) => systemBlocks(turn, writing))
  turns.slice(Math.max(leading, 0)).forEach((turn, i) => {
    const at = turn.at ?? `messages[${Math.max(leading, 0) + i}]`
    if (turn.role === 'system') report.approximate(`${at}.role`)
    const blocks = turn.parts.flatMap((part) => writePart(part, at, turn.role, writing))
    append(writing.messages, turn.role === 'assistant' ? 'assistant' : 'user', blocks)
  })
  for (const message of writing.messages) if (message.role === 'user') accompany(message, report)
  if (writing.messages[0]?.role !== 'user') {
    // A conversation begins with the user here.
    writing.messages.unshift({ role: 'user', content: [{ text: 'Continue.' }] })
    report.approximate('messages')
  }
  return { system, messages: writing.messages, called: writing.called }
}

function systemBlocks(turn: Turn, writing: Writing): readonly WireBlock[] {
  return turn.parts.flatMap((part) => {
    if (part.kind !== 'text') {
      writing.report.drop(`${turn.at ?? 'system'}.${part.kind}`)
      return []
    }
    return part.text.trim() === '' ? [] : [{ text: part.text }, ...cachePoint(part.cache, writing)]
  })
}

function writePart(part: Part, at: string, role: Turn['role'], writing: Writing): readonly WireBlock[] {
  const { report } = writing
  switch (part.kind) {
    case 'text':
    case 'refusal':
      if ('seal' in part && part.seal !== undefined) report.drop(`${at}.content.signature`)
      // Blank text is refused.
      return part.text.trim() === '' ? [] : [{ text: part.text }, ...('cache' in part ? cachePoint(part.cache, writing) : [])]
    case 'media': {
      const block = writeMedia(part, at, () => `document-${++writing.documents}`, report)
      if (block === null && part.cache !== undefined) report.drop('cache')
      return block === null ? [] : [block, ...cachePoint(part.cache, writing)]
    }
    case 'reasoning':
      return role === 'assistant' ? writeReasoning(part, at, writing) : part.text.trim() === '' ? [] : [{ text: part.text }]
    case 'tool-call': {
      if (part.seal !== undefined) report.drop(`${at}.tool_calls.signature`)
      const input = asObjectText(part.arguments)
      if (input !== part.arguments && part.arguments.trim() !== '') report.drop(`${at}.tool_calls`)
      const name = toolName(part.name)
      writing.called.add(name)
      const use = { toolUseId: writing.ids.call(part.id), name, input: new Raw(input) }
      return [{ toolUse: use }, ...cachePoint(part.cache, writing)]
    }
    case 'tool-result':
      return writeResult(part, at, writing)
    case 'native':
      if (part.dialect === BEDROCK_CONVERSE && isObject(part.value)) return [part.value]
      report.drop(`${at}.${nativeName(part.value)}`)
      return []
    default:
      return part satisfies never
  }
}

function writeReasoning(
  { text, seal }: Extract<Part, { kind: 'reasoning' }>,
  at: string,
  { opensSeals, report }: Writing,
): readonly WireBlock[] {
  if (seal !== undefined && seal.issuer === ISSUER && opensSeals) {
    const signature = text === '' ? omittedSignature(seal.value) : seal.value
    if (signature !== null) return [{ reasoningContent: { reasoningText: { text, signature } } }]
    return [{ reasoningContent: { redactedContent: base64Of(seal.value) } }]
  }
  if (seal !== undefined) report.drop(`${at}.reasoning.signature`)
  if (text.trim() === '') return []
  report.approximate(`${at}.reasoning`)
  return [{ text: `<thinking>${text}</thinking>` }]
}

function writeResult(part: Extract<Part, { kind: 'tool-result' }>, at: string, writing: Writing): readonly WireBlock[] {
  const { report } = writing
  const inner = part.content.flatMap((piece) =>
    piece.kind === 'tool-result' || piece.kind === 'tool-call' ? [] : writePart(piece, at, 'tool', writing),
  )
  // Points stand beside a result, not in it.
  const content = inner.filter((block) => block['cachePoint'] === undefined)
  const points = inner.filter((block) => block['cachePoint'] !== undefined)
  if (content.length === 0) {
    content.push({ text: '(empty)' })
    report.approximate(`${at}.tool_result`)
  }
  const family = familyOf(writing.model)
  const takesStatus = family === 'claude' || family === 'nova' || family === 'nova-2'
  if (part.isError && !takesStatus) report.drop(`${at}.is_error`)
  const result = { toolUseId: writing.ids.result(part.callId), content, status: part.isError && takesStatus ? 'error' : undefined }
  return [{ toolResult: result }, ...points, ...cachePoint(part.cache, writing)]
}

/** A point behind what it marks, for the families that have a prompt cache. */
export function cachePoint(mark: CacheMark | undefined, writing: Pick<Writing, 'model' | 'marks' | 'report'>): readonly WireBlock[] {
  if (mark === undefined) return []
  const family = familyOf(writing.model)
  if (family !== 'claude' && family !== 'nova' && family !== 'nova-2') {
    writing.report.drop('cache')
    return []
  }
  const taken = writing.marks.take(mark).cache_control
  if (taken === undefined) return []
  const isLong = mark.ttl === '1h' && takesHourLongCache(writing.model)
  if (mark.ttl === '1h' && !isLong) writing.report.approximate('cache')
  return [{ cachePoint: { type: 'default', ttl: isLong ? '1h' : undefined } }]
}

/** Letters, digits, `_` and `-`, at most 64. */
export function toolName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'tool'
}

/** A document is refused where no text stands beside it. */
function accompany({ content }: Message, report: Report): void {
  const has = (kind: string): boolean => content.some((block) => block[kind] !== undefined)
  if (!has('document') || has('text')) return
  content.push({ text: 'See the attached document.' })
  report.approximate('messages')
}

function append(messages: Message[], role: Message['role'], blocks: readonly WireBlock[]): void {
  if (blocks.length === 0) return
  const last = messages.at(-1)
  if (last?.role === role) last.content.push(...blocks)
  else messages.push({ role, content: [...blocks] })
}

/** A word for a part that only another dialect knows, safe to stand in a header. */
function nativeName(value: unknown): string {
  const type = isObject(value) ? value['type'] : null
  return typeof type === 'string' && /^[\w.-]{1,64}$/.test(type) ? type : 'native_item'
}

function base64Of(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
