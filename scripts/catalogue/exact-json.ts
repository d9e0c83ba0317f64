// Owns JSON whose numbers keep their text, both ways: `1.5e-07` is read as the text "1.5e-07", and the trimmed copies print it as the source did.

export type Json = string | boolean | null | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** Numbers become their own source text; what was a number and what was a string is no longer told apart. */
export function readExact(text: string): Json {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value,
  )
}

/** Members through `keep`, numbers with their source text; sorted keys, one line a member down to `depth`. */
export function reprint(text: string, keep: (value: JsonObject) => Json): string {
  return lines(keep(JSON.parse(text, keepNumbers)), 0) + '\n'
}

const numberMark = '\u0000'

function keepNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? numberMark + (context?.source ?? String(value)) : value
}

function lines(value: Json, depth: number): string {
  if (typeof value === 'string') return value.startsWith(numberMark) ? value.slice(1) : JSON.stringify(value)
  if (value === null || typeof value === 'boolean') return String(value)
  const [open, close, items] = Array.isArray(value)
    ? (['[', ']', value.map((item: Json) => lines(item, depth + 1))] as const)
    : (['{', '}', Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${lines(item, depth + 1)}`)] as const)
  return depth < 2 && items.length > 1 ? `${open}\n${items.join(',\n')}\n${close}` : open + items.join(',') + close
}

export function objectAt(value: Json | undefined): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {}
}

export function listAt(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

/** A non-empty text, or undefined. */
export function textAt(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A whole number above zero from its text, or null. */
export function countAt(value: Json | undefined): number | null {
  const count = typeof value === 'string' && value !== '' ? Number(value) : 0
  return Number.isSafeInteger(count) && count > 0 ? count : null
}
