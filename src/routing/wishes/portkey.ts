// Portkey's config in the header `x-portkey-config`: a tree of targets that stands for the model's name. Source: Portkey's documentation of configs.
// What would change whose account is used, where a request goes, or what happens to it besides, is refused by its name and never ignored.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { membersOf, scanJson, textOf } from '../../core/json-scan.ts'
import { PLAIN_USE, type Branch, type Changes, type Trouble, type Use } from '../contract.ts'
import { providerNamed } from '../slugs.ts'
import { expectList, expectName, expectNumber, expectObject, malformed, memberOf, unsupported } from './expecting.ts'
import { conditionsIn } from './portkey-query.ts'

const CONFIG = 'x-portkey-config'
const PROVIDER = 'x-portkey-provider'
const DEEPEST = 6
const MOST_TARGETS = 64
const MOST_ATTEMPTS = 5
/** Its own default, which is also what is tried again here. */
const TRIED_AGAIN: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])
/** A client's own mistake (400, 422) asks nobody else, though Portkey's default is any status that is no success: it would cost every target a call to hear the same. */
const ANY: readonly Trouble[] = ['outage', 'context', 'content']
/** They say what a request is or who may serve it: decided before a target is chosen. */
const FIXED: ReadonlySet<string> = new Set(
  'stream messages input contents models provider route fallbacks num_retries timeout session_id disable_fallbacks plugins'.split(' '),
)

export type Portkey = { readonly tree: Branch | null; readonly retries: number | null }

/** What a target has of its own and of those above it. */
type Inherited = {
  readonly provider: string | null
  readonly changes: Required<Changes>
  readonly retries: number | null
  readonly headersMs: number | null
}

/**
 * `primary`: the model that the body names, which a target has unless it says another. `request_timeout` bounds one call until its answer begins, as it does there.
 * @throws GatewayError `request-malformed`, `request-unsupported`
 */
export function readPortkey(headers: Headers, primary: string | null): Portkey {
  const config = headers.get(CONFIG)
  const said = headers.get(PROVIDER)
  const provider = said === null ? null : slugOf(said, PROVIDER)
  if (config === null)
    return { tree: provider === null || primary === null ? null : leaf(nameOf(provider, primary), PLAIN_USE), retries: null }
  const reading = new Reading(primary)
  const root: Inherited = { provider, changes: { defaults: {}, overrides: {}, drop: [] }, retries: null, headersMs: null }
  const tree = reading.branch(...parsed(config), CONFIG, root, PLAIN_USE, 0)
  return { tree, retries: reading.retries() }
}

/** The object and its text: what becomes part of a body is taken from the text, so that 1.0 stays 1.0. */
function parsed(config: string): readonly [JsonObject, string] {
  const text = config.trim()
  if (!text.startsWith('{'))
    throw new GatewayError(
      'request-malformed',
      `The header ${CONFIG} must be a config as JSON. Configs that are saved under an id are the route table here: name its route or alias as the model.`,
      { at: CONFIG },
    )
  try {
    scanJson(new TextEncoder().encode(text))
    return [JSON.parse(text) as JsonObject, text]
  } catch (cause) {
    throw new GatewayError('request-malformed', `The header ${CONFIG} is not valid JSON.`, { at: CONFIG, cause })
  }
}

const KNOWN: ReadonlySet<string> = new Set(
  'strategy targets name provider weight override_params default_params drop_params request_timeout retry strict_open_ai_compliance'.split(
    ' ',
  ),
)

/** Why a member is refused, where more can be said than that it is not known. */
const WHY: ReadonlyMap<string, string> = new Map([
  ['api_key', 'credentials are the gateway’s own; leave it out.'],
  ['virtual_key', 'credentials are the gateway’s own; name the provider.'],
  ['custom_host', 'a host that a request names is never called.'],
  ['forward_headers', 'a request does not choose what is told to a provider.'],
  ['cache', 'no answer is kept; leave it out.'],
])

