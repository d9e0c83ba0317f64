// Reads the content blocks of a client's messages into canonical parts.

import type { CacheMark, JsonObject, JsonValue, MediaSource, Part } from '../../core/canonical.ts'
import { readCitations } from './citations.ts'
import { malformed, objectAt, optionalFlag, optionalObject, optionalText, requiredText } from './expect.ts'
import { ANTHROPIC_MESSAGES, isArray, ISSUER, readForeignSignature, sealOfThinking } from './wire.ts'

/** A document in a tool result is the deepest that the API knows. */
const MAX_DEPTH = 4

/** Members that no canonical part has a place for, by their path in the client's body. */
export type Leftovers = { [path: string]: JsonValue }

/** Text, or a list of blocks. A document given as text or as blocks becomes its text and images, as other languages have no such block. */
export function readContent(content: JsonValue | undefined, at: string, left: Leftovers, depth = 0): Part[] {
  if (depth > MAX_DEPTH) throw malformed(at, `content nested at most ${MAX_DEPTH} deep`)
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  if (!isArray(content)) throw malformed(at, 'a string or a list of content blocks')
  const parts: Part[] = []
  content.forEach((value, i) => {
    const blockAt = `${at}[${i}]`
    const block = objectAt(value, blockAt)
    if (block['type'] === 'thinking' && attachToCall(block, parts)) return
    parts.push(...readBlock(block, blockAt, left, depth))
  })
  return parts
}

/** The mark of a block, a tool, or (`at` is empty) of the request itself. */
export function cacheOf(block: JsonObject, at: string): { readonly cache?: CacheMark } {
  const markAt = at === '' ? 'cache_control' : `${at}.cache_control`
  const mark = optionalObject(block, 'cache_control', markAt)
  if (mark === undefined) return {}
  const ttl = optionalText(mark, 'ttl', `${markAt}.ttl`)
  if (ttl !== undefined && ttl !== '5m' && ttl !== '1h') throw malformed(`${markAt}.ttl`, '"5m" or "1h"')
  return { cache: { ttl: ttl ?? '5m' } }
}

function readBlock(block: JsonObject, at: string, left: Leftovers, depth: number): Part[] {
  switch (requiredText(block, 'type', `${at}.type`)) {
    case 'text': {
      const citations = readCitations(block['citations'])
      const text = requiredText(block, 'text', `${at}.text`)
      return [{ kind: 'text', text, ...(citations.length === 0 ? {} : { citations }), ...cacheOf(block, at) }]
    }
    case 'image':
      return [readImage(block, at)]
    case 'document':
      return readDocument(block, at, left, depth)
    case 'tool_use': {
      const input = block['input'] ?? '{}' // raw JSON text; a string here was one already
      if (typeof input !== 'string') throw malformed(`${at}.input`, 'an object')
      return [
        {
          kind: 'tool-call',
          id: requiredText(block, 'id', `${at}.id`),
          name: requiredText(block, 'name', `${at}.name`),
          arguments: input,
          ...cacheOf(block, at),
        },
      ]
    }
    case 'tool_result':
      return [
        {
          kind: 'tool-result',
          callId: requiredText(block, 'tool_use_id', `${at}.tool_use_id`),
          content:
            block['content'] === undefined || block['content'] === null
              ? []
              : readContent(block['content'], `${at}.content`, left, depth + 1),
          isError: optionalFlag(block, 'is_error', `${at}.is_error`) ?? false,
          ...cacheOf(block, at),
        },
      ]
    case 'thinking': {
      const text = requiredText(block, 'thinking', `${at}.thinking`)
      const signature = optionalText(block, 'signature', `${at}.signature`) ?? ''
      const foreign = readForeignSignature(signature)
      if (foreign !== null) return [{ kind: 'reasoning', text, seal: foreign.seal }]
      return [{ kind: 'reasoning', text, ...(signature === '' ? {} : { seal: sealOfThinking(text, signature) }) }]
    }
    case 'redacted_thinking':
      return [{ kind: 'reasoning', text: '', seal: { issuer: ISSUER, value: requiredText(block, 'data', `${at}.data`) } }]
    default:
      return [{ kind: 'native', dialect: ANTHROPIC_MESSAGES, value: block }]
  }
}

