// Blocks and tools that only this dialect knows, kept as values. Members at raw paths (`input`, `input_schema`) hold their own JSON text.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { asObjectText, Raw, type Writable } from '../../core/json-raw.ts'
import { isObject } from './wire.ts'

/** The value as it goes out: texts that stand for raw JSON become it again. */
export function writeNative(value: JsonValue): Writable {
  if (!isObject(value)) return value
  const out: { [name: string]: Writable } = { ...value }
  for (const name of ['input', 'input_schema'] as const) {
    const raw = value[name]
    if (typeof raw === 'string') out[name] = new Raw(asObjectText(raw))
  }
  return out
}

/** The value's input as JSON text, or `null` when it has none. */
export function nativeInput(value: JsonObject): string | null {
  const input = value['input']
  return typeof input === 'string' ? input : isObject(input) ? JSON.stringify(input) : null
}