class Reading {
  readonly #primary: string | null
  readonly #attempts = new Set<number | null>()
  #targets = 0

  constructor(primary: string | null) {
    this.#primary = primary
  }

  branch(config: JsonObject, text: string, at: string, above: Inherited, use: Use, depth: number): Branch {
    if (depth > DEEPEST) throw malformed(at, `nested at most ${DEEPEST} deep`)
    for (const name of Object.keys(config))
      if (!KNOWN.has(name)) throw unsupported(`${at}.${name.slice(0, 64)}`, WHY.get(name) ?? 'leave it out.')
    const own = inherit(config, text, at, above)
    const targets = memberOf(config, 'targets')
    const strategy = memberOf(config, 'strategy')
    if (targets === null && strategy === null) return this.#leaf(at, own, use)
    const list = expectList(targets, `${at}.targets`, MOST_TARGETS)
    if (list.length === 0) throw malformed(`${at}.targets`, 'an array with a target in it')
    const texts = itemTexts(memberText(text, 'targets') ?? '[]')
    const unread = new Set<Child>()
    const children = list.map((target, i): Child => {
      const place = `${at}.targets[${i}]`
      if (++this.#targets > MOST_TARGETS) throw malformed(at, `a config of at most ${MOST_TARGETS} targets`)
      const object = expectObject(target, place)
      const child: Child = {
        name: memberOf(object, 'name'),
        weight: weightOf(object, place),
        read: (how) => {
          unread.delete(child)
          return this.branch(object, texts[i] ?? '{}', place, own, { ...PLAIN_USE, ...how }, depth + 1)
        },
      }
      unread.add(child)
      return child
    })
    const made = group(strategy === null ? {} : expectObject(strategy, `${at}.strategy`), `${at}.strategy`, children, use)
    for (const child of unread) child.read({}) // one that is never asked must be in order too
    return made
  }

  #leaf(at: string, own: Inherited, use: Use): Branch {
    this.#attempts.add(own.retries)
    const { model: over, ...overrides } = own.changes.overrides
    const { model: otherwise, ...defaults } = own.changes.defaults
    const model = modelIn(over, `${at}.override_params.model`) ?? this.#primary ?? modelIn(otherwise, `${at}.default_params.model`)
    if (model === null) throw malformed(at, 'a target whose model is said in the request or in override_params')
    const { drop } = own.changes
    if (drop.includes('model')) throw unsupported(`${at}.drop_params`, 'a request has a model.')
    return leaf(own.provider === null ? withoutMark(model) : nameOf(own.provider, model), {
      ...use,
      ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
      ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
      ...(drop.length === 0 ? {} : { drop }),
      ...(own.headersMs === null ? {} : { timeouts: { headersMs: own.headersMs } }),
    })
  }

  /** One number for the whole request. @throws GatewayError `request-unsupported` where targets say different ones */
  retries(): number | null {
    const [first = null, ...others] = this.#attempts
    if (others.length > 0) throw unsupported(`${CONFIG}.retry`, 'say it once for the whole config, not for some of its targets.')
    return first
  }
}

type Child = { readonly name: JsonValue; readonly weight: number; read(how: Partial<Use>): Branch }

