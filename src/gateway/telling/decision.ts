// A routing decision as plain JSON: who could have answered, what took each out, in which order the others were asked and why, and all that
// the order was made of, so that it can be made again (replay.ts). Never a prompt, never a secret; at most 64 targets and 24 kB.

import { raised, type Price } from '../../core/price.ts'
import type { Need } from '../../dialects/contract.ts'
import { dollarsText, picoText } from '../../core/money.ts'
import { expectedPico, cachedTokens } from '../../routing/ordering.ts'
import type { ModelName } from '../../routing/choosing/contract.ts'
import type { Quantiles, StrategySettings } from '../../routing/contract.ts'
import type { Unfit } from '../../core/unfit.ts'
import type { Candidate } from '../planning/candidate.ts'
import { modelName, targetId } from '../planning/candidate.ts'
import { choosingTold, judgedTold, type ChoosingTold, type JudgedTold } from './choosing-told.ts'
import type { CascadeTold } from '../trying/cascade.ts'
import { healthTold, type HealthTold } from './health-told.ts'
import type { Inquiry, Ranking } from './inquiry.ts'
import type { Job } from '../job.ts'
import type { Choice } from '../planning/rank.ts'
import { shortened } from './decision-short.ts'
import type { Leaf, Node } from '../planning/tree.ts'
import { wishesTold, type WishesTold } from './wishes-told.ts'

/** US dollars of a token, as decimals. */
type PriceTold = { readonly prompt: string; readonly completion: string; readonly cache_read?: string }

/** What the order took from a target, beside its id and health; what is missing is the default. Prices in pico-dollars: input, output, cache read. */
export type RankInputs = {
  readonly weight?: number
  readonly priority?: number
  readonly price?: readonly [number, number, number | null]
  readonly rpm?: number
  readonly tpm?: number
  readonly cached?: { readonly tokens: number; readonly until: number }
  /** The number of its model among those that were chosen between. */
  readonly model?: number
}

export type DecisionTarget = {
  readonly id: string
  readonly provider: string
  readonly model: string
  /** Name of the account; `null`: the provider's own. */
  readonly credential: string | null
  readonly region: string | null
  /** The strategies of the groups around it, from the outside, each with its place there: `priority.0/fastest.2`. */
  readonly group: string | null
  /** From 0, in the order in which they are asked; `null`: it is out. */
  readonly position: number | null
  /** The word for what took it out. */
  readonly out: string | null
  /** The condition that did not hold. */
  readonly condition?: string
  readonly score: number | null
  readonly why: string | null
  readonly probe?: true
  readonly health: HealthTold | null
  readonly price: PriceTold | null
  /** `null`: unknown. */
  readonly worst_usd: string | null
  readonly expected_usd: string | null
  readonly rank?: RankInputs
}

/** A leaf is the number of its target. */
export type TreeTold =
  | number
  | {
      readonly strategy: string
      /** What hashes are of. */
      readonly name?: string
      readonly settings?: StrategySettings
      readonly weight?: number
      readonly priority?: number
      readonly single?: true
      readonly places?: true
      readonly of: readonly TreeTold[]
    }

export type Inputs = {
  readonly now: number
  readonly key: string
  /** Hashes of the names by which requests are kept together; `null`: none. */
  readonly conversation: string | null
  readonly user: string | null
  readonly prompt_tokens: number
  readonly output_tokens: number
  /** The random numbers, in the order in which they were drawn. */
  readonly draws: readonly number[]
  readonly max_latency_ms?: Partial<Quantiles>
  readonly min_throughput?: Partial<Quantiles>
  /** What the choice of a model was made of, where there was one. */
  readonly choosing?: ChoosingTold
  readonly tree: TreeTold
}

export type Decision = {
  readonly version: 1
  readonly id: string
  readonly at: string
  readonly requested: string
  readonly path: string
  readonly language: string
  readonly table_version: number | null
  readonly route: string | null
  /** Why nobody was asked, in the word of the error. */
  readonly refused: string | null
  readonly request: {
    readonly stream: boolean
    readonly needs: readonly Need[]
    readonly input_bound: number | null
    readonly max_output_tokens: number | null
    readonly choices: number
    /** What the key has used of its budget, 0 to 1; `null`: it has none. */
    readonly budget_used: number | null
  }
  readonly wishes: WishesTold
  /** What the request was judged as, where a strategy chose its model. */
  readonly judged?: JudgedTold
  /** `null`: it did not come so far. */
  readonly tries: {
    readonly retries: number
    readonly deadline_at: number | null
    readonly first_content_at: number | null
    readonly learns_timeouts: boolean
    readonly hedge: { readonly percentile: number; readonly least_ms: number } | null
    readonly cascade?: { readonly on: readonly Unfit[]; readonly target: string | null; readonly holds_streams: boolean }
  } | null
  /** An answer that came was no good, and what was done about it. */
  readonly cascade?: CascadeTold
  readonly targets: readonly DecisionTarget[]
  /** Targets that are not listed. */
  readonly omitted: number
  /** What was left out because it was too much. */
  readonly shortened?: readonly string[]
  /** `null`: it cannot be made again. */
  readonly inputs: Inputs | null
}

