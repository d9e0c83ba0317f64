// Reasoning items of a conversation that was led elsewhere before, in a request that is forwarded: what they seal is the business of
// others, and a place refuses seals and ids that are not its own. All other items stay byte for byte.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { parseKeepingRaw, printJson, Raw, rawPaths, type Writable } from '../../core/json-raw.ts'
import type { ClientBody, Orders, Unsealed } from '../contract.ts'
import { firstText, isArray, isObject } from '../openai-chat/wire.ts'
import { reasoningText } from './item-reading.ts'
import { OUR_REASONING, readEncrypted, sealMembers } from './wire.ts'

const ITEMS = rawPaths('input.*')
const OURS = ['"sluice:', `"${OUR_REASONING}`]

/** `null`: nothing in it is ours. */
export function withoutForeignSeals(body: ClientBody, { habits }: Orders): Unsealed | null {
  if (!body.types.has('reasoning')) return null
  const text = body.member(['input'])
  if (text === null || !OURS.some((mark) => text.includes(mark))) return null
  const items = objectsIn(text)
  if (items === null) return null
  const raws = parseKeepingRaw(`{"input":${text}}`, ITEMS)['input']
  if (!isArray(raws)) return null
  const dropped: string[] = []
  const approximated: string[] = []
  const written = items.flatMap((item, i): readonly Writable[] => {
    const at = `input[${i}]`
    const encrypted = firstText(item['encrypted_content'])
    const isOurs = encrypted.startsWith('sluice:') || (encrypted === '' && firstText(item['id']).startsWith(OUR_REASONING))
    if (item['type'] !== 'reasoning' || !isOurs) return [new Raw(textOf(raws[i]))]
    const sealed = readEncrypted('', encrypted)
    if (sealed !== null && sealed.callId === null && sealed.seal.issuer === habits.issuer)
      return [{ type: 'reasoning', ...sealMembers(sealed.seal), summary: isArray(item['summary']) ? item['summary'] : [] }]
    if (sealed !== null) dropped.push(`${at}.${sealed.callId === null ? 'reasoning' : 'tool_calls'}.signature`)
    const thought = sealed?.callId == null ? reasoningText(item) : ''
    if (thought === '') return []
    approximated.push(`${at}.reasoning`)
    return [{ role: 'assistant', content: `<thinking>\n${thought}\n</thinking>\n` }]
  })
  return { edits: [{ path: ['input'], json: printJson(written) }], dropped, approximated }
}

/** A value at a raw path is its own text. */
function textOf(raw: JsonValue | undefined): string {
  return typeof raw === 'string' ? raw : JSON.stringify(raw ?? null)
}

function objectsIn(text: string): readonly JsonObject[] | null {
  const value: unknown = JSON.parse(text)
  return Array.isArray(value) && value.every(isObject) ? value : null
}
