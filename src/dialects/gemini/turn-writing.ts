// Canonical turns → Gemini `systemInstruction` and `contents`. Knows roles, parts, calls paired with results, and signatures; no settings.

import type { Part, Turn } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import { Raw, asObjectText } from '../../core/json-raw.ts'
import { isObjectText, mediaTypeOf } from './part-wire.ts'
import { DIALECT, FOREIGN_SIGNATURE, ISSUER, isBefore } from './wire.ts'

/** Where reports of what could not be said go. */
export type Reports = { readonly dropped: Set<string>; readonly approximated: Set<string> }

type WirePart = { readonly [key: string]: Writable }
type Content = { readonly role: 'user' | 'model'; readonly parts: WirePart[] }
export type WrittenTurns = { readonly system: readonly WirePart[]; readonly contents: readonly Content[] }

type Call = { readonly name: string }
type Writing = {
  readonly reports: Reports
  readonly model: string
  readonly opensSeals: boolean
  readonly calls: Map<string, Call>
  /** Media of tool results, which follow all results: Gemini wants the results of one step side by side. */
  readonly waiting: WirePart[]
  readonly contents: Content[]
}

/** `issuer`: whose signatures the place can open. */
export function writeTurns(turns: readonly Turn[], model: string, issuer: string, reports: Reports): WrittenTurns {
  const writing: Writing = { reports, model, opensSeals: issuer === ISSUER, calls: new Map(), waiting: [], contents: [] }
  const leading = turns.findIndex((turn) => turn.role !== 'system')
  // A conversation of system turns alone has no contents, which Gemini refuses: it is asked as the user's.
  const system = leading < 0 ? [] : turns.slice(0, leading).flatMap((turn) => systemParts(turn, writing))
  turns.slice(Math.max(leading, 0)).forEach((turn, i) => {
    if (turn.role !== 'tool') flush(writing)
    const at = turn.at ?? `messages[${Math.max(leading, 0) + i}]`
    if (turn.role === 'system') reports.approximated.add(`${at}.role`)
    const parts = turn.parts.flatMap((part, n) => writePart(part, `${at}.content[${n}]`, at, writing))
    append(writing.contents, turn.role === 'assistant' ? 'model' : 'user', parts)
  })
  flush(writing)
  if (!isBefore(model, 3)) for (const content of writing.contents) if (content.role === 'model') signForeignCalls(content.parts)
  return { system, contents: writing.contents }
}

function systemParts(turn: Turn, writing: Writing): readonly WirePart[] {
  const out: WirePart[] = []
  for (const part of turn.parts) {
    if (part.kind !== 'text') writing.reports.dropped.add(`${turn.at ?? 'system'}.${part.kind}`)
    else if (part.text !== '') out.push({ text: part.text })
    noteCache(part, writing.reports)
  }
  return out
}

function writePart(part: Part, at: string, turnAt: string, writing: Writing): readonly WirePart[] {
  noteCache(part, writing.reports)
  switch (part.kind) {
    case 'text': {
      const signature = signatureOf(part, turnAt, writing)
      return part.text === '' && signature === undefined ? [] : [{ text: part.text, thoughtSignature: signature }]
    }
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }]
    case 'reasoning': {
      const signature = signatureOf(part, turnAt, writing)
      return part.text === '' && signature === undefined ? [] : [{ text: part.text, thought: true, thoughtSignature: signature }]
    }
    case 'media':
      return writeMedia(part, at, writing)
    case 'tool-call': {
      writing.calls.set(part.id, part)
      // `null` for a call without arguments, as some models write it.
      const isNull = part.arguments.trim() === 'null'
      const args = isNull ? '{}' : asObjectText(part.arguments)
      if (isNull) writing.reports.dropped.add(`${turnAt}.tool_calls`)
      else if (args !== part.arguments && part.arguments.trim() !== '') writing.reports.approximated.add(`${turnAt}.tool_calls`)
      return [{ functionCall: { id: part.id, name: part.name, args: new Raw(args) }, thoughtSignature: signatureOf(part, turnAt, writing) }]
    }
    case 'tool-result':
      return [writeResult(part, at, turnAt, writing)]
    case 'native': {
      if (part.dialect === DIALECT)
        return typeof part.value === 'object' && part.value !== null && !Array.isArray(part.value) ? [part.value as WirePart] : []
      writing.reports.dropped.add(`${at}.${nativeName(part.value)}`)
      return []
    }
    default:
      part satisfies never
      return []
  }
}

