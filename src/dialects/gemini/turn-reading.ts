// A client's `contents` and `systemInstruction` → canonical turns. Lenient where Google is: one content or part for a list, text alone, any spelling.

import type { JsonObject, JsonValue, Part, Turn } from '../../core/canonical.ts'
import { Calls } from './call-pairing.ts'
import { readPart } from './part-reading.ts'
import type { Leftovers } from './spelling.ts'
import { malformed, said } from './spelling.ts'
import { isObject } from './wire.ts'

/** The system's words. Who says them (`role`) does not matter here. */
export function readSystem(value: JsonValue | undefined, left: Leftovers): readonly Turn[] {
  if (value === undefined) return []
  const at = 'systemInstruction'
  const calls = new Calls()
  const parts = partsOf(value, at).flatMap(([part, partAt]) => readPart(part, partAt, calls, left))
  // A thought of an earlier answer, used as an instruction, is one.
  const words = parts.map((part): Part => (part.kind === 'reasoning' ? { kind: 'text', text: part.text } : part))
  return words.length === 0 ? [] : [{ role: 'system', parts: words, at }]
}

/** @throws GatewayError `request-malformed` */
export function readTurns(value: JsonValue | undefined, left: Leftovers): readonly Turn[] {
  if (value === undefined) throw malformed('contents', 'a list of contents')
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : [value]
  if (list.length === 0) throw malformed('contents', 'a list of at least one content')
  const calls = new Calls()
  return list.flatMap((content, i) => readContent(content, `contents[${i}]`, calls, left))
}

function readContent(content: JsonValue, at: string, calls: Calls, left: Leftovers): readonly Turn[] {
  const role = isObject(content) ? said(content, 'role') : undefined
  const parts = partsOf(content, at).flatMap(([part, partAt]) => readPart(part, partAt, calls, left))
  if (parts.length === 0) return []
  if (role === 'model') return [{ role: 'assistant', parts, at }]
  if (role === 'system') return [{ role: 'system', parts, at }]
  if (role !== undefined && role !== 'user' && role !== 'function' && role !== 'tool' && role !== '')
    throw malformed(`${at}.role`, '"user" or "model"')
  return splitResults(parts, at)
}

/** Each part with where it stands. */
function partsOf(content: JsonValue, at: string): readonly (readonly [JsonObject, string])[] {
  if (typeof content === 'string') return [[{ text: content }, at]]
  if (Array.isArray(content)) return (content as readonly JsonValue[]).map((part, i) => [partAt(part, `${at}[${i}]`), `${at}[${i}]`])
  if (!isObject(content)) throw malformed(at, 'a content with parts')
  const parts = content['parts']
  // What has no parts but is something itself is a part.
  if (parts === undefined || parts === null) return Object.keys(content).some((name) => name !== 'role') ? [[content, at]] : []
  if (Array.isArray(parts))
    return (parts as readonly JsonValue[]).map((part, i) => [partAt(part, `${at}.parts[${i}]`), `${at}.parts[${i}]`])
  return [[partAt(parts, `${at}.parts`), `${at}.parts`]]
}

function partAt(part: JsonValue, at: string): JsonObject {
  if (typeof part === 'string') return { text: part }
  if (!isObject(part)) throw malformed(at, 'a part')
  return part
}

/** Tool results become turns of their own, in order with what else the user's content says. */
function splitResults(parts: readonly Part[], at: string): readonly Turn[] {
  const turns: { role: 'user' | 'tool'; parts: Part[]; at: string }[] = []
  for (const part of parts) {
    const role = part.kind === 'tool-result' ? 'tool' : 'user'
    const last = turns.at(-1)
    if (last?.role === role) last.parts.push(part)
    else turns.push({ role, parts: [part], at })
  }
  return turns
}
