// Suffixes of a model's name that say how to choose among its places: OpenRouter's `:nitro`, `:floor`, `:exacto` and `:free`.

import { unsupported } from './expecting.ts'
import type { Sort } from '../wishes.ts'

export type Suffixed = {
  /** Without the suffixes that sort. `:free`, `:thinking`, `:extended` and whatever else ends a name in the catalogue stay. */
  readonly name: string
  /** Without `:free` too. */
  readonly plain: string
  /** By the last suffix that sorts. An explicit `provider.sort` beats it. */
  readonly sort: Sort | null
  /** `:free` was there: where nobody serves `name`, `plain` may be had at places that bill nothing. */
  readonly free: boolean
  /** Those that were there and mean something here, from right to left. */
  readonly suffixes: readonly string[]
}

const SORTING: ReadonlyMap<string, Sort> = new Map([
  ['nitro', 'throughput'],
  ['floor', 'price'],
  ['exacto', 'exacto'],
])

/**
 * Reads them from right to left and stops at the first that is none of these. On OpenRouter's mount call it for every name. Elsewhere a name
 * is a place's own and may have colons (`ollama/llama3:8b`, `ft:gpt-4o:acme::x`): call it there only when the place does not know the name as it is.
 * In both, ask for `name` first; for `plain` only when nobody serves `name` and `free` holds, and then with `free` given to `removedBy` (filters.ts).
 * @throws GatewayError `request-unsupported` for `:online` and presets, by name
 */
export function readSuffixes(said: string): Suffixed {
  if (said.includes('@preset/')) throw unsupported('model', 'presets; name the model itself.')
  let name = said
  let sort: Sort | null = null
  let free = false
  const suffixes: string[] = []
  for (;;) {
    const colon = name.lastIndexOf(':')
    if (colon <= name.lastIndexOf('/') + 1) break
    const suffix = name.slice(colon + 1)
    if (suffix === 'online') throw unsupported('model', 'the suffix :online; leave it out.')
    const sorting = SORTING.get(suffix)
    if (sorting === undefined && suffix !== 'free') break
    if (sorting !== undefined) sort ??= sorting
    else free = true
    suffixes.push(suffix)
    name = name.slice(0, colon)
  }
  return { name: free ? `${name}:free` : name, plain: name, sort, free, suffixes }
}