function writeMedia(part: Part & { kind: 'media' }, at: string, writing: Writing): readonly WirePart[] {
  const { source } = part
  if (source.at === 'inline')
    return [{ inlineData: { mimeType: mediaTypeOf(part.mediaType, '') ?? 'application/octet-stream', data: source.base64 } }]
  if (source.at === 'url') return [{ fileData: { mimeType: mediaTypeOf(part.mediaType, source.url), fileUri: source.url } }]
  if (source.provider === ISSUER) return [{ fileData: { mimeType: mediaTypeOf(part.mediaType, ''), fileUri: source.fileId } }]
  writing.reports.dropped.add(`${at}.file`)
  return []
}

function writeResult(part: Part & { kind: 'tool-result' }, at: string, turnAt: string, writing: Writing): WirePart {
  const name = writing.calls.get(part.callId)?.name
  if (name === undefined) writing.reports.approximated.add(`${turnAt}.tool_result`)
  const texts: string[] = []
  const inside: WirePart[] = []
  for (const piece of part.content) {
    noteCache(piece, writing.reports)
    if (piece.kind === 'text' || piece.kind === 'refusal' || piece.kind === 'reasoning') texts.push(piece.text)
    else if (piece.kind === 'media') {
      const media = writeMedia(piece, at, writing)
      // Only inline media of Gemini 3 can stand in a result; all else follows the results as the user's own.
      if (piece.source.at === 'inline' && !isBefore(writing.model, 3)) inside.push(...media)
      else if (media.length > 0) {
        writing.waiting.push(...media)
        writing.reports.approximated.add(`${turnAt}.tool_result`)
      }
    } else writing.reports.dropped.add(`${at}.tool_result.${piece.kind === 'native' ? nativeName(piece.value) : piece.kind}`)
  }
  const text = texts.join('\n')
  const response = part.isError ? { error: text } : isObjectText(text) ? new Raw(text) : { result: text }
  return { functionResponse: { id: part.callId, name: name ?? 'unknown_tool', response, parts: inside.length > 0 ? inside : undefined } }
}

function signatureOf(part: Part & { kind: 'text' | 'reasoning' | 'tool-call' }, turnAt: string, writing: Writing): string | undefined {
  if (part.seal === undefined) return undefined
  if (part.seal.issuer === ISSUER && writing.opensSeals) return part.seal.value
  writing.reports.dropped.add(`${turnAt}.signature`)
  return undefined
}

/** The first call of a step must be signed; the others of the same step are not. */
function signForeignCalls(parts: WirePart[]): void {
  const isCall = (part: WirePart) => part['functionCall'] !== undefined
  if (parts.some((part) => isCall(part) && part['thoughtSignature'] !== undefined)) return
  const first = parts.findIndex(isCall)
  const call = parts[first]
  if (call !== undefined) parts[first] = { ...call, thoughtSignature: FOREIGN_SIGNATURE }
}

function flush(writing: Writing): void {
  append(writing.contents, 'user', writing.waiting.splice(0))
}

/** Neighbours of one role become one content: Gemini counts a step's results against the calls of the content before. */
function append(contents: Content[], role: Content['role'], parts: readonly WirePart[]): void {
  if (parts.length === 0) return
  const last = contents.at(-1)
  if (last?.role === role) last.parts.push(...parts)
  else contents.push({ role, parts: [...parts] })
}

function noteCache(part: Part, reports: Reports): void {
  if ('cache' in part && part.cache !== undefined) reports.dropped.add('cache')
}

/** A word for a part that only another dialect knows, safe to stand in a header. */
function nativeName(value: unknown): string {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : null
  return typeof type === 'string' && /^[\w.-]{1,64}$/.test(type) ? type : 'native'
}