function group(strategy: JsonObject, at: string, children: readonly Child[], use: Use): Branch {
  const known = new Set(['mode', 'on_status_codes', 'conditions', 'default'])
  for (const name of Object.keys(strategy))
    if (!known.has(name))
      throw unsupported(
        `${at}.${name.slice(0, 64)}`,
        name === 'cb_config'
          ? 'places that are ill are left alone anyway.'
          : name === 'sticky'
            ? 'a route of the route table can do it.'
            : 'leave it out.',
      )
  const mode = memberOf(strategy, 'mode') ?? 'single'
  const settings = {}
  switch (mode) {
    case 'single':
      return { kind: 'group', strategy: 'priority', settings, single: true, use, branches: [first(children).read({})] }
    case 'loadbalance': {
      const used = children.filter(({ weight }) => weight > 0)
      if (used.length === 0) throw malformed(at, 'a loadbalance with a weight above 0')
      return {
        kind: 'group',
        strategy: 'weighted',
        settings,
        single: true,
        use,
        branches: used.map((child) => child.read({ weight: child.weight })),
      }
    }
    case 'fallback': {
      const statuses = statusesIn(memberOf(strategy, 'on_status_codes'), `${at}.on_status_codes`)
      const after = statuses === null ? { on: ANY } : { onStatus: statuses }
      return {
        kind: 'group',
        strategy: 'priority',
        settings,
        use,
        branches: children.map((child, i) => child.read({ priority: i, ...(i === 0 ? {} : after) })),
      }
    }
    case 'conditional': {
      const named = (name: JsonValue, place: string): Child => {
        const child = typeof name === 'string' ? children.find((one) => one.name === name) : undefined
        if (child === undefined) throw malformed(place, 'the name of a target')
        return child
      }
      const conditions = conditionsIn(memberOf(strategy, 'conditions'), `${at}.conditions`)
      const otherwise = memberOf(strategy, 'default')
      const branches = conditions.map(({ when, name }, i) => named(name, `${at}.conditions[${i}].then`).read({ when, priority: i }))
      if (otherwise !== null) branches.push(named(otherwise, `${at}.default`).read({ priority: conditions.length }))
      if (branches.length === 0) throw malformed(at, 'conditions, or a default')
      return { kind: 'group', strategy: 'priority', settings, single: true, use, branches }
    }
    default:
      throw malformed(`${at}.mode`, 'one of single, loadbalance, fallback and conditional')
  }
}

function first(children: readonly Child[]): Child {
  const [child] = children
  if (child === undefined) throw malformed(`${CONFIG}.targets`, 'an array with a target in it')
  return child
}

function leaf(name: string, use: Use): Branch {
  return { kind: 'target', name, use }
}

/** Members of a target lie over those above it, parameter by parameter. */
function inherit(config: JsonObject, text: string, at: string, above: Inherited): Inherited {
  const provider = memberOf(config, 'provider')
  const timeout = memberOf(config, 'request_timeout')
  const drop = memberOf(config, 'drop_params')
  const strict = memberOf(config, 'strict_open_ai_compliance')
  if (strict !== null && typeof strict !== 'boolean') throw malformed(`${at}.strict_open_ai_compliance`, 'true or false')
  return {
    provider:
      provider === null
        ? above.provider
        : slugOf(expectName(provider, `${at}.provider`, 'a provider, or @ and its name'), `${at}.provider`),
    changes: {
      defaults: { ...above.changes.defaults, ...parameters(config, text, 'default_params', at) },
      overrides: { ...above.changes.overrides, ...parameters(config, text, 'override_params', at) },
      drop:
        drop === null
          ? above.changes.drop
          : [
              ...above.changes.drop,
              ...expectList(drop, `${at}.drop_params`).map((name, i) => parameterName(name, `${at}.drop_params[${i}]`)),
            ],
    },
    retries: attemptsIn(memberOf(config, 'retry'), `${at}.retry`) ?? above.retries,
    headersMs: timeout === null ? above.headersMs : wholeMs(timeout, `${at}.request_timeout`),
  }
}

/** Whole members by name; a path would be another thing to Portkey. */
function parameters(config: JsonObject, text: string, which: string, at: string): { readonly [member: string]: string } {
  const said = memberOf(config, which)
  if (said === null) return {}
  const place = `${at}.${which}`
  expectObject(said, place)
  const raw = memberText(text, which)
  return raw === null ? {} : Object.fromEntries(rawMembers(raw).map(([name, json]) => [parameterName(name, place), json]))
}