const MOST_TARGETS = 64

/** What is known when it is asked for; after the order was made, all of it. */
export function decisionOf(job: Job, inquiry: Inquiry): Decision {
  const { found, ranking } = inquiry
  const tree = ranking === null ? null : ranking.tree
  const all = leavesInOrder(inquiry)
  const listed = all.slice(0, MOST_TARGETS)
  const places = new Map(listed.map((leaf, i) => [leaf, i]))
  const groups = new Map<Leaf, string>()
  if (tree !== null) nameGroups(tree, '', groups)
  const choosing = ranking?.known.choosing ?? null
  const judged = choosing === null ? null : judgedTold(choosing.asked, choosing.classifier?.version ?? null)
  const models = choosing === null ? [] : modelsOf(listed, inquiry)
  const choices = new Map<Leaf, readonly [Choice, number]>()
  ranking?.choices.forEach((choice, i) => choices.set(choice.leaf, [choice, i]))
  return shortened({
    version: 1,
    id: job.id,
    at: new Date(ranking?.known.view.now ?? job.startedAt).toISOString(),
    requested: job.intent.model.slice(0, 256),
    path: job.path.slice(0, 256),
    language: job.client.id,
    table_version: found?.tableVersion ?? null,
    route: found?.route ?? null,
    refused: inquiry.refused,
    request: {
      stream: job.intent.stream,
      needs: [...job.intent.needs],
      input_bound: job.intent.inputBound,
      max_output_tokens: job.intent.maxOutputTokens,
      choices: job.intent.choices,
      budget_used: ranking?.admission.budgetUsed ?? null,
    },
    wishes: wishesTold(job.wishes),
    ...(judged === null ? {} : { judged }),
    tries: ranking === null ? null : triesTold(ranking),
    ...(inquiry.cascade === null ? {} : { cascade: inquiry.cascade }),
    targets: listed.map((leaf) => targetTold(leaf, inquiry, choices.get(leaf) ?? null, groups.get(leaf) ?? null, models)),
    omitted: all.length - listed.length,
    inputs: ranking === null ? null : inputsOf(ranking, places, inquiry.drawn, choosing === null ? null : choosingTold(choosing, models)),
  })
}

function modelsOf(leaves: readonly Leaf[], { candidates, health }: Inquiry): readonly ModelName[] {
  const ranked = leaves.flatMap((leaf) => candidates.get(leaf) ?? []).filter((candidate) => health.has(candidate))
  return [...new Set(ranked.map(modelName))]
}

/** Those that are asked first, in their order; then the others as they were found. */
function leavesInOrder({ found, ranking }: Inquiry): readonly Leaf[] {
  const first = new Set(ranking?.choices.map(({ leaf }) => leaf))
  return [...first, ...(found?.leaves ?? []).filter((leaf) => !first.has(leaf))]
}

function nameGroups(node: Node, path: string, names: Map<Leaf, string>): void {
  if (node.kind === 'leaf') {
    names.set(node, path)
    return
  }
  node.children.forEach((child, i) => nameGroups(child, `${path === '' ? '' : `${path}/`}${node.strategy}.${i}`, names))
}

function targetTold(
  leaf: Leaf,
  inquiry: Inquiry,
  chosen: readonly [Choice, number] | null,
  group: string | null,
  models: readonly ModelName[],
): DecisionTarget {
  const candidate = inquiry.candidates.get(leaf) ?? null
  const { ranking } = inquiry
  const health = candidate === null ? null : (inquiry.health.get(candidate) ?? null)
  const out = chosen === null ? (inquiry.out.get(leaf) ?? null) : null
  const price = candidate?.entry?.price ?? null
  const credential = leaf.use.credential
  return {
    id:
      candidate === null ? `${leaf.place.provider}/${leaf.place.model}${credential === null ? '' : `@${credential}`}` : targetId(candidate),
    provider: leaf.place.provider,
    model: leaf.place.model,
    credential,
    region: candidate?.settings.region ?? null,
    group,
    position: chosen?.[1] ?? null,
    out: chosen !== null ? null : (out?.word ?? (ranking === null ? null : 'not-first-choice')),
    ...(out?.condition === undefined ? {} : { condition: out.condition }),
    score: chosen?.[0].score ?? null,
    why: chosen?.[0].why ?? null,
    ...(chosen?.[0].probe === true ? { probe: true } : {}),
    health: health === null ? null : healthTold(health),
    price: price === null ? null : priceTold(price),
    worst_usd: candidate === null || ranking === null ? null : worstOf(candidate, ranking),
    expected_usd: candidate === null || ranking === null || price === null ? null : expectedOf(candidate, price, inquiry, ranking),
    // Of one that a condition took out the order knows nothing.
    ...(candidate === null || health === null || out !== null ? {} : { rank: rankInputs(leaf, candidate, inquiry, models) }),
  }
}

