// Content of a Responses request's messages and tool outputs: texts, refusals, images, audio and files to parts.

import type { JsonObject, JsonValue, Part } from '../../core/canonical.ts'
import { expectObject, expectText, malformed, optionalText } from '../openai-chat/expecting.ts'
import { mediaAt, readAudio, typeByName } from '../openai-chat/media-reading.ts'
import type { Note } from '../openai-chat/message-reading.ts'
import { isArray } from '../openai-chat/wire.ts'
import { OPENAI_RESPONSES } from './wire.ts'

/** A string, or a list of content parts. @throws GatewayError `request-malformed` */
export function readContent(content: JsonValue | undefined, at: string, note: Note): readonly Part[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  if (!isArray(content)) throw malformed(at, 'a string or an array of content parts')
  return content.map((item, i) => {
    const partAt = `${at}[${i}]`
    return readPart(expectObject(item, partAt), partAt, note)
  })
}

function readPart(part: JsonObject, at: string, note: Note): Part {
  switch (expectText(part, 'type', `${at}.type`)) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { kind: 'text', text: expectText(part, 'text', `${at}.text`) }
    case 'refusal':
      return { kind: 'refusal', text: expectText(part, 'refusal', `${at}.refusal`) }
    case 'input_image':
      return readImage(part, at, note)
    case 'input_audio':
      return readAudio(part, at)
    case 'input_file':
      return readFile(part, at, note)
    default:
      return { kind: 'native', dialect: OPENAI_RESPONSES, value: part }
  }
}

function readImage(part: JsonObject, at: string, note: Note): Part {
  const detail = optionalText(part, 'detail', `${at}.detail`)
  if (detail !== undefined && detail !== 'auto') note(`${at}.detail`, detail)
  const url = optionalText(part, 'image_url', `${at}.image_url`)
  if (url !== undefined) return mediaAt(url, 'image/*')
  return byId(optionalText(part, 'file_id', `${at}.file_id`), 'image/*', at)
}

function readFile(part: JsonObject, at: string, note: Note): Part {
  const name = optionalText(part, 'filename', `${at}.filename`) ?? ''
  if (name !== '') note(`${at}.filename`, name)
  const mediaType = typeByName(name)
  const url = optionalText(part, 'file_url', `${at}.file_url`)
  if (url !== undefined) return mediaAt(url, mediaType)
  const data = optionalText(part, 'file_data', `${at}.file_data`)
  if (data === undefined) return byId(optionalText(part, 'file_id', `${at}.file_id`), 'application/octet-stream', at)
  return data.startsWith('data:') ? mediaAt(data, mediaType) : { kind: 'media', mediaType, source: { at: 'inline', base64: data } }
}

function byId(fileId: string | undefined, mediaType: string, at: string): Part {
  if (fileId === undefined) throw malformed(at, 'a part with data, a URL or a file_id')
  return { kind: 'media', mediaType, source: { at: 'file', fileId, provider: 'openai' } }
}