function parameterName(name: JsonValue, at: string): string {
  if (typeof name !== 'string' || name === '' || name.length > 64 || name.includes('.') || name === '__proto__')
    throw malformed(at, 'the name of a parameter, without a dot')
  if (FIXED.has(name)) throw unsupported(`${at}.${name}`, 'the request itself says it.')
  return name
}

function wholeMs(value: JsonValue, at: string): number {
  const must = 'a whole number of milliseconds above 0'
  const ms = expectNumber(value, at, must)
  if (!Number.isSafeInteger(ms) || ms === 0) throw malformed(at, must)
  return Math.min(ms, 86_400_000)
}

function weightOf(target: JsonObject, at: string): number {
  const weight = memberOf(target, 'weight')
  return weight === null ? 1 : expectNumber(weight, `${at}.weight`)
}

function statusesIn(value: JsonValue, at: string): readonly number[] | null {
  if (value === null) return null
  const statuses = expectList(value, at).map((status, i) => {
    if (typeof status !== 'number' || !Number.isInteger(status) || status < 400 || status > 599)
      throw malformed(`${at}[${i}]`, 'a status from 400 to 599')
    return status
  })
  return statuses.length === 0 ? null : statuses
}

function attemptsIn(value: JsonValue, at: string): number | null {
  if (value === null) return null
  const retry = expectObject(value, at)
  for (const name of Object.keys(retry))
    if (!['attempts', 'on_status_codes', 'use_retry_after_header', 'use_retry_after_headers'].includes(name))
      throw unsupported(`${at}.${name.slice(0, 64)}`, 'leave it out.')
  const statuses = statusesIn(memberOf(retry, 'on_status_codes'), `${at}.on_status_codes`)
  if (statuses !== null && (statuses.length !== TRIED_AGAIN.size || !statuses.every((status) => TRIED_AGAIN.has(status))))
    throw unsupported(`${at}.on_status_codes`, `what is tried again is ${[...TRIED_AGAIN].join(', ')}.`)
  const attempts = memberOf(retry, 'attempts')
  if (attempts === null) return null
  if (typeof attempts !== 'number' || !Number.isInteger(attempts) || attempts < 0 || attempts > MOST_ATTEMPTS)
    throw malformed(`${at}.attempts`, `a whole number up to ${MOST_ATTEMPTS}`)
  return attempts
}

/** `@slug` is an account's name for a provider there; here it is the provider. */
function slugOf(said: string, at: string): string {
  const name = withoutMark(said.trim())
  if (name === '' || name.length > 64 || name.includes('/')) throw malformed(at, 'a provider, or @ and its name')
  return providerNamed(name)
}

function withoutMark(name: string): string {
  return name.startsWith('@') ? name.slice(1) : name
}

function nameOf(provider: string, model: string): string {
  const name = withoutMark(model)
  return name.startsWith(`${provider}/`) ? name : `${provider}/${name}`
}

function modelIn(json: string | undefined, at: string): string | null {
  return json === undefined ? null : expectName(JSON.parse(json) as JsonValue, at, 'the name of a model')
}

function rawMembers(text: string): readonly (readonly [name: string, json: string])[] {
  const bytes = new TextEncoder().encode(text)
  const { list } = membersOf(bytes, bytes.indexOf(0x7b))
  return list.map(({ name, valueStart, valueEnd }) => [name, textOf(bytes, valueStart, valueEnd)])
}

function memberText(text: string, name: string): string | null {
  return rawMembers(text).find(([member]) => member === name)?.[1] ?? null
}

/** The texts of the items of a list that is known to be valid JSON. */
function itemTexts(list: string): readonly string[] {
  const items: string[] = []
  let depth = 0
  let from = 1
  let isText = false
  for (let i = 0; i < list.length; i++) {
    const c = list[i]
    if (isText) {
      if (c === '\\') i++
      else if (c === '"') isText = false
    } else if (c === '"') isText = true
    else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
    if (!isText && ((c === ',' && depth === 1) || depth === 0)) {
      items.push(list.slice(from, i).trim())
      from = i + 1
    }
  }
  return items
}
