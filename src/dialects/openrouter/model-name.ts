// The model that a request names: `model`, or the first of `models`. What its suffixes and the other models ask of routing is read elsewhere (routing/wishes).

import type { ClientBody } from '../contract.ts'
import { malformed } from '../openai-chat/expecting.ts'
import { listOf, notYet } from './not-yet.ts'

/**
 * The raw JSON text of the model's name, or `null` when none is there.
 * @throws GatewayError `request-unsupported` for presets and `:online`, `request-malformed`
 */
export function modelText(body: ClientBody): string | null {
  const said = body.member(['model'])
  const text = said === 'null' ? null : said
  const [first] = listOf(body, 'models').map((name, i) => {
    if (typeof name !== 'string') throw malformed(`models[${i}]`, 'the name of a model')
    return name
  })
  const primary = text === null ? first : nameIn(text)
  if (primary !== undefined) refuseWhatIsNoModel(primary)
  return text ?? (primary === undefined ? null : JSON.stringify(primary))
}

function nameIn(text: string): string | undefined {
  if (!text.startsWith('"')) return undefined
  const name: unknown = JSON.parse(text)
  return typeof name === 'string' ? name : undefined
}

function refuseWhatIsNoModel(name: string): void {
  if (name.includes('@preset/')) throw notYet('model', 'presets; name the model itself.')
  const [, ...suffixes] = name.slice(name.lastIndexOf('/') + 1).split(':')
  if (suffixes.includes('online')) throw notYet('model', 'the suffix :online; leave it out.')
}
