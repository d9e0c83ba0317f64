// Images, documents and videos as blocks of a Converse request.

import type { Part } from '../../core/canonical.ts'
import type { Report } from '../anthropic-messages/report.ts'
import type { WireBlock } from './wire.ts'

type Media = Extract<Part, { kind: 'media' }>

const IMAGES: ReadonlySet<string> = new Set(['png', 'jpeg', 'gif', 'webp'])
const VIDEOS: ReadonlySet<string> = new Set(['mkv', 'mov', 'mp4', 'webm', 'flv', 'mpeg', 'mpg', 'wmv', 'three_gp'])
const DOCUMENTS: ReadonlyMap<string, string> = new Map([
  ['application/pdf', 'pdf'],
  ['text/csv', 'csv'],
  ['text/html', 'html'],
  ['text/markdown', 'md'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
])

/** `null` (reported): there is no block for it. Bedrock fetches from S3 only, so no other address can be said. */
export function writeMedia({ mediaType, source }: Media, at: string, nameDocument: () => string, report: Report): WireBlock | null {
  const [family = '', subtype = ''] = (mediaType.split(';', 1)[0] ?? '').toLowerCase().split('/')
  const place =
    source.at === 'inline'
      ? { bytes: source.base64 }
      : source.at === 'url' && source.url.startsWith('s3://')
        ? { s3Location: { uri: source.url } }
        : null
  if (place === null) {
    report.drop(`${at}.${family === 'image' ? 'image' : 'file'}_${source.at === 'url' ? 'url' : 'id'}`)
    return null
  }
  if (family === 'image') {
    const format = subtype === 'jpg' ? 'jpeg' : subtype === '*' ? 'png' : subtype
    if (IMAGES.has(format)) return { image: { format, source: place } }
    report.drop(`${at}.image`)
    return null
  }
  if (family === 'video') {
    const format = subtype === 'quicktime' ? 'mov' : subtype === '3gpp' ? 'three_gp' : subtype === 'x-matroska' ? 'mkv' : subtype
    if (VIDEOS.has(format)) return { video: { format, source: place } }
    report.drop(`${at}.video`)
    return null
  }
  const format = DOCUMENTS.get(`${family}/${subtype}`) ?? (family === 'text' ? 'txt' : null)
  if (format !== null) return { document: { format, name: nameDocument(), source: place } }
  report.drop(`${at}.${family === 'audio' ? 'audio' : 'file'}`)
  return null
}
