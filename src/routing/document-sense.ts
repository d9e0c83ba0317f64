// What a document means as a whole: what its shape alone cannot say. Looks at the parts that are well-shaped, so that all mistakes are told at once.

import { MOST_DEPTH, type AliasSaid, type Inherited, type RouteSaid, type StrategySaid, type TargetSaid } from './document-shape.ts'
import { placeText, type DocumentError, type Place } from './document-issues.ts'
import { nameFaults } from './document-names.ts'
import { isObject, memberFault, overlaps, textsOf } from './members.ts'
import { matchOf } from './compile.ts'

/** So many an isolate keeps read (conditions.ts); beyond that requests would read them again and again. */
const MOST_CONDITIONS = 400

/** `null`: it is a condition. */
export type CheckCondition = (text: string) => string | null

/** `null` stands for a route that is not well-shaped, so that the others keep their numbers. */
export type Sound = { readonly aliases: ReadonlyMap<string, AliasSaid>; readonly routes: readonly (RouteSaid | null)[] }

type Report = (place: Place, message: string) => void

export function senseErrors({ aliases, routes }: Sound, checkCondition: CheckCondition): readonly DocumentError[] {
  const errors: DocumentError[] = []
  const report: Report = (place, message) => {
    errors.push({ path: placeText(place), message })
  }
  const conditions = new Set<string>()
  const seeing: CheckCondition = (text) => {
    conditions.add(text)
    return checkCondition(text)
  }
  const firsts = new Map<string, number>()
  routes.forEach((route, index) => {
    if (route === null) return
    const first = firsts.get(route.name)
    if (first !== undefined) report(['routes', index, 'name'], `is the name of routes[${first}] too`)
    else firsts.set(route.name, index)
    if (aliases.has(route.name)) report(['routes', index, 'name'], 'is the name of an alias too, which comes first')
    senseOfRoute(route, ['routes', index], seeing, report)
  })
  if (conditions.size > MOST_CONDITIONS) report(['routes'], `have more than ${MOST_CONDITIONS} conditions that differ`)
  for (const { place, message } of nameFaults({ aliases, routes })) report(place, message)
  return errors
}

function senseOfRoute(route: RouteSaid, at: Place, checkCondition: CheckCondition, report: Report): void {
  checkWhen(route.when, at, checkCondition, report)
  senseOfStrategy(route.strategy, at, report)
  senseOfMembers(route, at, report)
  route.targets.forEach((target, index) => senseOfTarget(target, [...at, 'targets', index], 1, checkCondition, report))
  if (route.shadow !== undefined) senseOfMembers(route.shadow, [...at, 'shadow'], report)
  const stars = starPlaces(route, at)
  if (stars.length === 0) return
  for (const { place, name } of stars) if (countStars(name) > 1) report(place, 'may have one * only')
  if (matchOf(route).some((pattern) => countStars(pattern) !== 1))
    report(stars[0]?.place ?? at, 'has a *, so each name in `match` must have exactly one for it to stand for')
}

function senseOfTarget(target: TargetSaid, at: Place, depth: number, checkCondition: CheckCondition, report: Report): void {
  if (typeof target === 'string') return
  checkWhen(target.when, at, checkCondition, report)
  senseOfMembers(target, at, report)
  if (target.on !== undefined && target.on_status !== undefined) report([...at, 'on_status'], 'stands instead of `on`: give one of them')
  const { model, targets } = target
  if ((model === undefined) === (targets === undefined)) report(at, 'must have one of `model` and `targets`')
  if (targets === undefined) {
    if (target.strategy !== undefined) report([...at, 'strategy'], 'belongs to a group: it needs `targets`')
    if (target.single !== undefined) report([...at, 'single'], 'belongs to a group: it needs `targets`')
    return
  }
  senseOfStrategy(target.strategy, at, report)
  for (const own of ['rpm', 'tpm'] as const)
    if (target[own] !== undefined) report([...at, own], 'is a limit of an account: it belongs to a target with `model`')
  if (depth >= MOST_DEPTH) report(at, `is deeper than ${MOST_DEPTH} groups`)
  else targets.forEach((inner, index) => senseOfTarget(inner, [...at, 'targets', index], depth + 1, checkCondition, report))
}

function senseOfStrategy(said: StrategySaid | undefined, at: Place, report: Report): void {
  if (typeof said !== 'object') return
  for (const setting of ['measure', 'percentile'] as const)
    if (said[setting] !== undefined && said.name !== 'fastest') report([...at, 'strategy', setting], 'is a setting of `fastest`')
  if (said.by !== undefined && said.name !== 'split') report([...at, 'strategy', 'by'], 'is a setting of `split`')
  for (const setting of ['mode', 'loss', 'otherwise'] as const)
    if (said[setting] !== undefined && said.name !== 'difficulty') report([...at, 'strategy', setting], 'is a setting of `difficulty`')
  for (const setting of ['default', 'cost_quality_tradeoff', 'cost_tier'] as const)
    if (said[setting] !== undefined && said.name !== 'auto') report([...at, 'strategy', setting], 'is a setting of `auto`')
  if (said.expensive_share !== undefined && said.name !== 'difficulty' && said.name !== 'auto')
    report([...at, 'strategy', 'expensive_share'], 'is a setting of `difficulty` and `auto`')
  if (said.mode !== undefined && said.loss !== undefined) report([...at, 'strategy', 'loss'], 'stands instead of `mode`: give one of them')
}

function senseOfMembers(said: Inherited, at: Place, report: Report): void {
  for (const kind of ['defaults', 'overrides'] as const) {
    const members = said[kind] ?? {}
    for (const [member, value] of Object.entries(members)) {
      const inner = isObject(value) ? Object.keys(textsOf({ [member]: value })) : []
      const fault = [member, ...inner].map(memberFault).find((one) => one !== null)
      if (fault !== undefined) report([...at, kind, member], fault)
    }
    const paths = Object.keys(members)
    const inside = paths.find((path) => paths.some((other) => other !== path && overlaps(path, other) && path.length > other.length))
    if (inside !== undefined) report([...at, kind, inside], 'is inside another one that is set here too')
  }
  said.drop?.forEach((member, index) => {
    const fault = memberFault(member)
    if (fault !== null) report([...at, 'drop', index], fault)
    const set = [...Object.keys(said.defaults ?? {}), ...Object.keys(said.overrides ?? {})]
    if (set.some((other) => overlaps(member, other))) report([...at, 'drop', index], 'is set here too')
  })
}

function checkWhen(when: string | undefined, at: Place, checkCondition: CheckCondition, report: Report): void {
  const fault = when === undefined ? null : checkCondition(when)
  if (fault !== null) report([...at, 'when'], fault)
}

function countStars(name: string): number {
  return name.split('*').length - 1
}

/** Names that stand for what `*` matched. */
function starPlaces(route: RouteSaid, at: Place): readonly { readonly place: Place; readonly name: string }[] {
  const found: { place: Place; name: string }[] = []
  const see = (place: Place, name: string | undefined): void => {
    if (name?.includes('*') === true) found.push({ place, name })
  }
  const walk = (target: TargetSaid, place: Place): void => {
    if (typeof target === 'string') see(place, target)
    else {
      see([...place, 'model'], target.model)
      target.targets?.forEach((inner, index) => walk(inner, [...place, 'targets', index]))
    }
  }
  route.targets.forEach((target, index) => walk(target, [...at, 'targets', index]))
  return found
}
