// What a request may ask for and this gateway cannot do yet: refused by name before anything is spent, never left out in silence.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import type { ClientBody } from '../contract.ts'
import { malformed } from '../openai-chat/expecting.ts'
import { isArray, isObject } from '../openai-chat/wire.ts'

export function notYet(at: string, what: string): GatewayError {
  return new GatewayError('request-unsupported', `'${at}' is not supported yet: ${what}`, { at })
}

/** @throws GatewayError `request-unsupported`, and `request-malformed` for a wrong type */
export function refuseWhatIsNotThere(body: ClientBody): void {
  for (const [i, plugin] of listOf(body, 'plugins').entries()) {
    if (!isObject(plugin)) throw malformed(`plugins[${i}]`, 'an object with an id')
    if (plugin['enabled'] !== false) throw notYet(`plugins[${i}]`, 'leave the plugin out.')
  }
  if (listOf(body, 'transforms').length > 0) throw notYet('transforms', 'send an empty list and a prompt that fits.')
  const served = [...body.types].find((type) => type.startsWith('openrouter:'))
  if (served !== undefined) throw notYet('tools', `leave out ${served.slice(0, 64)}, which OpenRouter itself runs.`)
  if (body.member(['prompt']) !== null) throw notYet('prompt', 'send messages instead.')
  if (body.member(['debug', 'echo_upstream_body']) === 'true') throw notYet('debug.echo_upstream_body', 'leave it out.')
}

/** The list of a member; none when it is absent or null. */
export function listOf(body: ClientBody, name: string): readonly JsonValue[] {
  const value = memberOf(body, name)
  if (value === null) return []
  if (!isArray(value)) throw malformed(name, 'an array')
  return value
}

/** The object of a member; an empty one when it is absent or null. */
export function objectOf(body: ClientBody, name: string): JsonObject {
  const value = memberOf(body, name)
  if (value === null) return {}
  if (!isObject(value)) throw malformed(name, 'an object')
  return value
}

/** A member's value, `null` when it is absent. Only for members that are small in honest requests. */
function memberOf(body: ClientBody, name: string): JsonValue {
  const text = body.member([name])
  if (text === null) return null
  try {
    return JSON.parse(text) as JsonValue
  } catch (cause) {
    throw new GatewayError('request-malformed', `Invalid value for '${name}'.`, { at: name, cause })
  }
}
