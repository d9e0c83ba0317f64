// Names that stand for names: aliases and routes that lead back to themselves, or through too many others.

import { matchesGlob } from '../core/glob.ts'
import { matchOf } from './compile.ts'
import { MOST_DEPTH, type TargetSaid } from './document-shape.ts'
import type { Place } from './document-issues.ts'
import type { Sound } from './document-sense.ts'

type Node = { readonly label: string; readonly place: Place; readonly kind: 'alias' | 'route'; readonly names: readonly string[] }

export type NameFault = { readonly place: Place; readonly message: string }

/**
 * Inside its own expansion an alias or a route is not looked up again: its name means the model. So a name may stand for itself, and a
 * `provider/model` may come back to the route that answers it, and what is on the way already is left out there; labels that only lead to
 * each other are a mistake. Fallbacks may go round: who was asked is not asked again.
 */
export function nameFaults(sound: Sound): readonly NameFault[] {
  const { nodes, lookup } = graphOf(sound)
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
  return faults
}

function graphOf({ aliases, routes }: Sound): { readonly nodes: readonly Node[]; readonly lookup: (name: string) => readonly Node[] } {
  const aliasNodes = new Map<string, Node>()
  for (const [name, said] of aliases)
    aliasNodes.set(name, { label: name, place: ['aliases', name], kind: 'alias', names: typeof said === 'string' ? [said] : said })
  const routeNodes = routes.flatMap((route, index) =>
    route === null
      ? []
      : [
          {
            node: { label: route.name, place: ['routes', index], kind: 'route', names: targetNames(route.targets) } satisfies Node,
            match: matchOf(route),
            isConditional: route.when !== undefined,
          },
        ],
  )
  const found = new Map<string, readonly Node[]>()
  const lookup = (name: string): readonly Node[] => {
    const alias = aliasNodes.get(name)
    if (alias !== undefined) return [alias]
    const known = found.get(name)
    if (known !== undefined) return known
    const matching: Node[] = []
    for (const { node, match, isConditional } of routeNodes) {
      if (!match.some((pattern) => matchesGlob(pattern, name))) continue
      matching.push(node)
      if (!isConditional) break
    }
    found.set(name, matching)
    return matching
  }
  return { nodes: [...aliasNodes.values(), ...routeNodes.map(({ node }) => node)], lookup }
}

/** What `*` will stand for is not known here; the gateway does not look up twice what it looks up already. */
function targetNames(targets: readonly TargetSaid[]): readonly string[] {
  return targets
    .flatMap((target) =>
      typeof target === 'string' ? [target] : [...(target.model === undefined ? [] : [target.model]), ...targetNames(target.targets ?? [])],
    )
    .filter((name) => !name.includes('*'))
}
