// Names that stand for names: aliases and routes that lead back to themselves, or through too many others.

import { matchesGlob } from '../core/glob.ts'
import { matchOf } from './compile.ts'
import { MOST_DEPTH, type RouteSaid, type TargetSaid } from './document-shape.ts'
import type { Place } from './document-issues.ts'
import type { Sound } from './document-sense.ts'

type Node = {
  readonly label: string
  readonly place: Place
  readonly kind: 'alias' | 'route'
  readonly isConditional: boolean
  readonly names: readonly string[]
  readonly fallbacks: readonly string[]
}

/** What a name may come to with all its fallbacks: each request that asks for it pays for as much. */
const MOST_LEAVES = 512
/** As the gateway follows names, at most. */
const MOST_STEPS = 8

export type NameFault = { readonly place: Place; readonly message: string }

/**
 * Inside its own expansion an alias or a route is not looked up again: its name means what it would mean without it, a model in the end. So
 * a name may stand for itself, and a `provider/model` may come back to the route that answers it, and what is on the way already is left out
 * there; labels that only lead to each other are a mistake. Fallbacks may go round: who was asked is not asked again.
 */
export function nameFaults(sound: Sound): readonly NameFault[] {
  const { nodes, lookup, leaves } = graphOf(sound)
  const faults: NameFault[] = []
  const heights = new Map<Node, number>()
  const path: { readonly node: Node; readonly isModel: boolean }[] = []
  const visit = (node: Node, isModel: boolean): number => {
    const known = heights.get(node)
    if (known !== undefined) return known
    path.push({ node, isModel })
    let height = 1
    for (const name of node.names)
      for (const next of lookup(name)) {
        if (next === node) continue
        const nextIsModel = next.kind === 'route' && name.includes('/')
        const since = path.findIndex((one) => one.node === next)
        if (since < 0) {
          // One more than allowed is enough to know, and keeps a long chain from being a deep recursion.
          if (path.length <= MOST_DEPTH) height = Math.max(height, 1 + visit(next, nextIsModel))
          else height = Math.max(height, 2)
        } else if (!nextIsModel && !path.slice(since + 1).some((one) => one.isModel)) {
          const round = [...path.slice(since).map((one) => one.node), next].map(({ label }) => label).join(' → ')
          faults.push({ place: node.place, message: `leads back to itself: ${round}` })
        }
      }
    path.pop()
    heights.set(node, height)
    return height
  }
  for (const node of nodes) {
    if (visit(node, false) > MOST_DEPTH)
      faults.push({ place: node.place, message: `stands for names that stand for names, more than ${MOST_DEPTH} times` })
  }
  if (faults.length > 0) return faults
  for (const node of nodes) {
    const { count, steps } = leaves(node)
    if (steps > MOST_STEPS) faults.push({ place: node.place, message: `leads through more than ${MOST_STEPS} others` })
    else if (count > MOST_LEAVES)
      faults.push({ place: node.place, message: `comes to more than ${MOST_LEAVES} targets, fallbacks counted` })
  }
  return faults
}

type Graph = {
  readonly nodes: readonly Node[]
  /** What the name stands for: an alias, else the routes of which one answers it. */
  readonly lookup: (name: string) => readonly Node[]
  /** How many targets it comes to, and through how many others; counted no further than is too many. */
  readonly leaves: (node: Node) => { readonly count: number; readonly steps: number }
}

function graphOf({ aliases, routes }: Sound): Graph {
  const aliasNodes = new Map<string, Node>()
  for (const [name, said] of aliases)
    aliasNodes.set(name, {
      label: name,
      place: ['aliases', name],
      kind: 'alias',
      isConditional: false,
      names: typeof said === 'string' ? [said] : said,
      fallbacks: [],
    })
  const routeNodes = routes.flatMap((route, index) => (route === null ? [] : [{ node: nodeOf(route, index), match: matchOf(route) }]))
  const found = new Map<string, readonly Node[]>()
  const matching = (name: string): readonly Node[] => {
    const known = found.get(name)
    if (known !== undefined) return known
    const nodes = routeNodes.filter(({ match }) => match.some((pattern) => matchesGlob(pattern, name))).map(({ node }) => node)
    found.set(name, nodes)
    return nodes
  }
  const lookup = (name: string, seen: readonly Node[] = []): readonly Node[] => {
    const alias = aliasNodes.get(name)
    if (alias !== undefined && !seen.includes(alias)) return [alias]
    const candidates = matching(name).filter((node) => !seen.includes(node))
    const last = candidates.findIndex(({ isConditional }) => !isConditional)
    return last < 0 ? candidates : candidates.slice(0, last + 1)
  }
  const leaves = (start: Node): { readonly count: number; readonly steps: number } => {
    let count = 0
    let steps = 0
    const walk = (node: Node, before: readonly Node[]): void => {
      const path = [...before, node]
      steps = Math.max(steps, path.length)
      // Where another route leads to it, a route's own fallbacks do not count.
      const isFirst = path.every((one) => one === node || one.kind === 'alias')
      for (const name of isFirst ? [...node.names, ...node.fallbacks] : node.names) {
        if (steps > MOST_STEPS || count > MOST_LEAVES) return
        const next = lookup(name, path)
        for (const one of next) walk(one, path)
        if (next.every(({ isConditional }) => isConditional)) count++
      }
    }
    walk(start, [])
    return { count, steps }
  }
  return { nodes: [...aliasNodes.values(), ...routeNodes.map(({ node }) => node)], lookup: (name) => lookup(name), leaves }
}

function nodeOf(route: RouteSaid, index: number): Node {
  return {
    label: route.name,
    place: ['routes', index],
    kind: 'route',
    isConditional: route.when !== undefined,
    names: targetNames(route.targets),
    fallbacks: [
      ...(route.fallbacks ?? []),
      ...(route.context_fallbacks ?? []),
      ...(route.content_fallbacks ?? []),
      ...(route.cascade?.target === undefined ? [] : [route.cascade.target]),
    ],
  }
}

/** What `*` will stand for is not known here; the gateway does not look up twice what it looks up already. */
function targetNames(targets: readonly TargetSaid[]): readonly string[] {
  return targets
    .flatMap((target) =>
      typeof target === 'string' ? [target] : [...(target.model === undefined ? [] : [target.model]), ...targetNames(target.targets ?? [])],
    )
    .filter((name) => !name.includes('*'))
}
