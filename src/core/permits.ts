// What a key may use, and from where: the rules of its policy that need no counting.

import { isWithin, parseRange, type IpRange } from './cidr.ts'
import { matchesGlob } from './glob.ts'

/** `null`: everything. An empty list: nothing. */
export type Permits = {
  /** Globs over `provider/model`, and over `author/slug` where a model has one. */
  readonly models: readonly string[] | null
  /** Globs over ids of providers. */
  readonly providers: readonly string[] | null
  /** Globs over regions; a place whose region is not known is in none. */
  readonly regions: readonly string[] | null
  /** Ranges of client addresses; an address that is not known is in none. */
  readonly ips: readonly string[] | null
}

export const EVERYTHING: Permits = { models: null, providers: null, regions: null, ips: null }
export const PERMITS = ['models', 'providers', 'regions', 'ips'] as const

/** A target as these rules see it. */
export type Place = { readonly model: string; readonly slug?: string; readonly provider: string; readonly region: string | null }

/** The first rule that forbids the target; `null`: none does. */
export function forbiddenBy(permits: Permits, { model, slug, provider, region }: Place): 'models' | 'providers' | 'regions' | null {
  const allows = (globs: readonly string[] | null, text: string | null): boolean =>
    globs === null || (text !== null && globs.some((glob) => matchesGlob(glob, text)))
  if (!allows(permits.models, model) && !allows(permits.models, slug ?? null)) return 'models'
  if (!allows(permits.providers, provider)) return 'providers'
  return allows(permits.regions, region) ? null : 'regions'
}

/** May the key be used from this address? */
export function mayComeFrom({ ips }: Permits, clientIp: string | null): boolean {
  return ips === null || (clientIp !== null && isWithin(clientIp, rangesOf(ips)))
}

/** Parsed once for a policy, not for each request. */
const parsed = new WeakMap<readonly string[], readonly IpRange[]>()

function rangesOf(ips: readonly string[]): readonly IpRange[] {
  const known = parsed.get(ips)
  if (known !== undefined) return known
  const ranges = ips.map(parseRange).filter((range) => range !== null)
  parsed.set(ips, ranges)
  return ranges
}

/** Why no target is left, for the client: the rules that forbade them, by their names in the keys API. */
export function forbiddenText(permits: Permits, places: readonly Place[]): string {
  const rules = new Set(places.map((place) => forbiddenBy(permits, place)))
  const why: string[] = []
  if (rules.has('models')) why.push(`${othersThan(places) === 0 ? 'it is' : 'they are'} not among its \`models\``)
  if (rules.has('providers')) {
    const providers = named(
      places.filter((place) => forbiddenBy(permits, place) === 'providers'),
      ({ provider }) => provider,
    )
    why.push(`${providers} is not among its \`providers\``)
  }
  if (rules.has('regions')) {
    const regions = named(
      places.filter((place) => forbiddenBy(permits, place) === 'regions'),
      ({ region, provider }) => region ?? `${provider} (whose region is not known)`,
    )
    why.push(`${regions} is not among its \`regions\``)
  }
  const first = places[0]?.model ?? 'this model'
  const others = othersThan(places)
  return `This key may not use ${first}${others === 0 ? '' : `, nor the ${others} other model${others === 1 ? '' : 's'} that this could go to`}: ${why.join('; ')}.`
}

/** Models beside the first, wherever they are. */
function othersThan(places: readonly Place[]): number {
  return Math.max(0, new Set(places.map(({ model }) => model.slice(model.indexOf('/') + 1))).size - 1)
}

function named(places: readonly Place[], name: (place: Place) => string): string {
  return [...new Set(places.map(name))].join(', ')
}
