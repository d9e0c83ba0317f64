// Checks a route document as a whole: its size, its shape and its sense, with every mistake at its place. Runs when a document is written,
// never for a request.

import { errorsOf, placeText, type DocumentError, type Place } from './document-issues.ts'
import { senseErrors, type CheckCondition, type Sound } from './document-sense.ts'
import { aliasShape, MOST_BYTES, routeDocument, routeShape, type AliasSaid, type RouteDocument } from './document-shape.ts'
import { isObject } from './members.ts'

export type Checked =
  | { readonly kind: 'good'; readonly document: RouteDocument }
  | { readonly kind: 'bad'; readonly errors: readonly DocumentError[] }

/** Of many mistakes so many are told. */
const MOST_ERRORS = 100
const MOST_NESTING = 64

/** The text of a document, such as it lies in KV. */
export function checkRouteText(text: string, checkCondition: CheckCondition): Checked {
  if (new TextEncoder().encode(text).length > MOST_BYTES) return bad([{ path: '', message: `is larger than ${MOST_BYTES} bytes` }])
  try {
    return checkRouteDocument(JSON.parse(text), checkCondition)
  } catch (cause) {
    if (cause instanceof SyntaxError) return bad([{ path: '', message: 'is not valid JSON' }])
    throw cause
  }
}

/** A value that was JSON, of at most `MOST_BYTES`. */
export function checkRouteDocument(value: unknown, checkCondition: CheckCondition): Checked {
  const odd = oddities(value)
  if (odd.isTooDeep) return bad([{ path: '', message: `is nested more than ${MOST_NESTING} deep` }])
  const parsed = routeDocument.safeParse(value)
  const shape = parsed.success ? [] : errorsOf(parsed.error.issues, value)
  const errors = [...odd.errors, ...shape, ...senseErrors(soundParts(value), checkCondition)]
  return errors.length === 0 && parsed.success ? { kind: 'good', document: parsed.data } : bad(errors)
}

function bad(errors: readonly DocumentError[]): Checked {
  const rest = errors.length - MOST_ERRORS
  return { kind: 'bad', errors: rest <= 0 ? errors : [...errors.slice(0, MOST_ERRORS), { path: '', message: `has ${rest} more mistakes` }] }
}

/** What JSON may say and we cannot keep: a loop of its own, so that nothing deep is ever walked by recursion. */
function oddities(value: unknown): { readonly isTooDeep: boolean; readonly errors: readonly DocumentError[] } {
  const errors: DocumentError[] = []
  const left: { readonly value: unknown; readonly place: Place }[] = [{ value, place: [] }]
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    const { value: found, place } = one
    if (place.length > MOST_NESTING) return { isTooDeep: true, errors }
    if (typeof found === 'number' && (!Number.isFinite(found) || (Number.isInteger(found) && !Number.isSafeInteger(found))))
      errors.push({ path: placeText(place), message: 'is a number too large to be kept as it is' })
    if (Array.isArray(found)) found.forEach((inner, index) => left.push({ value: inner, place: [...place, index] }))
    else if (isObject(found)) {
      for (const [name, inner] of Object.entries(found)) {
        if (name === '__proto__') errors.push({ path: placeText([...place, name]), message: 'is no name that can be used' })
        else left.push({ value: inner, place: [...place, name] })
      }
    }
  }
  return { isTooDeep: false, errors }
}

/** The routes and aliases that are well-shaped each by itself. */
function soundParts(value: unknown): Sound {
  const { aliases, routes } = isObject(value) ? value : {}
  const sound = new Map<string, AliasSaid>()
  if (isObject(aliases))
    for (const [name, said] of Object.entries(aliases)) {
      const parsed = aliasShape.safeParse(said)
      if (parsed.success) sound.set(name, parsed.data)
    }
  return {
    aliases: sound,
    routes: Array.isArray(routes) ? routes.map((one: unknown) => routeShape.safeParse(one).data ?? null) : [],
  }
}
