// One part of a client's content → canonical parts. Knows media, calls, results and signatures; no turns.

import type { JsonObject, JsonValue, MediaSource, Part, Seal } from '../../core/canonical.ts'
import type { Calls } from './call-pairing.ts'
import { isObjectText, mediaTypeOf } from './part-wire.ts'
import type { Leftovers } from './spelling.ts'
import { besides, malformed, objectAt, optionalFlag, optionalText, said } from './spelling.ts'
import { DIALECT, FOREIGN_SIGNATURE, ISSUER, isObject, listOf, textOf } from './wire.ts'

type Kind = 'text' | 'inlineData' | 'fileData' | 'functionCall' | 'functionResponse'
const KINDS: readonly Kind[] = ['functionCall', 'functionResponse', 'inlineData', 'fileData', 'text']
const UNKNOWN_TYPE = 'application/octet-stream'

/** @throws GatewayError `request-malformed` */
export function readPart(part: JsonObject, at: string, calls: Calls, left: Leftovers): readonly Part[] {
  const kind = KINDS.find((name) => said(part, name) !== undefined)
  const seal = sealOf(part, at)
  if (kind === undefined) {
    if (besides(part, ['thought', 'thoughtSignature', 'role']).length > 0) return [{ kind: 'native', dialect: DIALECT, value: part }]
    return seal === undefined ? [] : [{ kind: 'text', text: '', seal }]
  }
  for (const [name, value] of besides(part, [kind, 'thought', 'thoughtSignature', 'role'])) left[`${at}.${name}`] = value
  const sealed = seal === undefined ? {} : { seal }
  switch (kind) {
    case 'text': {
      const text = optionalText(part, 'text', `${at}.`) ?? ''
      if (text === '' && seal === undefined) return []
      return [{ kind: optionalFlag(part, 'thought', `${at}.`) === true ? 'reasoning' : 'text', text, ...sealed }]
    }
    case 'inlineData':
    case 'fileData':
      return [readMedia(part, kind, at)]
    case 'functionCall':
      return [{ ...readCall(objectAt(said(part, kind), `${at}.${kind}`), `${at}.${kind}`, calls, left), ...sealed }]
    case 'functionResponse':
      return [readResult(objectAt(said(part, kind), `${at}.${kind}`), `${at}.${kind}`, calls, left)]
    default:
      return kind satisfies never
  }
}

/** Our own stand-in for a signature is none. */
function sealOf(part: JsonObject, at: string): Seal | undefined {
  const value = optionalText(part, 'thoughtSignature', `${at}.`)
  return value === undefined || value === '' || value === FOREIGN_SIGNATURE ? undefined : { issuer: ISSUER, value }
}

function readMedia(part: JsonObject, kind: 'inlineData' | 'fileData', at: string): Part {
  const blob = objectAt(said(part, kind), `${at}.${kind}`)
  const type = optionalText(blob, 'mimeType', `${at}.${kind}.`) ?? ''
  if (kind === 'inlineData') {
    const data = optionalText(blob, 'data', `${at}.inlineData.`)
    if (data === undefined) throw malformed(`${at}.inlineData.data`, 'base64')
    return { kind: 'media', mediaType: type || UNKNOWN_TYPE, source: { at: 'inline', base64: plainBase64(data) } }
  }
  const uri = optionalText(blob, 'fileUri', `${at}.fileData.`)
  if (uri === undefined || uri === '') throw malformed(`${at}.fileData.fileUri`, 'a URI')
  return { kind: 'media', mediaType: mediaTypeOf(type, uri) ?? UNKNOWN_TYPE, source: sourceOf(uri) }
}

/** Google's own files can be read by Google alone; all else on the web is a URL. */
function sourceOf(uri: string): MediaSource {
  const isForeign = /^https?:\/\//i.test(uri) && !/^https:\/\/generativelanguage\.googleapis\.com\//i.test(uri)
  return isForeign ? { at: 'url', url: uri } : { at: 'file', fileId: uri, provider: ISSUER }
}

/** Google's Python SDK writes base64 for URLs, which other providers refuse. */
function plainBase64(data: string): string {
  if (!data.includes('-') && !data.includes('_')) return data
  const plain = data.replaceAll('-', '+').replaceAll('_', '/')
  return plain + '='.repeat((4 - (plain.length % 4)) % 4)
}

function readCall(call: JsonObject, at: string, calls: Calls, left: Leftovers): Part & { kind: 'tool-call' } {
  const name = optionalText(call, 'name', `${at}.`)
  if (name === undefined || name === '') throw malformed(`${at}.name`, 'the name of a function')
  for (const [other, value] of besides(call, ['id', 'name', 'args'])) left[`${at}.${other}`] = value
  const args = call['args'] ?? '{}' // raw JSON text
  if (typeof args !== 'string' || !isObjectText(args)) throw malformed(`${at}.args`, 'an object')
  return { kind: 'tool-call', id: calls.call(idOf(call, at), name), name, arguments: args }
}

function readResult(result: JsonObject, at: string, calls: Calls, left: Leftovers): Part {
  const name = optionalText(result, 'name', `${at}.`) ?? ''
  for (const [other, value] of besides(result, ['id', 'name', 'response', 'parts'])) left[`${at}.${other}`] = value
  const response = result['response'] ?? '{}' // raw JSON text
  if (typeof response !== 'string') throw malformed(`${at}.response`, 'an object')
  const { text, isError } = wordsOf(response)
  const media = mediaOf(result['parts'], at, left)
  const content: Part[] = text === '' && media.length > 0 ? media : [{ kind: 'text', text }, ...media]
  return { kind: 'tool-result', callId: calls.result(idOf(result, at), name), content, isError }
}

function idOf(of: JsonObject, at: string): string | null {
  const id = optionalText(of, 'id', `${at}.`)
  return id === undefined || id === '' ? null : id
}

/** What a tool said is wrapped into an object here (`result`, `output`, `error`); other languages take the words themselves. */
function wordsOf(response: string): { readonly text: string; readonly isError: boolean } {
  let value: JsonValue
  try {
    value = JSON.parse(response) as JsonValue
  } catch {
    return { text: response, isError: false }
  }
  const entries = isObject(value) ? Object.entries(value) : []
  const [name, words] = entries[0] ?? []
  if (entries.length !== 1 || typeof words !== 'string') return { text: response, isError: false }
  if (name === 'error') return { text: words, isError: true }
  return { text: name === 'result' || name === 'output' ? words : response, isError: false }
}

/** Pictures and files inside a result; a list of one may be written without the list. */
function mediaOf(value: JsonValue | undefined, at: string, left: Leftovers): Part[] {
  const list = isObject(value) ? [value] : listOf(value)
  return list.flatMap((item, i): Part[] => {
    const partAt = `${at}.parts[${i}]`
    const part = objectAt(item, partAt)
    const kind = (['inlineData', 'fileData'] as const).find((name) => said(part, name) !== undefined)
    if (kind !== undefined) return [readMedia(part, kind, partAt)]
    const text = textOf(part['text'])
    if (text !== null) return [{ kind: 'text', text }]
    left[partAt] = part
    return []
  })
}
