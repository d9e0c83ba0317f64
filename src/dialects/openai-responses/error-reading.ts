// Errors of the Responses language: refusals as OpenAI's chat language has them, and the ways in which an answer or a stream says that it failed.

import type { JsonObject } from '../../core/canonical.ts'
import type { GatewayError } from '../../core/errors.ts'
import { errorInside as errorOfMember, readError as readChatError } from '../openai-chat/error-reading.ts'
import { startsMember } from '../openai-chat/frame-glance.ts'
import { isObject } from '../openai-chat/wire.ts'

/** An error by its status, or one that came with status 200. `null`: not an error. */
export function readError(status: number, headers: Headers, text: string): GatewayError | null {
  // Every good answer says `"error":null`: only a value is worth a parse.
  if (status < 400 && !startsMember(text, '"error"', '{') && !startsMember(text, '"error"', '"')) return null
  return readChatError(status, headers, text)
}

/** The error that a whole answer or an event holds, or `null`. */
export function errorInside(said: JsonObject): GatewayError | null {
  if (said['type'] === 'error') return errorOfMember(isObject(said['error']) ? said : { error: said }, 200)
  const response = said['type'] === 'response.failed' && isObject(said['response']) ? said['response'] : said
  const failed = said['type'] === 'response.failed' || response['status'] === 'failed'
  if (failed && !isObject(response['error']))
    return errorOfMember({ error: { message: 'The provider could not finish the response.' } }, 200)
  return errorOfMember(response, 200)
}
