// The path of a Gemini call: which model, and which of its methods. What stands there is decoded once, and nothing else is made of it.

import { GatewayError } from '../../core/errors.ts'
import { malformed } from './spelling.ts'

/** Everything below is a model and a method; the model has slashes of its own (`google/gemini-2.5-flash`). */
export const ADDRESS = '/v1beta/models/'

const MAX_MODEL_LENGTH = 512
/** What could not stand in a log, a header or a path. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u

export type Address = { readonly model: string; readonly stream: boolean }

/** @throws GatewayError `path-unknown` for another method, `request-malformed` for a model that is no name */
export function readAddress(path: string): Address {
  const { model, method } = readTarget(path)
  if (method !== 'generateContent' && method !== 'streamGenerateContent') {
    throw new GatewayError(
      'path-unknown',
      `There is no such method here. Use ${ADDRESS}{provider}/{model}:generateContent, or :streamGenerateContent.`,
    )
  }
  return { model, stream: method === 'streamGenerateContent' }
}

/** Model and method, whatever that is. @throws GatewayError `request-malformed` for a model that is no name */
export function readTarget(path: string): { readonly model: string; readonly method: string } {
  const target = decoded(path.startsWith(ADDRESS) ? path.slice(ADDRESS.length) : '')
  const colon = target.lastIndexOf(':')
  if (colon < 0) return { model: target, method: '' }
  const model = target.slice(0, colon)
  if (model === '' || model.length > MAX_MODEL_LENGTH || UNPRINTABLE.test(model)) throw malformed('model', 'the name of a model')
  return { model, method: target.slice(colon + 1) }
}

/** The method that a path calls; empty: none. */
export function methodIn(path: string): string {
  try {
    return readTarget(path).method
  } catch {
    return ''
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw malformed('model', 'a name in UTF-8 with good percent escapes')
  }
}
