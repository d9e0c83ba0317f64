// Sets the breakpoints of a prompt cache where a client asks for caching and leaves the where to the gateway. The same request always
// gets the same marks: the next turn of a conversation finds what this one wrote.

import type { CacheMark, ChatRequest, Part, Tool, Turn } from './canonical.ts'

/** What a target can mark. */
export type CacheSpots = { readonly tools: boolean; readonly turns: boolean }

/** Anthropic's limit, and of those who serve its models. */
const MOST_MARKS = 4

/** Where a mark can stand, in prompt order. `at` orders it among the client's own. */
type Spot =
  | { readonly kind: 'tool'; readonly at: readonly [number, number]; readonly index: number }
  | { readonly kind: 'part'; readonly at: readonly [number, number]; readonly turn: number; readonly part: number }
type Own = { readonly at: readonly [number, number]; readonly mark: CacheMark }

/** The request with the wish that was said beside its body, if it has none of its own. */
export function cachedAsAsked(request: ChatRequest, orders: { readonly cache?: CacheMark }): ChatRequest {
  return request.cache !== undefined || orders.cache === undefined ? request : { ...request, cache: orders.cache }
}

/**
 * The request with marks on the end of its last user turns, of its system and of its tools, in this order of need, as far as the
 * client's own marks leave room for. The wish itself is fulfilled by that, and gone.
 */
export function withBreakpoints(request: ChatRequest, spots: CacheSpots): ChatRequest {
  const { cache: asked, ...rest } = request
  if (asked === undefined) return request
  const own = ownMarks(rest)
  const free = [...wanted(rest, spots)].filter((spot) => !own.some(({ at }) => compare(at, spot.at) === 0))
  const chosen = free.slice(0, Math.max(0, MOST_MARKS - own.length)).map((spot) => ({ spot, mark: { ttl: lifeAt(spot, asked, own) } }))
  return { ...rest, tools: markTools(rest.tools, chosen), turns: markTurns(rest.turns, chosen) }
}

type Chosen = readonly { readonly spot: Spot; readonly mark: CacheMark }[]

function* wanted({ tools, turns }: ChatRequest, spots: CacheSpots): Iterable<Spot> {
  const leading = turns.findIndex(({ role }) => role !== 'system')
  const system = leading < 0 ? turns.length : leading
  const [last, before] = spots.turns ? userEnds(turns, system) : []
  if (last !== undefined) yield last
  if (spots.turns) {
    const end = lastSpot(turns, 0, system)
    if (end !== undefined) yield end
  }
  const tool = spots.tools ? tools.findLastIndex(({ kind }) => kind === 'function') : -1
  if (tool >= 0) yield { kind: 'tool', at: [-1, tool], index: tool }
  if (before !== undefined) yield before
}

/** The ends of the last two stretches of the conversation in which the assistant does not speak; the last one first. */
function userEnds(turns: readonly Turn[], from: number): readonly (Spot | undefined)[] {
  const ends: Spot[] = []
  for (let end = turns.length; end > from && ends.length < 2;) {
    const start = turns.findLastIndex(({ role }, i) => i < end && role === 'assistant') + 1
    const spot = lastSpot(turns, Math.max(start, from), end)
    if (spot !== undefined) ends.push(spot)
    end = start - 1
  }
  return ends
}

function lastSpot(turns: readonly Turn[], from: number, to: number): Spot | undefined {
  for (let turn = to - 1; turn >= from; turn--) {
    const part = turns[turn]?.parts.findLastIndex(canBeMarked) ?? -1
    if (part >= 0) return { kind: 'part', at: [turn, part], turn, part }
  }
  return undefined
}

/** Empty text cannot be cached. */
function canBeMarked(part: Part): part is Extract<Part, { kind: 'text' | 'media' | 'tool-result' }> {
  return part.kind === 'text' ? part.text.trim() !== '' : part.kind === 'media' || part.kind === 'tool-result'
}

/** What lives an hour must stand before what lives five minutes. */
function lifeAt(spot: Spot, asked: CacheMark, own: readonly Own[]): CacheMark['ttl'] {
  if (own.some(({ at, mark }) => mark.ttl === '1h' && compare(at, spot.at) > 0)) return '1h'
  if (own.some(({ at, mark }) => mark.ttl === '5m' && compare(at, spot.at) < 0)) return '5m'
  return asked.ttl
}

function ownMarks({ tools, turns }: ChatRequest): readonly Own[] {
  const own: Own[] = []
  tools.forEach((tool, i) => {
    if (tool.kind === 'function' && tool.cache !== undefined) own.push({ at: [-1, i], mark: tool.cache })
  })
  turns.forEach((turn, t) =>
    turn.parts.forEach((part, p) => {
      if (part.kind === 'tool-result')
        for (const inner of part.content)
          if ('cache' in inner && inner.cache !== undefined) own.push({ at: [t, p - 0.5], mark: inner.cache })
      if ('cache' in part && part.cache !== undefined) own.push({ at: [t, p], mark: part.cache })
    }),
  )
  return own
}

function compare(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1]
}

function markTools(tools: readonly Tool[], chosen: Chosen): readonly Tool[] {
  const marks = chosen.flatMap(({ spot, mark }) => (spot.kind === 'tool' ? [{ index: spot.index, mark }] : []))
  if (marks.length === 0) return tools
  return tools.map((tool, i) => {
    const mark = marks.find(({ index }) => index === i)?.mark
    return mark === undefined || tool.kind !== 'function' ? tool : { ...tool, cache: mark }
  })
}

function markTurns(turns: readonly Turn[], chosen: Chosen): readonly Turn[] {
  return turns.map((turn, t) => {
    const marks = chosen.flatMap(({ spot, mark }) => (spot.kind === 'part' && spot.turn === t ? [{ part: spot.part, mark }] : []))
    if (marks.length === 0) return turn
    const parts = turn.parts.map((part, p): Part => {
      const mark = marks.find((one) => one.part === p)?.mark
      return mark === undefined || !canBeMarked(part) ? part : { ...part, cache: mark }
    })
    return { ...turn, parts }
  })
}
