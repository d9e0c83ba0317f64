// A Portkey config object as one route. What its targets inherit is inherited here too.

import type { Inherited, RouteDocument, RouteSaid, TargetObject, TargetSaid } from '../document-shape.ts'
import type { CheckCondition } from '../document-sense.ts'
import { credentialName, list, loose, Notes, number, shortest, text, type Imported, type Loose } from './imported.ts'
import { portkeyCondition } from './portkey-query.ts'

const PLACES: ReadonlyMap<string, string> = new Map([
  ['azure-openai', 'azure'],
  ['mistral-ai', 'mistral'],
  ['together-ai', 'together'],
  ['fireworks-ai', 'fireworks'],
  ['perplexity-ai', 'perplexity'],
  ['vertex-ai', 'vertex'],
  ['x-ai', 'xai'],
  ['workers-ai', 'cloudflare'],
])

const HOOKS = 'has no counterpart: what a request says is not looked at'
const MEMBERS: ReadonlyMap<string, string | null> = new Map<string, string | null>([
  ...['strategy', 'targets', 'name', 'provider', 'virtual_key', 'api_key', 'weight', 'override_params', 'default_params', 'drop_params', 'request_timeout', 'retry'].map((one) => [one, null] as const), // prettier-ignore
  ...['input_guardrails', 'output_guardrails', 'before_request_hooks', 'after_request_hooks'].map((one) => [one, HOOKS] as const),
  ['cache', 'answers are not cached by routes'],
  ['custom_host', 'is a setting of the place: <NAME>_BASE_URL'],
  ['forward_headers', 'has no counterpart: headers go out by a fixed list'],
])

/** `name`: what clients will ask for; `checkCondition` as for the document. Never throws: what is not understood is in the notes. */
export function importPortkey(config: unknown, name: string, checkCondition: CheckCondition): Imported {
  const notes = new Notes()
  const said = loose(config)
  const top = targetOf(said, '', notes, checkCondition)
  const group = typeof top === 'object' && top.targets !== undefined ? top : null
  const targets = group?.targets ?? [top]
  const attempts = number(loose(said['retry'])['attempts'])
  const hasStar = JSON.stringify(targets).includes('*')
  if (hasStar) notes.add('', `has targets without a model: the route answers ${name}/…, and sends what stands behind it`)
  const route: RouteSaid = {
    name,
    ...(hasStar ? { match: `${name}/*` } : {}),
    ...(group?.strategy === undefined ? {} : { strategy: group.strategy }),
    ...(group?.single === undefined ? {} : { single: group.single }),
    targets,
    ...(group === null ? {} : inheritedOf(group)),
    ...(attempts === null ? {} : { retries: Math.min(10, Math.max(0, Math.round(attempts))) }),
  }
  const document: RouteDocument = { routes: [route] }
  return { document, notes: notes.all }
}

function inheritedOf({ credential, timeouts, defaults, overrides, drop }: TargetObject): Inherited {
  return {
    ...(credential === undefined ? {} : { credential }),
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(defaults === undefined ? {} : { defaults }),
    ...(overrides === undefined ? {} : { overrides }),
    ...(drop === undefined ? {} : { drop }),
  }
}

function targetOf(said: Loose, path: string, notes: Notes, checkCondition: CheckCondition): TargetSaid {
  const at = (member: string): string => (path === '' ? member : `${path}.${member}`)
  const { model, ...overrides } = notes.members(loose(said['override_params']), at('override_params'), ['model'])
  const defaults = notes.members(loose(said['default_params']), at('default_params'))
  const drop = list(said['drop_params']).filter((one): one is string => typeof one === 'string')
  const timeoutMs = number(said['request_timeout'])
  const weight = number(said['weight'])
  const credential = credentialOf(said, path, notes)
  notes.rest(said, MEMBERS, path, 'is not known')
  if (path !== '' && said['retry'] !== undefined) notes.add(at('retry'), 'retries are said once for a route')
  if (loose(said['retry'])['on_status_codes'] !== undefined)
    notes.add('retry.on_status_codes', 'what is worth another call is Sluice’s own')
  const own: TargetObject = {
    ...(weight !== null && weight > 0 ? { weight } : {}),
    ...(credential === null ? {} : { credential }),
    ...(timeoutMs === null || timeoutMs < 1 ? {} : { timeouts: { headers_ms: Math.min(3_600_000, Math.round(timeoutMs)) } }),
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
    ...(drop.length === 0 ? {} : { drop }),
  }
  const inner = list(said['targets']).map((one, index) => targetOf(loose(one), at(`targets[${index}]`), notes, checkCondition))
  if (inner.length > 0) return { ...groupOf(said, inner, path, notes, checkCondition), ...own }
  const place = placeOf(text(said['provider']))
  const wanted = text(model)
  if (place === null && wanted === null) notes.add(path, 'names neither a provider nor a model: the model asked for goes to its own place')
  return shortest({ model: place === null ? (wanted ?? '*') : `${place}/${wanted ?? '*'}`, ...own })
}

