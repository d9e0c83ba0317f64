// Images, audio and files as content parts of a chat request.

import type { Part } from '../../core/canonical.ts'
import type { Habits } from '../contract.ts'

type Media = Extract<Part, { kind: 'media' }>
type Reports = { readonly dropped: Set<string>; readonly approximated: Set<string> }
type Written = { readonly [name: string]: string | { readonly [name: string]: string } }

/** The content part, or `null` (reported) when this language has no word for it. */
export function writeMedia({ mediaType, source }: Media, habits: Habits, at: string, reports: Reports): Written | null {
  const kind = mediaType.slice(0, mediaType.indexOf('/'))
  if (source.at === 'file') {
    if (source.provider === habits.issuer) return { type: 'file', file: { file_id: source.fileId } }
    reports.dropped.add(`${at}.file_id`)
    return null
  }
  if (source.at === 'url') {
    if (kind === 'image') return { type: 'image_url', image_url: { url: source.url } }
    reports.dropped.add(`${at}.${kind === 'audio' || kind === 'video' ? kind : 'file'}_url`)
    return null
  }
  const dataUrl = `data:${mediaType};base64,${source.base64}`
  if (kind === 'image')
    return { type: 'image_url', image_url: { url: mediaType === 'image/*' ? `data:image/png;base64,${source.base64}` : dataUrl } }
  if (kind === 'audio') return { type: 'input_audio', input_audio: { data: source.base64, format: audioFormat(mediaType) } }
  if (kind === 'text') {
    // Files are PDFs here; a text document is as good as its text.
    const text = decodeText(source.base64)
    if (text !== null) {
      reports.approximated.add(`${at}.document`)
      reports.dropped.add(`${at}.mediaType`)
      return { type: 'text', text }
    }
  }
  if (kind === 'video') {
    reports.dropped.add(`${at}.video`)
    return null
  }
  return { type: 'file', file: { filename: mediaType === 'application/pdf' ? 'document.pdf' : 'document', file_data: dataUrl } }
}

function audioFormat(mediaType: string): string {
  const subtype = mediaType.slice(mediaType.indexOf('/') + 1)
  if (subtype === 'mpeg' || subtype === 'mp3') return 'mp3'
  return subtype === 'x-wav' || subtype === 'wave' ? 'wav' : subtype
}

/** The text of a UTF-8 document, or `null`. */
export function decodeText(base64: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    return null
  }
}
