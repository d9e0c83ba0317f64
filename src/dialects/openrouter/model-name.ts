// The model that a request names: `model`, or the only one of `models`, without what routing would have to understand.

import type { ClientBody } from '../contract.ts'
import { malformed } from '../openai-chat/expecting.ts'
import { listOf, notYet } from './not-yet.ts'

/** Suffixes that say how to choose among places. `:free`, `:thinking` and `:extended` are models of their own. */
const ROUTING = new Set(['nitro', 'floor', 'exacto', 'online'])

/**
 * The raw JSON text of the model's name, or `null` when none is there.
 * @throws GatewayError `request-unsupported` for fallbacks, presets and suffixes that need routing
 */
export function modelText(body: ClientBody): string | null {
  const said = body.member(['model'])
  const text = said === 'null' ? null : said
  const names = listOf(body, 'models').map((name, i) => {
    if (typeof name !== 'string') throw malformed(`models[${i}]`, 'the name of a model')
    return name
  })
  const primary = text === null ? names[0] : nameIn(text)
  if (names.some((name) => name !== primary)) throw notYet('models', 'name one model.')
  if (primary !== undefined) refuseRouting(primary)
  return text ?? (primary === undefined ? null : JSON.stringify(primary))
}

function nameIn(text: string): string | undefined {
  if (!text.startsWith('"')) return undefined
  const name: unknown = JSON.parse(text)
  return typeof name === 'string' ? name : undefined
}

function refuseRouting(name: string): void {
  if (name.includes('@preset/')) throw notYet('model', 'presets; name the model itself.')
  const [, ...suffixes] = name.slice(name.lastIndexOf('/') + 1).split(':')
  const routing = suffixes.find((suffix) => ROUTING.has(suffix))
  if (routing !== undefined) throw notYet('model', `the suffix :${routing}; leave it out.`)
}
