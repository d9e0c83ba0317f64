// The choice that a request has, as a tree: places at its leaves, groups with a strategy between them. What no place can serve is cut off.

import type { StrategyId, StrategySettings, Trouble, Use } from '../../routing/contract.ts'
import type { Place } from './model-names.ts'

/** A place for a model. `named`: the name that led here, as the client or the route table has it. */
export type Leaf = {
  readonly kind: 'leaf'
  readonly place: Place
  readonly named: string
  readonly use: Use
  /** All of them must hold. */
  readonly whens: readonly string[]
  /** It was asked for as a model that costs nothing. */
  readonly isFree?: true
  /** A strategy chooses between its model and others: what it cannot do, another can. */
  readonly isChosen?: true
}

/** `isPlaces`: the places of one model, which the client's preferences may order. */
export type Group = {
  readonly kind: 'group'
  readonly strategy: StrategyId
  readonly settings: StrategySettings
  readonly children: readonly Node[]
  readonly use: Pick<Use, 'weight' | 'priority'>
  /** As the route table has it: what hashes are of, since its first choice changes. Absent: it stands in no route. */
  readonly name?: string
  readonly single?: true
  readonly isPlaces?: true
}

export type Node = Leaf | Group

/** In the order of the tree. */
export function leavesOf(node: Node): readonly Leaf[] {
  return node.kind === 'leaf' ? [node] : node.children.flatMap(leavesOf)
}

/** The tree with only the leaves that stay; `null`: none does. A group of one that orders nothing is its child. */
export function pruned(node: Node, stays: (leaf: Leaf) => boolean): Node | null {
  if (node.kind === 'leaf') return stays(node) ? node : null
  const children = node.children.flatMap((child) => pruned(child, stays) ?? [])
  if (children.length === 0) return null
  return children.length === node.children.length ? node : { ...node, children }
}

export function groupOf(children: readonly Node[], strategy: StrategyId = 'priority'): Group {
  return { kind: 'group', strategy, settings: {}, children, use: { weight: 1, priority: 0 } }
}

/** Strategies that choose a model by what is asked. */
export function isChoosing(strategy: StrategyId): boolean {
  return strategy === 'difficulty' || strategy === 'auto'
}

/** The same tree under a strategy that chooses a model. */
export function chosenBetween<N extends Node>(node: N): N {
  return node.kind === 'leaf' ? { ...node, isChosen: true } : { ...node, children: node.children.map(chosenBetween) }
}

/** What a branch says of its target, under what the branches around it say. */
export function under(outer: Use, inner: Use): Use {
  return {
    ...inner,
    credential: inner.credential ?? outer.credential,
    regions: inner.regions ?? outer.regions,
    rpm: inner.rpm ?? outer.rpm,
    tpm: inner.tpm ?? outer.tpm,
    timeouts: { ...outer.timeouts, ...inner.timeouts },
    defaults: { ...outer.defaults, ...inner.defaults },
    overrides: { ...outer.overrides, ...inner.overrides },
    drop: [...(outer.drop ?? []), ...(inner.drop ?? [])],
    ...trouble(inner, outer),
  }
}

function trouble(inner: Use, outer: Use): Pick<Use, 'on' | 'onStatus'> {
  const { on = outer.on, onStatus = outer.onStatus } = inner
  return { ...(on === undefined ? {} : { on }), ...(onStatus === undefined ? {} : { onStatus }) }
}

/** After which trouble of those before it a leaf may be asked. */
export function mayFollow({ use }: Leaf, trouble: Trouble, status: number | null): boolean {
  if (use.onStatus !== undefined) return status === null ? trouble === 'outage' : use.onStatus.includes(status)
  return (use.on ?? OUTAGE).includes(trouble)
}

const OUTAGE: readonly Trouble[] = ['outage']
