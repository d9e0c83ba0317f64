// From a model's name to the tree of places that could serve it: aliases and routes of the table first, then what the mount means by it.

import { matchesGlob } from '../../core/glob.ts'
import { GatewayError } from '../../core/errors.ts'
import { PLAIN_USE, type Branch, type Route, type RouteTable, type Trouble, type Use } from '../../routing/contract.ts'
import type { Place } from './model-names.ts'
import { chosenBetween, groupOf, isChoosing, under, type Leaf, type Node } from './tree.ts'

/** What a name is resolved with. `holds` judges conditions that need only the request. */
export type Naming = {
  readonly table: RouteTable
  readonly holds: (condition: string) => boolean
  /** Nobody stands in for what is named. */
  readonly alone: boolean
  /** Whether a condition needs only the request. */
  readonly isEarly: (condition: string) => boolean
  /** The places of a name that is in no table, by `leaf`; `null`: nobody knows it. `own`: the client's name, not one of the table's. */
  readonly places: (name: string, leaf: (place: Place) => Leaf, own: boolean) => Node | null
}

export type Resolved = { readonly node: Node; readonly route: Route | null }

const MOST_DEPTH = 8

/** `null`: nobody knows the name. */
export function resolve(name: string, naming: Naming, on: readonly Trouble[] | null = null): Resolved | null {
  return resolveIn(name, naming, on === null ? PLAIN_USE : { ...PLAIN_USE, on }, [], [])
}

/** A tree that stands for a name, as the route table and Portkey's configs have it. `star`: what a `*` in a target's name stands for. */
export function grown(branch: Branch, naming: Naming, star = ''): Node | null {
  return grow(branch, naming, PLAIN_USE, [], ['config'], star)
}

function resolveIn(name: string, naming: Naming, use: Use, whens: readonly string[], seen: readonly string[]): Resolved | null {
  if (seen.length > MOST_DEPTH)
    throw new GatewayError('gateway-misconfigured', `The route table goes round in circles at ${JSON.stringify(name.slice(0, 64))}.`)
  const aliased = seen.includes(`alias ${name}`) ? undefined : naming.table.aliases.get(name)
  if (aliased !== undefined) {
    const inside = [...seen, `alias ${name}`]
    const children = (naming.alone ? aliased.slice(0, 1) : aliased).flatMap((one) => resolveIn(one, naming, use, whens, inside)?.node ?? [])
    return children.length === 0 ? null : { node: inOrder(children), route: null }
  }
  const parts: Node[] = []
  const first: Route[] = []
  let rest = whens
  for (const route of naming.table.routes) {
    if (seen.includes(`route ${route.name}`)) continue
    const glob = route.match.find((one) => matchesGlob(one, name))
    const { when } = route
    const isLate = when !== null && !naming.isEarly(when)
    if (glob === undefined || (when !== null && !isLate && !naming.holds(when))) continue
    const node = routed(route, starOf(glob, name), naming, use, isLate ? [...rest, when] : rest, [...seen, `route ${route.name}`])
    if (node === null) continue
    parts.push(node)
    first.push(route)
    if (!isLate) return { node: inOrder(parts), route: first[0] ?? null }
    rest = [...rest, `!(${when})`] // whichever it is shows after admission
  }
  const node = naming.places(name, (place) => ({ kind: 'leaf', place, named: name, use, whens: rest }), seen.length === 0)
  if (node !== null) parts.push(node)
  return parts.length === 0 ? null : { node: inOrder(parts), route: first[0] ?? null }
}

/** The fallbacks of a route count for whoever names it, not where another route leads to it: nobody would know how many there are. */
function routed(route: Route, star: string, naming: Naming, use: Use, whens: readonly string[], seen: readonly string[]): Node | null {
  const isNamed = seen.filter((one) => one.startsWith('route ')).length === 1
  const main = grow(route.tree, naming, use, whens, seen, star)
  const others = (names: readonly string[], on: readonly Trouble[]): readonly Node[] =>
    (naming.alone || !isNamed ? [] : names).flatMap((name) => resolveIn(name, naming, { ...use, on }, whens, seen)?.node ?? [])
  const children = [
    ...(main === null ? [] : [main]),
    ...others(route.fallbacks, ['outage']),
    ...others(route.contextFallbacks, ['context']),
    ...others(route.contentFallbacks, ['content']),
    ...others(typeof route.cascade?.target === 'string' ? [route.cascade.target] : [], ['unfit']),
  ]
  return children.length === 0 ? null : inOrder(children)
}

function grow(branch: Branch, naming: Naming, outer: Use, whens: readonly string[], seen: readonly string[], star: string): Node | null {
  const use = under(outer, branch.use)
  const all = branch.use.when === null ? whens : [...whens, branch.use.when]
  const { weight, priority } = branch.use
  if (branch.kind === 'target') {
    const found = resolveIn(
      branch.name.replaceAll('*', () => star),
      naming,
      use,
      all,
      seen,
    )
    return found === null ? null : calledBy(standing(found.node, weight, priority), nameOf(branch))
  }
  const { strategy, settings } = branch
  const grownUp = branch.branches.flatMap((one) => grow(one, naming, use, all, seen, star) ?? [])
  if (grownUp.length === 0) return null
  const children = isChoosing(strategy) ? grownUp.map(chosenBetween) : grownUp
  const own = { kind: 'group', strategy, settings, children, use: { weight, priority }, name: nameOf(branch) } as const
  return branch.single === true ? { ...own, single: true } : own
}

function nameOf(branch: Branch): string {
  if (branch.kind === 'group') return `(${branch.branches.map(nameOf).join(' ')})`
  const { credential } = branch.use
  return credential === null ? branch.name : `${branch.name}@${credential}`
}

/** A leaf has its target's name. */
function calledBy(node: Node, name: string): Node {
  return node.kind === 'leaf' ? node : { ...node, name }
}

/** One after the other, as they stand. */
export function inOrder(children: readonly Node[]): Node {
  const [only] = children
  if (only !== undefined && children.length === 1) return only
  return groupOf(children.map((child, priority) => standing(child, child.use.weight, priority)))
}

/** How a node stands among its siblings. */
function standing(node: Node, weight: number, priority: number): Node {
  return node.kind === 'leaf' ? { ...node, use: { ...node.use, weight, priority } } : { ...node, use: { weight, priority } }
}

/** What the first `*` of a pattern stands for in a name that fits it. */
function starOf(glob: string, name: string): string {
  const at = glob.indexOf('*')
  if (at < 0) return ''
  const behind = glob.slice(at + 1)
  return behind.includes('*') ? name.slice(at) : name.slice(at, name.length - behind.length)
}
