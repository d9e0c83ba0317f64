// Small members of a request that is JSON or a form: the same names in both, so one way to read them.

import { checkedModel, readCount, readFlag, readModel, readText, valueAt } from '../dialects/openai-chat/scanned-members.ts'
import { isCount, malformed } from '../dialects/openai-chat/expecting.ts'
import type { OperationIncoming } from './contract.ts'

export type Members = {
  /** @throws GatewayError `request-malformed` when none is named: the gateway has no default of anybody's */
  model(): string
  /** `null`: not said. @throws GatewayError `request-malformed` for another type, as all of these */
  text(name: string): string | null
  count(name: string): number | null
  flag(name: string): boolean
}

export function membersOf({ json, form }: OperationIncoming): Members {
  if (json !== null)
    return {
      model: () => readModel(json),
      text: (name) => readText(json, name),
      count: (name) => readCount(json, name),
      flag: (name) => readFlag(json, [name]),
    }
  const text = (name: string): string | null => form.text(name) || null
  return {
    model: () => checkedModel(text('model')),
    text,
    count(name) {
      const said = text(name)
      if (said === null) return null
      const count = /^\d{1,9}$/.test(said.trim()) ? Number(said) : 0
      if (!isCount(count)) throw malformed(name, 'a positive whole number')
      return count
    },
    flag(name) {
      const said = text(name)?.trim().toLowerCase() ?? 'false'
      if (said !== 'true' && said !== 'false' && said !== '1' && said !== '0') throw malformed(name, 'true or false')
      return said === 'true' || said === '1'
    },
  }
}

/** Of a JSON body: how many things a member lists; one that is no list is one thing. */
export function lengthOf({ json }: OperationIncoming, name: string): number {
  const text = json?.member([name]) ?? null
  if (text === null || json === null || text === 'null') return 0
  if (!text.startsWith('[')) return valueAt(json, [name]) === null ? 0 : 1
  const list: unknown = JSON.parse(text) // scanned: it is JSON
  return Array.isArray(list) ? list.length : 0
}
