// The order in which the targets of a plan are asked, and why: each group's strategy, what the conversation has cached where, what the client
// prefers, and health last of all. Nobody is taken out for being ill: whoever is goes behind the others.

import type { HealthView, Option, PlaceRule, Ranked, View } from '../../routing/contract.ts'
import { withAffinity } from '../../routing/affinity.ts'
import { strategyById } from '../../routing/index.ts'
import type { ProviderWish } from '../../routing/wishes.ts'
import type { Rates } from '../../core/price.ts'
import { modelName, targetId, type Candidate, type Named } from './candidate.ts'
import type { Group, Leaf, Node } from './tree.ts'

/** What an order needs to know of a target; of one that is replayed nothing else is known. */
export type Rankable = Named & {
  readonly entry: { readonly price: Pick<Rates, 'input' | 'output' | 'cacheRead'> | null; readonly openrouterId?: string } | null
}

/** One target in its place. `score` and `why` are its group's strategy's; `health` as it was then. */
export type Choice<C extends Rankable = Candidate> = {
  readonly leaf: Leaf
  readonly candidate: C
  readonly health: HealthView
  readonly score: number
  readonly why: string
  /** The output ceiling to enforce, a choice; `null`: the client's own stands. */
  readonly ceiling: number | null
  /** The next request may find out whether it is well again: this one. */
  readonly probe: boolean
}

/** What is known when the order is made. */
export type Knowledge<C extends Rankable = Candidate> = {
  readonly view: View
  /** `null`: not this one. */
  readonly candidate: (leaf: Leaf) => C | null
  readonly holds: (condition: string, candidate: C, health: HealthView) => boolean
  readonly health: (candidate: C) => HealthView
  readonly ceiling: (candidate: C) => number | null
  readonly cached: (candidate: C) => Option['cached']
  readonly wish: Pick<ProviderWish, 'maxLatencyMs' | 'minThroughput'> | null
  /** What the operator says of a place: each account of it may as much, where its target says nothing. */
  readonly rule: (candidate: C) => PlaceRule
}

/**
 * A subtree's targets in order; it stands among its siblings as its first does. `arms`: what the splits on the way to its first have chosen,
 * whoever answers in the end.
 */
type Part<C extends Rankable> = Option & { readonly choices: readonly Choice<C>[]; readonly arms: readonly string[] }

/** `arms`: the outermost split's first. */
export type Order<C extends Rankable = Candidate> = { readonly choices: readonly Choice<C>[]; readonly arms: readonly string[] }

export function rank<C extends Rankable>(tree: Node, known: Knowledge<C>): Order<C> {
  const part = partOf(tree, known)
  return part === null ? { choices: [], arms: [] } : { choices: wellFirst(part.choices, known.view.now), arms: part.arms }
}

function partOf<C extends Rankable>(node: Node, known: Knowledge<C>): Part<C> | null {
  if (node.kind === 'leaf') return leafPart(node, known)
  const parts = toldApart(node.children.flatMap((child) => partOf(child, known) ?? []))
  const [first] = parts
  if (first === undefined) return null
  const ordered = parts.length === 1 ? [{ option: first, score: 0, why: 'only' }] : orderOf(node, parts, known)
  const kept = node.single === true ? ordered.slice(0, 1) : ordered
  const leading = kept[0]?.option ?? first
  return {
    ...leading,
    id: node.name ?? leading.id,
    weight: node.use.weight,
    priority: node.use.priority,
    choices: kept.flatMap(reasoned),
    arms: node.strategy === 'split' ? [leading.id, ...leading.arms] : leading.arms,
  }
}

/** One target twice, changed in two ways, is two options: `#2`, as written, is the second. */
function toldApart<C extends Rankable>(parts: readonly Part<C>[]): readonly Part<C>[] {
  if (parts.length < 2) return parts
  const seen = new Map<string, number>()
  return parts.map((part) => {
    const times = (seen.get(part.id) ?? 0) + 1
    seen.set(part.id, times)
    return times === 1 ? part : { ...part, id: `${part.id}#${times}` }
  })
}

function orderOf<C extends Rankable>(group: Group, parts: readonly Part<C>[], known: Knowledge<C>): readonly Ranked<Part<C>>[] {
  const order = strategyById(group.strategy).order(parts, known.view, group.settings)
  const ordered = withAffinity(order, group.strategy, known.view)
  const { wish } = known
  if (group.isPlaces !== true || wish === null || (wish.maxLatencyMs === null && wish.minThroughput === null)) return ordered
  const isSlow = ({ option }: Ranked<Part<C>>): boolean => misses(option.health, wish)
  return [...ordered.filter((one) => !isSlow(one)), ...ordered.filter(isSlow).map((one) => ({ ...one, why: 'slower-than-preferred' }))]
}

function leafPart<C extends Rankable>(leaf: Leaf, known: Knowledge<C>): Part<C> | null {
  const candidate = known.candidate(leaf)
  if (candidate === null) return null
  const health = known.health(candidate)
  if (!leaf.whens.every((when) => known.holds(when, candidate, health))) return null
  const price = candidate.entry?.price ?? null
  const { weight, priority } = leaf.use
  const rule = known.rule(candidate)
  return {
    id: targetId(candidate),
    weight,
    priority,
    price: price === null ? null : { inputPico: price.input, outputPico: price.output, cacheReadPico: price.cacheRead ?? null },
    rpm: leaf.use.rpm ?? rule.rpm ?? null,
    tpm: leaf.use.tpm ?? rule.tpm ?? null,
    health,
    cached: known.cached(candidate),
    model: modelName(candidate),
    choices: [{ leaf, candidate, health, score: 0, why: 'only', ceiling: known.ceiling(candidate), probe: false }],
    arms: [],
  }
}

/** A group of one says nothing that its parts have not said. */
function reasoned<C extends Rankable>({ option, score, why }: Ranked<Part<C>>): readonly Choice<C>[] {
  return why === 'only' ? option.choices : option.choices.map((choice) => (choice.why === 'only' ? { ...choice, score, why } : choice))
}

/** Whether its known percentiles miss what is preferred; one without samples misses nothing. */
function misses(
  { firstContentMs, tokensPerSecond }: HealthView,
  { maxLatencyMs, minThroughput }: Pick<ProviderWish, 'maxLatencyMs' | 'minThroughput'>,
): boolean {
  for (const p of ['p50', 'p75', 'p90', 'p99'] as const) {
    const most = maxLatencyMs?.[p]
    const least = minThroughput?.[p]
    if (most !== undefined && firstContentMs !== null && firstContentMs[p] > most) return true
    if (least !== undefined && tokensPerSecond !== null && tokensPerSecond[p] < least) return true
  }
  return false
}

/** Half-open ones keep their place when nobody probes yet; open and parked ones go to the back, in their order. */
function wellFirst<C extends Rankable>(choices: readonly Choice<C>[], now: number): readonly Choice<C>[] {
  const well: Choice<C>[] = []
  const ill: Choice<C>[] = []
  let probing = false
  for (const choice of choices) {
    const { health } = choice
    const parked = health.parkedUntil !== null && health.parkedUntil > now
    if (health.state === 'closed' && !parked) well.push(choice)
    else if (health.state === 'half-open' && health.mayProbe && !parked && !probing) {
      probing = true
      well.push({ ...choice, probe: true })
    } else ill.push(parked ? { ...choice, why: 'parked' } : { ...choice, why: health.state })
  }
  if (ill.length === 0) return well
  return [...well, ...ill.map((choice) => ({ ...choice, probe: choice.health.state === 'half-open' && choice.health.mayProbe }))]
}
