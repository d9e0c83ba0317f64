// OpenRouter's auto-router plugin in a request: which models its router may choose from, and how much their price counts. Source: its OpenAPI
// document, AutoRouterPlugin and AutoBetaRouterPlugin.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { COST_TIERS, type CostTier } from '../contract.ts'
import { expectList, expectObject, isList, malformed, memberOf, optionalFlag, unsupported, valueOf, type Members } from './expecting.ts'

/** What a request says to a router by its name. Patterns are of model names, with `*` for any characters. */
export type RouterWish = {
  /** `null`: all of its models. */
  readonly allowed: readonly string[] | null
  readonly excluded: readonly string[]
  readonly tier: CostTier | null
  /** 0 (quality alone) to 10 (cost alone). */
  readonly tradeoff: number | null
  /** The model of the newest answer in the conversation goes on. */
  readonly pins: boolean
}

const IDS: readonly JsonValue[] = ['auto-router', 'auto-beta-router']
const MOST_PLUGINS = 64
/** As OpenRouter has it: patterns, characters of one, characters of all. */
const MOST_PATTERNS = 1024
const LONGEST_PATTERN = 1024
const MOST_CHARACTERS = 65_536

/**
 * `null`: nothing was said, or it is switched off. Of several the last counts. Any other plugin that is on is refused, for nothing here runs it.
 * @throws GatewayError `request-malformed` with the member's path, `request-unsupported`
 */
export function readAutoRouter(members: Members): RouterWish | null {
  const said = valueOf(members, 'plugins')
  if (said === null) return null
  let wish: RouterWish | null = null
  expectList(said, 'plugins', MOST_PLUGINS).forEach((one, index) => {
    const at = `plugins[${index}]`
    const plugin = expectObject(one, at)
    const isOn = optionalFlag(memberOf(plugin, 'enabled'), `${at}.enabled`) !== false
    if (IDS.includes(memberOf(plugin, 'id'))) wish = isOn ? readWish(plugin, at) : wish
    else if (isOn) throw unsupported(at, 'leave the plugin out.')
  })
  return wish
}

/** Whether a list of plugins has this one in it, on or off. Never throws. */
export function namesAutoRouter(members: Members): boolean {
  if (members.member(['plugins']) === null) return false
  const said = valueOf(members, 'plugins')
  return isList(said) && said.some((one) => typeof one === 'object' && one !== null && !isList(one) && IDS.includes(memberOf(one, 'id')))
}

function readWish(plugin: JsonObject, at: string): RouterWish {
  return {
    allowed: patterns(memberOf(plugin, 'allowed_models'), `${at}.allowed_models`),
    excluded: patterns(memberOf(plugin, 'excluded_models'), `${at}.excluded_models`) ?? [],
    tier: tierOf(memberOf(plugin, 'cost_tier'), `${at}.cost_tier`),
    tradeoff: tradeoffOf(memberOf(plugin, 'cost_quality_tradeoff'), `${at}.cost_quality_tradeoff`),
    pins: optionalFlag(memberOf(plugin, 'pin_model'), `${at}.pin_model`) ?? false,
  }
}

/** An empty list says nothing. */
function patterns(value: JsonValue, at: string): readonly string[] | null {
  if (value === null) return null
  let characters = 0
  const list = expectList(value, at, MOST_PATTERNS).map((one, index) => {
    if (typeof one !== 'string' || one.trim() === '' || one.length > LONGEST_PATTERN)
      throw malformed(`${at}[${index}]`, `the name of a model, or a pattern, of at most ${LONGEST_PATTERN} characters`)
    characters += one.length
    return one.trim()
  })
  if (characters > MOST_CHARACTERS) throw malformed(at, `at most ${MOST_CHARACTERS} characters in all`)
  return list.length === 0 ? null : list
}

function tierOf(value: JsonValue, at: string): CostTier | null {
  if (value === null) return null
  const tier = COST_TIERS.find((one) => one === value)
  if (tier === undefined) throw malformed(at, `one of ${COST_TIERS.join(', ')}`)
  return tier
}

function tradeoffOf(value: JsonValue, at: string): number | null {
  if (value === null) return null
  if (typeof value !== 'number' || !(value >= 0 && value <= 10)) throw malformed(at, 'a number from 0 to 10')
  return value
}
