// From a checked document to the table that is asked: defaults filled in, what groups say handed down to their targets. Cheap and without
// Zod: isolates do it once a version.

import { UNFIT } from '../core/unfit.ts'
import {
  PLAIN_USE,
  type Branch,
  type Cascade,
  type Changes,
  type PlaceRule,
  type Route,
  type RouteTable,
  type StrategyId,
  type StrategySettings,
  type Timeouts,
  type Use,
} from './contract.ts'
import type { Inherited, RouteDocument, RouteSaid, StrategySaid, TargetObject, TargetSaid } from './document-shape.ts'
import { changesOf } from './members.ts'

/** What a group hands down. */
type Around = {
  readonly credential: string | null
  readonly regions: readonly string[] | null
  readonly timeouts: Timeouts
  readonly changes: Changes
}
const NOTHING: Around = { credential: null, regions: null, timeouts: {}, changes: {} }

const HEDGE = { percentile: 90, leastMs: 300 } as const

/** `document` must have been checked. */
export function compileRoutes(version: number, document: RouteDocument): RouteTable {
  return {
    version,
    aliases: new Map(Object.entries(document.aliases ?? {}).map(([name, said]) => [name, typeof said === 'string' ? [said] : said])),
    routes: (document.routes ?? []).map(compileRoute),
    places: new Map(Object.entries(document.providers ?? {}).map(([id, said]) => [id, placeRule(said)])),
  }
}

/**
 * The names that a route answers. It is called by its own name too, unless its targets have a `*`, for which that name gives nothing to
 * stand for.
 */
export function matchOf(route: RouteSaid): readonly string[] {
  const said = typeof route.match === 'string' ? [route.match] : (route.match ?? [])
  if (said.length === 0) return [route.name]
  return said.includes(route.name) || hasStar(route) ? said : [...said, route.name]
}

function hasStar(route: RouteSaid): boolean {
  const inTarget = (target: TargetSaid): boolean =>
    typeof target === 'string' ? target.includes('*') : target.model?.includes('*') === true || (target.targets ?? []).some(inTarget)
  return route.targets.some(inTarget)
}

function compileRoute(said: RouteSaid): Route {
  const around = within(NOTHING, said)
  return {
    name: said.name,
    match: matchOf(said),
    when: said.when ?? null,
    tree: {
      kind: 'group',
      ...strategyOf(said.strategy),
      branches: said.targets.map((target) => branchOf(target, around)),
      use: PLAIN_USE,
      ...(said.single === true ? { single: true } : {}),
    },
    fallbacks: said.fallbacks ?? [],
    contextFallbacks: said.context_fallbacks ?? [],
    contentFallbacks: said.content_fallbacks ?? [],
    retries: said.retries ?? null,
    deadlineMs: said.deadline_ms ?? null,
    learnsTimeouts: said.learn_timeouts ?? false,
    hedge:
      said.hedge === undefined
        ? null
        : { percentile: said.hedge.percentile ?? HEDGE.percentile, leastMs: said.hedge.least_ms ?? HEDGE.leastMs },
    continues: said.continue ?? false,
    ...(said.cascade === undefined ? {} : { cascade: cascadeOf(said.cascade) }),
    shadow:
      said.shadow === undefined
        ? null
        : { share: said.shadow.share, name: said.shadow.model, use: targetUse({}, within(NOTHING, said.shadow)) },
  }
}

/** Schemas of tools are often looser in practice than as written: who wants them kept says so. */
const USUAL = UNFIT.filter((word) => word !== 'tool-arguments')

function cascadeOf({ on = USUAL, target, streams }: NonNullable<RouteSaid['cascade']>): Cascade {
  return { on: new Set(on), target: target ?? null, holdsStreams: streams === 'hold' }
}

function branchOf(said: TargetSaid, around: Around): Branch {
  if (typeof said === 'string') return { kind: 'target', name: said, use: targetUse({}, around) }
  const inside = within(around, said)
  if (said.targets === undefined) return { kind: 'target', name: said.model ?? '', use: targetUse(said, inside) }
  return {
    kind: 'group',
    ...strategyOf(said.strategy),
    branches: said.targets.map((target) => branchOf(target, inside)),
    use: { ...PLAIN_USE, ...choiceOf(said) },
    ...(said.single === true ? { single: true } : {}),
  }
}

function targetUse(said: TargetObject, { credential, regions, timeouts, changes }: Around): Use {
  return { ...PLAIN_USE, ...choiceOf(said), credential, regions, rpm: said.rpm ?? null, tpm: said.tpm ?? null, timeouts, ...changes }
}

/** What decides whether it is asked, of groups as of targets. */
function choiceOf(said: TargetObject): Pick<Use, 'weight' | 'priority' | 'when' | 'on' | 'onStatus'> {
  return {
    weight: said.weight ?? PLAIN_USE.weight,
    priority: said.priority ?? PLAIN_USE.priority,
    when: said.when ?? null,
    ...(said.on === undefined ? {} : { on: said.on }),
    ...(said.on_status === undefined ? {} : { onStatus: said.on_status }),
  }
}

function within(around: Around, said: Inherited): Around {
  const { headers_ms: headersMs, first_content_ms: firstContentMs, idle_ms: idleMs } = said.timeouts ?? {}
  return {
    credential: said.credential ?? around.credential,
    regions: said.regions ?? around.regions,
    timeouts: {
      ...around.timeouts,
      ...(headersMs === undefined ? {} : { headersMs }),
      ...(firstContentMs === undefined ? {} : { firstContentMs }),
      ...(idleMs === undefined ? {} : { idleMs }),
    },
    changes: changesOf(around.changes, said),
  }
}

function strategyOf(said: StrategySaid | undefined): { readonly strategy: StrategyId; readonly settings: StrategySettings } {
  if (typeof said !== 'object') return { strategy: said ?? 'priority', settings: {} }
  const { name, measure, percentile, by, mode, loss, otherwise } = said
  const { expensive_share: expensiveShare, default: usual, cost_quality_tradeoff: tradeoff, cost_tier: tier } = said
  return {
    strategy: name,
    settings: {
      ...(measure === undefined ? {} : { measure }),
      ...(percentile === undefined ? {} : { percentile }),
      ...(by === undefined ? {} : { by }),
      ...(mode === undefined ? {} : { mode }),
      ...(loss === undefined ? {} : { loss }),
      ...(otherwise === undefined ? {} : { otherwise }),
      ...(expensiveShare === undefined ? {} : { expensiveShare }),
      ...(usual === undefined ? {} : { default: usual }),
      ...(tradeoff === undefined ? {} : { tradeoff }),
      ...(tier === undefined ? {} : { tier }),
    },
  }
}

function placeRule(said: NonNullable<RouteDocument['providers']>[string]): PlaceRule {
  const { zdr, collects_data: collects, rpm, tpm } = said
  return {
    ...(zdr === undefined ? {} : { zdr }),
    ...(collects === undefined ? {} : { collects }),
    ...(rpm === undefined ? {} : { rpm }),
    ...(tpm === undefined ? {} : { tpm }),
  }
}
