// What changed from one document to another, path by path.

import { placeText, type Place } from './document-issues.ts'
import { isObject } from './members.ts'

/** Absent `from`: it was added; absent `to`: it was taken away. */
export type Change = { readonly path: string; readonly from?: unknown; readonly to?: unknown }

/** Both documents have been checked, so neither is deep. Lists are compared place by place, but routes by their names. */
export function documentChanges(from: unknown, to: unknown): readonly Change[] {
  return changes(from, to, [])
}

function changes(from: unknown, to: unknown, at: Place): readonly Change[] {
  if (Array.isArray(from) && Array.isArray(to)) {
    const named = at.length === 1 && at[0] === 'routes'
    if (named) return changesByName(from, to)
    return Array.from({ length: Math.max(from.length, to.length) }, (_, i) => i).flatMap((i) => member(from, to, i, at))
  }
  if (isObject(from) && isObject(to))
    return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((name) => member(from, to, name, at))
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path: placeText(at), from, to }]
}

function member(from: object, to: object, step: string | number, at: Place): readonly Change[] {
  const path = [...at, step]
  const before: unknown = Object.hasOwn(from, step) ? Reflect.get(from, step) : undefined
  const after: unknown = Object.hasOwn(to, step) ? Reflect.get(to, step) : undefined
  if (before === undefined) return [{ path: placeText(path), to: after }]
  if (after === undefined) return [{ path: placeText(path), from: before }]
  return changes(before, after, path)
}

/** A route that was put in between has not changed those behind it; that routes stand in another order is told by their names. */
function changesByName(from: readonly unknown[], to: readonly unknown[]): readonly Change[] {
  const before = byName(from)
  const after = byName(to)
  const kept = [...before.keys()].filter((name) => after.has(name))
  const order = [...after.keys()].filter((name) => before.has(name))
  const told = [...new Set([...before.keys(), ...after.keys()])].flatMap((name): readonly Change[] => {
    const path = placeText(['routes', name])
    if (!after.has(name)) return [{ path, from: before.get(name) }]
    return before.has(name) ? changes(before.get(name), after.get(name), ['routes', name]) : [{ path, to: after.get(name) }]
  })
  return kept.join(' ') === order.join(' ') ? told : [...told, { path: 'routes', from: kept, to: order }]
}

function byName(routes: readonly unknown[]): ReadonlyMap<string, unknown> {
  return new Map(routes.map((route) => [isObject(route) ? String(route['name']) : '', route]))
}
