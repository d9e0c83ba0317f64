// A member of a request under the name that it has at a place.

import type { Edits, Path } from '../core/json-splice.ts'

/** Where both names are there, the place's own stays. */
export function renamed(member: (path: Path) => string | null, from: string, to: string): Edits {
  const json = member([from])
  if (json === null) return []
  return [{ path: [from], json: null }, ...(member([to]) === null ? [{ path: [to] as const, json }] : [])]
}