function groupOf(said: Loose, targets: readonly TargetSaid[], path: string, notes: Notes, checkCondition: CheckCondition): TargetObject {
  const at = (member: string): string => `${path === '' ? '' : `${path}.`}strategy.${member}`
  const strategy = loose(said['strategy'])
  const mode = text(strategy['mode']) ?? (targets.length > 1 ? 'fallback' : 'single')
  if (strategy['cb_config'] !== undefined)
    notes.add(at('cb_config'), 'who fails goes last and is tried again by one request: that is Sluice’s own')
  const statuses = list(strategy['on_status_codes']).filter(
    (one): one is number => number(one) !== null && Number(one) >= 300 && Number(one) <= 599,
  )
  switch (mode) {
    case 'loadbalance': {
      const sticky = loose(strategy['sticky'])
      if (sticky['enabled'] === true) notes.add(at('sticky'), 'requests of one conversation stay together, whatever its fields are')
      return { strategy: sticky['enabled'] === true ? { name: 'split', by: 'session' } : 'weighted', targets: [...targets] }
    }
    case 'fallback':
      if (statuses.length === 0) notes.add(at('mode'), 'a fault of the client’s own (400, 422) asks nobody else here')
      return {
        strategy: 'priority',
        targets: targets.map((one, index) => (index === 0 || statuses.length === 0 ? one : but(one, { on_status: statuses }))),
      }
    case 'conditional':
      return conditional(said, targets, at, notes, checkCondition)
    case 'single':
      return { single: true, targets: targets.slice(0, 1) }
    default:
      notes.add(at('mode'), 'is not known: the targets are asked in order')
      return { strategy: 'priority', targets: [...targets] }
  }
}

/** The first condition that holds chooses, else the default: only that one is asked. */
function conditional(
  said: Loose,
  targets: readonly TargetSaid[],
  at: (member: string) => string,
  notes: Notes,
  checkCondition: CheckCondition,
): TargetObject {
  const strategy = loose(said['strategy'])
  const byName = new Map(
    list(said['targets']).flatMap((one, index) => {
      const name = text(loose(one)['name'])
      const target = targets[index]
      return name === null || target === undefined ? [] : [[name, target] as const]
    }),
  )
  const chosen = list(strategy['conditions']).flatMap((one, index): readonly TargetSaid[] => {
    const { query, then } = loose(one)
    const target = byName.get(text(then) ?? '')
    const when = portkeyCondition(query)
    const fault = when === null ? 'cannot be said as a condition' : checkCondition(when)
    if (target === undefined) notes.add(at(`conditions[${index}].then`), 'names no target')
    if (fault !== null) notes.add(at(`conditions[${index}].query`), fault)
    return target === undefined || when === null || fault !== null ? [] : [but(target, { when })]
  })
  const otherwise = byName.get(text(strategy['default']) ?? '')
  const all = [...chosen, ...(otherwise === undefined ? [] : [otherwise])]
  if (all.length === 0) notes.add(at('conditions'), 'lead nowhere: the first target is used')
  return { strategy: 'priority', single: true, targets: all.length === 0 ? targets.slice(0, 1) : all }
}

function but(target: TargetSaid, more: Partial<TargetObject>): TargetObject {
  return { ...(typeof target === 'string' ? { model: target } : target), ...more }
}

/** `@openai-prod` is an account of Portkey's own catalogue; its place cannot be seen in it for sure. */
function placeOf(provider: string | null): string | null {
  if (provider === null || provider.startsWith('@')) return null
  return PLACES.get(provider) ?? provider
}

function credentialOf(said: Loose, path: string, notes: Notes): string | null {
  const provider = text(said['provider'])
  const at = (member: string): string => (path === '' ? member : `${path}.${member}`)
  if (text(said['api_key']) !== null) notes.add(at('api_key'), 'is a secret and not taken over: set it as a secret of the Worker')
  if (provider?.startsWith('@') === true) {
    notes.add(at('provider'), 'is an account there: write its provider in front of the model, and set the account’s secrets')
    return credentialName(provider.slice(1))
  }
  const key = text(said['virtual_key'])
  if (key === null) return null
  const name = credentialName(key)
  notes.add(at('virtual_key'), `is the account ${name} here: set the place’s secrets with _${name.toUpperCase()} behind their names`)
  return name
}