function readImage(block: JsonObject, at: string): Part {
  const source = objectAt(block['source'], `${at}.source`)
  const type = requiredText(source, 'type', `${at}.source.type`)
  if (type === 'base64') {
    const mediaType = requiredText(source, 'media_type', `${at}.source.media_type`)
    return { kind: 'media', mediaType, source: readBytes(source, at), ...cacheOf(block, at) }
  }
  const remote = readRemote(source, type, at)
  if (remote === null) return { kind: 'native', dialect: ANTHROPIC_MESSAGES, value: block }
  return { kind: 'media', mediaType: 'image/*', source: remote, ...cacheOf(block, at) }
}

function readDocument(block: JsonObject, at: string, left: Leftovers, depth: number): Part[] {
  const source = objectAt(block['source'], `${at}.source`)
  const type = requiredText(source, 'type', `${at}.source.type`)
  const title = optionalText(block, 'title', `${at}.title`)
  const context = optionalText(block, 'context', `${at}.context`)
  const citations = optionalObject(block, 'citations', `${at}.citations`)
  if (citations?.['enabled'] === true) left[`${at}.citations`] = citations
  const cache = cacheOf(block, at)
  const headed = (text: string): string =>
    title === undefined && context === undefined
      ? text
      : `<document${title === undefined ? '' : ` title=${JSON.stringify(title)}`}>\n${context === undefined ? '' : `${context}\n`}${text}\n</document>`
  if (type === 'text') return [{ kind: 'text', text: headed(requiredText(source, 'data', `${at}.source.data`)), ...cache }]
  if (type === 'content') {
    const inner = readContent(source['content'], `${at}.source.content`, left, depth + 1)
    const last = inner.at(-1)
    if (cache.cache === undefined || last === undefined || !('text' in last || last.kind === 'media')) return inner
    return [...inner.slice(0, -1), last.kind === 'text' || last.kind === 'media' ? { ...last, ...cache } : last]
  }
  if (title !== undefined) left[`${at}.title`] = title
  if (context !== undefined) left[`${at}.context`] = context
  if (type === 'base64') {
    const mediaType = optionalText(source, 'media_type', `${at}.source.media_type`) ?? 'application/pdf'
    return [{ kind: 'media', mediaType, source: readBytes(source, at), ...cache }]
  }
  const remote = readRemote(source, type, at)
  if (remote === null) return [{ kind: 'native', dialect: ANTHROPIC_MESSAGES, value: block }]
  return [{ kind: 'media', mediaType: 'application/pdf', source: remote, ...cache }]
}

function readBytes(source: JsonObject, at: string): MediaSource {
  return { at: 'inline', base64: requiredText(source, 'data', `${at}.source.data`) }
}

function readRemote(source: JsonObject, type: string, at: string): MediaSource | null {
  if (type === 'url') return { at: 'url', url: requiredText(source, 'url', `${at}.source.url`) }
  if (type === 'file') return { at: 'file', fileId: requiredText(source, 'file_id', `${at}.source.file_id`), provider: ISSUER }
  return null
}

/** A thinking block without text that our writer put after a call carries that call's seal. */
function attachToCall(block: JsonObject, parts: Part[]): boolean {
  const signature = block['signature']
  const foreign = typeof signature === 'string' ? readForeignSignature(signature) : null
  if (foreign?.of !== 'call') return false
  const at = parts.findLastIndex((part) => part.kind === 'tool-call')
  const call = parts[at]
  if (call?.kind === 'tool-call') parts[at] = { ...call, seal: foreign.seal }
  return true
}
