// How the places of one model are ordered where no route says it: as the client wants, else the maker's own first and then from the cheapest on.
// One order for all, not OpenRouter's dice: a conversation that changes its place reads its whole prompt anew. Who wants the dice writes a route.

import type { StrategyId, StrategySettings } from '../../routing/contract.ts'
import { placeInOrder } from '../../routing/filters.ts'
import type { ProviderWish, Sort, Wishes } from '../../routing/wishes.ts'
import type { Place } from './model-names.ts'
import { groupOf, leavesOf, type Group, type Leaf, type Node } from './tree.ts'

/** Others' gateways stand behind the places themselves: they cost their fee, and one more hop. */
const GATEWAYS = new Set(['openrouter', 'vercel'])
const LAST = 10_000

type TagsOf = (place: Place) => readonly string[]

const SORTED: { readonly [sort in Sort]: readonly [StrategyId, StrategySettings] } = {
  price: ['cheapest', {}],
  throughput: ['fastest', { measure: 'throughput' }],
  latency: ['fastest', { measure: 'first-content' }],
  exacto: ['priority', {}], // the makers' own places stand first in the catalogue's order
}

/** `tagsOf`: a place's quantization and region. */
export function among(leaves: readonly Leaf[], wish: ProviderWish | null, sort: Sort | null, tagsOf: TagsOf): Node {
  const [only] = leaves
  if (only !== undefined && leaves.length === 1) return only
  const single = wish?.allowFallbacks === false ? { single: true as const } : {}
  const places = { isPlaces: true as const, ...single }
  if (wish !== null && wish.order !== null) return { ...ordered(leaves, wish.order, tagsOf), ...places }
  if (sort !== null) return { ...sorted(leaves, sort), ...places }
  return { ...groupOf(leaves.map((leaf, i) => standingAt(leaf, GATEWAYS.has(leaf.place.provider) ? LAST + i : i))), ...places }
}

function standingAt(leaf: Leaf, priority: number): Leaf {
  return { ...leaf, use: { ...leaf.use, priority } }
}

/** The named ones as they are named, then the others as they stand. */
function ordered(leaves: readonly Leaf[], order: readonly string[], tagsOf: TagsOf): Group {
  return groupOf(
    leaves.map((leaf, i) => {
      const at = placeInOrder({ provider: leaf.place.provider, tags: tagsOf(leaf.place) }, order)
      return standingAt(leaf, at ?? LAST + i)
    }),
  )
}

function sorted(leaves: readonly Leaf[], sort: Sort): Group {
  const [strategy, settings] = SORTED[sort]
  return {
    ...groupOf(
      leaves.map((leaf, i) => ({ ...leaf, use: { ...leaf.use, priority: i } })),
      strategy,
    ),
    settings,
  }
}

/** OpenRouter's `partition: none`: the places of all models in one order. Its leaves are new ones, so it comes before anybody looks at them. */
export function sortedTogether(tree: Node, { provider }: Wishes): Node {
  if (provider === null || provider.sort === null || provider.order !== null || provider.partition !== 'none') return tree
  return { ...sorted(leavesOf(tree), provider.sort), isPlaces: true, ...(provider.allowFallbacks ? {} : { single: true }) }
}