function rankInputs({ use }: Leaf, candidate: Candidate, inquiry: Inquiry, models: readonly ModelName[]): RankInputs {
  const model = models.indexOf(modelName(candidate))
  const price = candidate.entry?.price ?? null
  const cached = inquiry.cached.get(candidate) ?? null
  const rule = inquiry.ranking?.known.rule(candidate)
  const rpm = use.rpm ?? rule?.rpm ?? null
  const tpm = use.tpm ?? rule?.tpm ?? null
  return {
    ...(use.weight === 1 ? {} : { weight: use.weight }),
    ...(use.priority === 0 ? {} : { priority: use.priority }),
    ...(price === null ? {} : { price: [price.input, price.output, price.cacheRead ?? null] as const }),
    ...(rpm === null ? {} : { rpm }),
    ...(tpm === null ? {} : { tpm }),
    ...(cached === null ? {} : { cached: { tokens: cached.tokens, until: cached.until } }),
    ...(model < 0 ? {} : { model }),
  }
}

function priceTold({ input, output, cacheRead, markups }: Price): PriceTold {
  const text = (pico: number): string => dollarsOfPico(raised(pico, markups))
  return { prompt: text(input), completion: text(output), ...(cacheRead === undefined ? {} : { cache_read: text(cacheRead) }) }
}

/** A price of an operator may have parts of a pico-dollar. */
function dollarsOfPico(pico: number): string {
  return Number.isSafeInteger(pico) ? picoText(pico) : String(pico / 1e12)
}

/** What is held for it: of a target without a price, or whose input nothing bounds, nobody knows. */
function worstOf(candidate: Candidate, { admission, needs, choices }: Ranking): string | null {
  const price = candidate.entry?.price ?? null
  const only = choices.length === 1 && choices[0]?.candidate === candidate
  const need = needs.get(candidate) ?? (only ? (admission.hold.elastic?.mostNanoUsd ?? admission.hold.nanoUsd) : null)
  const isFree = price !== null && price.input === 0 && price.output === 0
  return need === null || price === null || (need === 0 && !isFree) ? null : dollarsText(need)
}

/** At the standard price, with what is probably cached. */
function expectedOf(candidate: Candidate, price: Price, inquiry: Inquiry, { known }: Ranking): string | null {
  const health = inquiry.health.get(candidate)
  if (health === undefined) return null
  const option = {
    id: '',
    model: '',
    weight: 1,
    priority: 0,
    price: { inputPico: price.input, outputPico: price.output, cacheReadPico: price.cacheRead ?? null },
    rpm: null,
    tpm: null,
    health,
    cached: inquiry.cached.get(candidate) ?? null,
  }
  const pico = expectedPico(option, known.view, cachedTokens(option, known.view))
  return pico === null ? null : dollarsOfPico(raised(Math.round(pico + (price.perRequestNanoUsd ?? 0) * 1000), price.markups))
}

function triesTold({ tries, cascade }: Ranking): Decision['tries'] {
  const { retries, deadlineAt, firstContentAt, learns, hedge } = tries
  return {
    retries,
    deadline_at: deadlineAt,
    first_content_at: firstContentAt,
    learns_timeouts: learns,
    hedge: hedge === null ? null : { percentile: hedge.percentile, least_ms: hedge.leastMs },
    ...(cascade === undefined ? {} : { cascade: { on: [...cascade.on], target: cascade.target, holds_streams: cascade.holdsStreams } }),
  }
}

function inputsOf(
  { tree, known }: Ranking,
  places: ReadonlyMap<Leaf, number>,
  draws: readonly number[],
  choosing: ChoosingTold | null,
): Inputs | null {
  const told = treeTold(tree, places)
  if (told === null) return null
  const { view, wish } = known
  return {
    now: view.now,
    key: view.key,
    conversation: view.conversation,
    user: view.user,
    prompt_tokens: view.promptTokens,
    output_tokens: view.outputTokens,
    draws: [...draws],
    ...(wish?.maxLatencyMs == null ? {} : { max_latency_ms: wish.maxLatencyMs }),
    ...(wish?.minThroughput == null ? {} : { min_throughput: wish.minThroughput }),
    ...(choosing === null ? {} : { choosing }),
    tree: told,
  }
}

/** `null`: one of its targets is not listed. */
function treeTold(node: Node, places: ReadonlyMap<Leaf, number>): TreeTold | null {
  if (node.kind === 'leaf') return places.get(node) ?? null
  const of: TreeTold[] = []
  for (const child of node.children) {
    const told = treeTold(child, places)
    if (told === null) return null
    of.push(told)
  }
  return {
    strategy: node.strategy,
    ...(node.name === undefined ? {} : { name: node.name }),
    ...(Object.keys(node.settings).length === 0 ? {} : { settings: node.settings }),
    ...(node.use.weight === 1 ? {} : { weight: node.use.weight }),
    ...(node.use.priority === 0 ? {} : { priority: node.use.priority }),
    ...(node.single === true ? { single: true } : {}),
    ...(node.isPlaces === true ? { places: true } : {}),
    of,
  }
}
