// Makes the order of a decision once more, from what it says it was made of, by the same code. Pure.

import { PLAIN_USE } from '../../routing/contract.ts'
import { STRATEGIES, type HealthView, type Option } from '../../routing/contract.ts'
import { UNKNOWN_HEALTH } from '../../routing/health.ts'
import { choosingRead, type ChoosingTold } from './choosing-told.ts'
import type { Decision, DecisionTarget, TreeTold } from './decision.ts'
import { healthRead } from './health-told.ts'
import { rank, type Rankable } from '../planning/rank.ts'
import type { Leaf, Node } from '../planning/tree.ts'

/** One target in the order. `target`: its number among the decision's. */
export type Replayed = {
  readonly target: number
  readonly id: string
  readonly score: number
  readonly why: string
  readonly probe: boolean
}

type Models = ChoosingTold['models']
type Known = Rankable & { readonly health: HealthView; readonly cached: Option['cached']; readonly at: number }

/** `null`: it does not say all that it was made of. */
export function replay({
  inputs,
  targets,
  judged = null,
}: Pick<Decision, 'inputs' | 'targets'> & { readonly judged?: Decision['judged'] | null }): readonly Replayed[] | null {
  if (inputs === null) return null
  const candidates = new Map<Leaf, Known>()
  const tree = nodeOf(inputs.tree, targets, candidates, inputs.choosing?.models ?? [])
  if (tree === null) return null
  let drawn = 0
  const { choices } = rank<Known>(tree, {
    view: {
      now: inputs.now,
      random: () => inputs.draws[drawn++] ?? 0,
      conversation: inputs.conversation,
      key: inputs.key,
      user: inputs.user,
      promptTokens: inputs.prompt_tokens,
      outputTokens: inputs.output_tokens,
      choosing: inputs.choosing === undefined ? null : choosingRead(inputs.choosing, judged),
    },
    candidate: (leaf) => candidates.get(leaf) ?? null,
    health: ({ health }) => health,
    holds: () => true,
    ceiling: () => null,
    rule: () => ({}), // what it says is among the target's own
    cached: ({ cached }) => cached,
    wish: { maxLatencyMs: inputs.max_latency_ms ?? null, minThroughput: inputs.min_throughput ?? null },
  })
  return choices.map(({ candidate, score, why, probe }) => ({
    target: candidate.at,
    id: targets[candidate.at]?.id ?? '',
    score,
    why,
    probe,
  }))
}

/** Whether the order that was made again is the one that was told. */
export function isSameOrder(decision: Pick<Decision, 'targets'>, replayed: readonly Replayed[]): boolean {
  const asked = decision.targets.filter(({ position }) => position !== null)
  return (
    asked.length === replayed.length &&
    replayed.every(({ target, score, why, probe }, i) => {
      const told = decision.targets[target]
      return told?.position === i && told.score === score && told.why === why && (told.probe === true) === probe
    })
  )
}

function nodeOf(told: TreeTold, targets: readonly DecisionTarget[], candidates: Map<Leaf, Known>, models: Models): Node | null {
  if (typeof told === 'number') {
    const target = targets[told]
    return target === undefined ? null : leafOf(target, told, candidates, models)
  }
  const strategy = STRATEGIES.find((one) => one === told.strategy)
  if (strategy === undefined) return null
  const children: Node[] = []
  for (const one of told.of) {
    const child = nodeOf(one, targets, candidates, models)
    if (child === null) return null
    children.push(child)
  }
  return {
    kind: 'group',
    strategy,
    settings: told.settings ?? {},
    children,
    ...(told.name === undefined ? {} : { name: told.name }),
    use: { weight: told.weight ?? 1, priority: told.priority ?? 0 },
    ...(told.single === true ? { single: true } : {}),
    ...(told.places === true ? { isPlaces: true } : {}),
  }
}

function leafOf(target: DecisionTarget, at: number, candidates: Map<Leaf, Known>, models: Models): Leaf {
  const { id, rank: inputs, health } = target
  const slash = id.indexOf('/')
  const place = { provider: id.slice(0, slash), model: id.slice(slash + 1) }
  const use = {
    ...PLAIN_USE,
    weight: inputs?.weight ?? 1,
    priority: inputs?.priority ?? 0,
    rpm: inputs?.rpm ?? null,
    tpm: inputs?.tpm ?? null,
  }
  const leaf: Leaf = { kind: 'leaf', place, named: id, use, whens: [] }
  if (inputs === undefined) return leaf
  const name = inputs.model === undefined ? undefined : models[inputs.model]?.[0]
  const [input, output, cacheRead] = inputs.price ?? [0, 0, null]
  candidates.set(leaf, {
    provider: { id: place.provider },
    model: place.model,
    entry: {
      price: inputs.price === undefined ? null : { input, output, ...(cacheRead === null ? {} : { cacheRead }) },
      ...(name === undefined ? {} : { openrouterId: name }),
    },
    health: health === null ? UNKNOWN_HEALTH : healthRead(health),
    cached: inputs.cached ?? null,
    at,
  })
  return leaf
}
