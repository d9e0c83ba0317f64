// Writes images and files as image and document blocks.

import type { Part } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import type { CacheMarks } from './cache-marks.ts'
import type { Report } from './report.ts'
import { ISSUER } from './wire.ts'

type Media = Extract<Part, { kind: 'media' }>
type WireBlock = { readonly type: string; readonly [member: string]: Writable }

/** Nothing where the API has no block for it; `at` is the turn's place in the client's body. */
export function writeMedia(part: Media, at: string, marks: CacheMarks, report: Report): WireBlock[] {
  const { mediaType, source } = part
  const family = mediaType.split('/', 1)[0] ?? ''
  if (family === 'audio' || family === 'video') {
    report.drop(`${at}.${family}`)
    return []
  }
  const type = family === 'image' ? 'image' : 'document'
  if (source.at === 'file' && source.provider !== ISSUER) {
    report.drop(`${at}.file`)
    return []
  }
  if (source.at === 'url' && !/^https?:\/\//i.test(source.url)) {
    report.drop(`${at}.url`)
    return []
  }
  if (source.at === 'file') return [{ type, source: { type: 'file', file_id: source.fileId }, ...marks.take(part.cache) }]
  if (source.at === 'url') return [{ type, source: { type: 'url', url: source.url }, ...marks.take(part.cache) }]
  if (type === 'document' && mediaType !== 'application/pdf') return writeTextDocument(part, source.base64, at, marks, report)
  return [{ type, source: { type: 'base64', media_type: mediaType, data: source.base64 }, ...marks.take(part.cache) }]
}

/** Bytes that are no PDF can only be plain text; their own media type is lost. */
function writeTextDocument(part: Media, base64: string, at: string, marks: CacheMarks, report: Report): WireBlock[] {
  const text = textOfBase64(base64)
  if (text === null) {
    report.drop(`${at}.file`)
    return []
  }
  report.change(`${at}.mediaType`)
  return [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...marks.take(part.cache) }]
}

function textOfBase64(base64: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    return null
  }
}
