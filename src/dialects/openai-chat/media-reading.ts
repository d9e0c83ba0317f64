// Images, audio and files in a chat request, by their content parts.

import type { JsonObject, MediaSource, Part } from '../../core/canonical.ts'
import { expectText, malformed, optionalText } from './expecting.ts'
import { isObject } from './wire.ts'

export function readImage(part: JsonObject, at: string): Part {
  const said = part['image_url']
  const url = typeof said === 'string' ? said : isObject(said) ? expectText(said, 'url', `${at}.image_url.url`) : undefined
  if (url === undefined) throw malformed(`${at}.image_url`, 'an object with a url')
  return mediaAt(url, 'image/*')
}

export function readAudio(part: JsonObject, at: string): Part {
  const said = part['input_audio']
  if (typeof said === 'string') {
    // A URL from clients of vLLM and llama.cpp, bare base64 from Mistral's.
    return /^(https?|data):/i.test(said)
      ? mediaAt(said, 'audio/*')
      : { kind: 'media', mediaType: 'audio/mpeg', source: { at: 'inline', base64: said } }
  }
  if (!isObject(said)) throw malformed(`${at}.input_audio`, 'an object with data and format')
  const data = expectText(said, 'data', `${at}.input_audio.data`)
  if (data.startsWith('data:')) return mediaAt(data, 'audio/*')
  const format = optionalText(said, 'format', `${at}.input_audio.format`) ?? 'wav'
  return { kind: 'media', mediaType: format === 'mp3' ? 'audio/mpeg' : `audio/${format}`, source: { at: 'inline', base64: data } }
}

export function readFile(part: JsonObject, at: string): Part {
  const said = part['file']
  if (!isObject(said)) throw malformed(`${at}.file`, 'an object with file_data or file_id')
  const fileId = optionalText(said, 'file_id', `${at}.file.file_id`)
  const data = optionalText(said, 'file_data', `${at}.file.file_data`)
  if (data === undefined && fileId !== undefined) {
    return { kind: 'media', mediaType: 'application/octet-stream', source: { at: 'file', fileId, provider: 'openai' } }
  }
  if (data === undefined) throw malformed(`${at}.file`, 'an object with file_data or file_id')
  const mediaType = typeByName(optionalText(said, 'filename', `${at}.file.filename`) ?? '')
  if (data.startsWith('data:') || data.startsWith('http:') || data.startsWith('https:')) return mediaAt(data, mediaType)
  return { kind: 'media', mediaType, source: { at: 'inline', base64: data } }
}

/** A data URL or a place elsewhere; `otherwise` is the type where the URL tells none. */
export function mediaAt(url: string, otherwise: string): Part {
  const inline = readDataUrl(url)
  const source: MediaSource = inline === null ? { at: 'url', url } : { at: 'inline', base64: inline.base64 }
  return { kind: 'media', mediaType: inline === null || inline.mediaType === '' ? otherwise : inline.mediaType, source }
}

/** The parts of a base64 data URL, or `null`. No pattern is matched against it: it may be megabytes long. */
export function readDataUrl(url: string): { readonly mediaType: string; readonly base64: string } | null {
  if (!url.startsWith('data:')) return null
  const comma = url.indexOf(',')
  if (comma < 0) return null
  const [mediaType = '', ...parameters] = url.slice('data:'.length, comma).split(';')
  return parameters.at(-1)?.trim().toLowerCase() === 'base64' ? { mediaType: mediaType.trim(), base64: url.slice(comma + 1) } : null
}

const TYPES: { readonly [ending: string]: string } = {
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
}

/** PDF unless the name says otherwise: it is what this API takes files for. */
export function typeByName(name: string): string {
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return (Object.hasOwn(TYPES, ending) ? TYPES[ending] : undefined) ?? 'application/pdf'
}
