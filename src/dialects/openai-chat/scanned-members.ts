// Members of a request that is not parsed yet, by a scan: what the intents of OpenAI's languages are read from.

import { GatewayError } from '../../core/errors.ts'
import type { Path } from '../../core/json-splice.ts'
import type { ClientBody } from '../contract.ts'
import { isCount, malformed } from './expecting.ts'

const MAX_MODEL_LENGTH = 512
const NO_SCALAR = Symbol('an object or a list')

/** @throws GatewayError `request-malformed` */
export function readModel(body: ClientBody): string {
  return checkedModel(valueAt(body, ['model']))
}

/** @throws GatewayError `request-malformed` for what is no model's name */
export function checkedModel(model: unknown): string {
  if (typeof model !== 'string' || model === '') throw malformed('model', 'the name of a model')
  if (model.length > MAX_MODEL_LENGTH || !isPrintable(model)) throw malformed('model', 'a name of printable characters')
  return model
}

function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c === 0x2028 || c === 0x2029) return false
  }
  return text.isWellFormed()
}

/** A member that is there and holds something: neither `null` nor an empty list. */
export function isSaid(body: ClientBody, name: string): boolean {
  const text = body.member([name])
  return text !== null && text !== 'null' && !(text.length < 64 && text.startsWith('[') && text.slice(1, -1).trim() === '')
}

export function readCount(body: ClientBody, name: string): number | null {
  const value = valueAt(body, [name])
  if (value === null) return null
  if (!isCount(value)) throw malformed(name, 'a positive whole number')
  return value
}

export function readFlag(body: ClientBody, path: Path): boolean {
  const text = body.member(path)
  if (text === null || text === 'null' || text === 'false') return false
  if (text !== 'true') throw malformed(path.join('.'), 'true or false')
  return true
}

export function readText(body: ClientBody, name: string): string | null {
  const value = valueAt(body, [name])
  if (value === null) return null
  if (typeof value !== 'string') throw malformed(name, 'a string')
  return value
}

/** The service tier that is asked for; what is no text is the provider's to refuse. */
export function serviceAsked(body: ClientBody): { readonly service?: string } {
  const asked = valueAt(body, ['service_tier'])
  return typeof asked === 'string' ? { service: asked.toLowerCase() } : {}
}

/** The value of a small member; objects and lists are not parsed, for none is asked for. */
export function valueAt(body: ClientBody, path: Path): unknown {
  const text = body.member(path)
  if (text === null) return null
  if (text.startsWith('{') || text.startsWith('[')) return NO_SCALAR
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GatewayError('request-malformed', `Invalid value for '${path.join('.')}'.`, { at: path.join('.'), cause })
  }
}
