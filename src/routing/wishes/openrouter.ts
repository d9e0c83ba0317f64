// OpenRouter's words in a request: `models` and `provider`. Source: its OpenAPI document, ProviderPreferences. An unknown preference is ignored, a known one of a wrong type is a 400.

import { floorAt, readDecimal } from '../../catalogue/decimal.ts'
import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import type { Quantiles, Trouble } from '../contract.ts'
import { SORTS, type Fallback, type ProviderWish, type Sort } from '../wishes.ts'
import {
  expectList,
  expectName,
  expectNames,
  expectNumber,
  expectObject,
  isObject,
  malformed,
  memberOf,
  optionalFlag,
  valueOf,
  type Members,
} from './expecting.ts'

/** OpenRouter moves on for any error of the model before. */
const ANY: readonly Trouble[] = ['outage', 'context', 'content']

export const QUANTIZATIONS: readonly string[] = 'int4 int8 fp4 mxfp4 nvfp4 fp6 fp8 mxfp8 fp16 bf16 fp32 unknown'.split(' ')

/** The names in `models`, the request's own one not among them. `primary: null`: the first of them is the request's own. @throws GatewayError `request-malformed` */
export function readModels(members: Members, primary: string | null): readonly Fallback[] {
  const said = valueOf(members, 'models')
  if (said === null) return []
  const names = expectNames(said, 'models', 'the name of a model')
  const own = primary ?? names[0]
  return names.filter((name) => name !== own).map((model) => ({ model, on: ANY }))
}

/** `null`: nothing was said. @throws GatewayError `request-malformed` */
export function readProvider(members: Members): ProviderWish | null {
  const said = valueOf(members, 'provider')
  if (said === null) return null
  const provider = expectObject(said, 'provider')
  const of = (name: string): JsonValue => memberOf(provider, name)
  const flag = (name: string): boolean | null => optionalFlag(of(name), `provider.${name}`)
  return {
    order: slugs(of('order'), 'provider.order'),
    only: slugs(of('only'), 'provider.only'),
    ignore: slugs(of('ignore'), 'provider.ignore') ?? [],
    allowFallbacks: flag('allow_fallbacks') ?? true,
    requireParameters: flag('require_parameters') ?? false,
    denyCollection: collection(of('data_collection')) === 'deny',
    zdr: flag('zdr') ?? false,
    distillable: flag('enforce_distillable_text') ?? false,
    quantizations: quantizations(of('quantizations')),
    ...sorting(of('sort')),
    maxPrice: maxPrice(of('max_price')),
    maxLatencyMs: quantiles(of('preferred_max_latency'), 'provider.preferred_max_latency', 1000),
    minThroughput: quantiles(of('preferred_min_throughput'), 'provider.preferred_min_throughput', 1),
  }
}

/** An empty list says nothing, as it does there. */
function slugs(value: JsonValue, at: string): readonly string[] | null {
  if (value === null) return null
  const names = expectList(value, at).map((slug, i) => expectName(slug, `${at}[${i}]`, 'the slug of a provider').trim().toLowerCase())
  return names.length === 0 ? null : names
}

function collection(value: JsonValue): 'allow' | 'deny' {
  if (value === null || value === 'allow') return 'allow'
  if (value === 'deny') return 'deny'
  throw malformed('provider.data_collection', '"allow" or "deny"')
}

function quantizations(value: JsonValue): readonly string[] | null {
  const at = 'provider.quantizations'
  if (value === null) return null
  const names = expectNames(value, at, `one of ${QUANTIZATIONS.join(', ')}`).map((name) => name.toLowerCase())
  const strange = names.findIndex((name) => !QUANTIZATIONS.includes(name))
  if (strange >= 0) throw malformed(`${at}[${strange}]`, `one of ${QUANTIZATIONS.join(', ')}`)
  return names.length === 0 ? null : names
}

function sorting(value: JsonValue): Pick<ProviderWish, 'sort' | 'partition'> {
  const at = 'provider.sort'
  if (!isObject(value)) return { sort: sortNamed(value, at), partition: 'model' }
  const partition = memberOf(value, 'partition') ?? 'model'
  if (partition !== 'model' && partition !== 'none') throw malformed(`${at}.partition`, '"model" or "none"')
  return { sort: sortNamed(memberOf(value, 'by'), `${at}.by`), partition }
}

function sortNamed(value: JsonValue, at: string): Sort | null {
  if (value === null) return null
  const sort = SORTS.find((one) => one === value)
  if (sort === undefined) throw malformed(at, `one of ${SORTS.join(', ')}`)
  return sort
}

/** Places behind the point between the unit that is said (dollars a million tokens, dollars a piece) and pico-dollars. */
const PLACES = { prompt: 6, completion: 6, image: 12, audio: 12, request: 12 } as const

/** Rounded down to whole pico-dollars: prices are whole ones, so nothing dearer gets through. */
function maxPrice(value: JsonValue): ProviderWish['maxPrice'] {
  if (value === null) return {}
  const said = expectObject(value, 'provider.max_price')
  const limits: { prompt?: number; completion?: number; image?: number; audio?: number; request?: number } = {}
  for (const name of ['prompt', 'completion', 'image', 'audio', 'request'] as const) {
    const limit = memberOf(said, name)
    if (limit === null) continue
    const at = `provider.max_price.${name}`
    const decimal = typeof limit === 'number' || typeof limit === 'string' ? readDecimal(String(limit).trim()) : null
    if (decimal === null) throw malformed(at, 'a number of US dollars from 0 up')
    limits[name] = floorAt(decimal, PLACES[name])
  }
  return limits
}

/** A plain number is the median. */
function quantiles(value: JsonValue, at: string, scale: number): Partial<Quantiles> | null {
  if (value === null) return null
  if (!isObject(value)) return { p50: expectNumber(value, at, 'a number from 0 up, or an object of p50, p75, p90, p99') * scale }
  const limits = (['p50', 'p75', 'p90', 'p99'] as const).flatMap((name) => percentile(value, name, at, scale))
  return limits.length === 0 ? null : Object.fromEntries(limits)
}

function percentile(said: JsonObject, name: keyof Quantiles, at: string, scale: number): readonly (readonly [string, number])[] {
  const limit = memberOf(said, name)
  return limit === null ? [] : [[name, expectNumber(limit, `${at}.${name}`) * scale]]
}
