// LiteLLM's config.yaml, read already, as a route document: a model group is a route, its deployments are targets.

import type { RouteDocument, RouteSaid, TargetObject, TargetSaid } from '../document-shape.ts'
import type { StrategyId } from '../contract.ts'
import { credentialName, list, loose, Notes, number, shortest, text, whole, type Imported, type Loose } from './imported.ts'

/** LiteLLM's name of a place, and ours where it is another. */
const PLACES: ReadonlyMap<string, string> = new Map([
  ['gemini', 'google'],
  ['vertex_ai', 'vertex'],
  ['vertex_ai_beta', 'vertex'],
  ['together_ai', 'together'],
  ['fireworks_ai', 'fireworks'],
  ['ollama_chat', 'ollama'],
  ['cohere_chat', 'cohere'],
  ['nvidia_nim', 'nvidia'],
  ['hosted_vllm', 'vllm'],
  ['lm_studio', 'lmstudio'],
  ['dashscope', 'alibaba'],
  ['jina_ai', 'jina'],
  ['bedrock_converse', 'bedrock'],
  ['text-completion-openai', 'openai'],
])

const STRATEGIES: ReadonlyMap<string, StrategyId> = new Map([
  ['simple-shuffle', 'weighted'],
  ['least-busy', 'least-busy'],
  ['latency-based-routing', 'fastest'],
  ['usage-based-routing', 'usage'],
  ['usage-based-routing-v2', 'usage'],
  ['cost-based-routing', 'cheapest'],
])

const BY_SETTING = 'is a setting of the place: see the README on <NAME>_BASE_URL and the place’s other settings'
const PRICED = 'is a price: PUT /api/v1/prices'
/** `null`: taken over above. */
const PARAMS: ReadonlyMap<string, string | null> = new Map<string, string | null>([
  ...[
    'model',
    'api_key',
    'custom_llm_provider',
    'rpm',
    'tpm',
    'weight',
    'order',
    'timeout',
    'stream_timeout',
    'additional_drop_params',
  ].map((one) => [one, null] as const),
  ...['api_base', 'base_url', 'api_version', 'organization', 'region_name', 'litellm_credential_name'].map(
    (one) => [one, BY_SETTING] as const,
  ),
  ...['input_cost_per_token', 'output_cost_per_token', 'input_cost_per_second', 'output_cost_per_second'].map(
    (one) => [one, PRICED] as const,
  ),
  ['drop_params', 'what a place cannot be told is always left out, and named in x-sluice-dropped'],
  ['max_parallel_requests', 'has no counterpart for a target: keys have parallel_requests'],
  ['max_retries', 'retries are said once for a route'],
  ['tags', 'has no counterpart: a `when` over `tags` can say it'],
  ['mock_response', 'has no counterpart'],
])
const ROUTER: ReadonlyMap<string, string | null> = new Map<string, string | null>([
  ...['routing_strategy', 'num_retries', 'timeout', 'stream_timeout', 'fallbacks', 'default_fallbacks', 'context_window_fallbacks', 'content_policy_fallbacks', 'model_group_alias'].map((one) => [one, null] as const), // prettier-ignore
  ...[
    'allowed_fails',
    'allowed_fails_policy',
    'cooldown_time',
    'disable_cooldowns',
    'retry_policy',
    'model_group_retry_policy',
    'retry_after',
  ].map((one) => [one, 'health and retries are Sluice’s own: whoever fails goes last and is tried again by one request'] as const),
  ['provider_budget_config', 'is a budget of a provider: PUT /api/v1/budgets/provider/{id}'],
  ['enable_pre_call_checks', 'is always done: who cannot do a request is not asked'],
  ...['redis_host', 'redis_port', 'redis_password', 'redis_url'].map((one) => [one, 'is not needed'] as const),
])
const OURSELVES: ReadonlyMap<string, string | null> = new Map<string, string | null>([
  ...['num_retries', 'request_timeout', 'fallbacks', 'default_fallbacks', 'context_window_fallbacks', 'content_policy_fallbacks', 'model_group_alias'].map((one) => [one, null] as const), // prettier-ignore
  ['drop_params', 'what a place cannot be told is always left out, and named in x-sluice-dropped'],
])

/** `config` as YAML reads it. Never throws: what is not understood is in the notes. */
export function importLitellm(config: unknown): Imported {
  const notes = new Notes()
  const said = loose(config)
  const router = loose(said['router_settings'])
  const ourselves = loose(said['litellm_settings'])
  const either = (member: string): unknown => router[member] ?? ourselves[member]
  const accounts = new Map<string, string>()
  const groups = new Map<string, Deployment[]>()
  list(said['model_list']).forEach((one, index) => {
    const path = `model_list[${index}]`
    const found = deployment(loose(one), path, accounts, notes)
    if (found === null) notes.add(path, 'has no model_name or no litellm_params.model')
    else groups.set(found.group, [...(groups.get(found.group) ?? []), found])
  })
  const strategy = strategyOf(router, notes)
  const shared = sharedOf(either)
  const routes = [...groups].map(([group, deployments]): RouteSaid => {
    const wild = group.includes('*')
    return {
      name: wild ? `litellm:${group.replaceAll('*', 'any')}` : group,
      ...(wild ? { match: group } : {}),
      ...(deployments.length > 1 ? { strategy } : {}),
      targets: targetsOf(strategy === 'weighted' ? weighed(deployments) : deployments, strategy),
      ...shared,
    }
  })
  const named = new Map(routes.map((route) => [text(route.match) ?? route.name, route]))
  const filled = fallbacksInto(named, either, notes)
  const aliases = aliasesOf(loose(either('model_group_alias')), notes)
  notes.rest(router, ROUTER, 'router_settings', 'has no counterpart')
  notes.rest(ourselves, OURSELVES, 'litellm_settings', 'has no counterpart in routes')
  for (const part of Object.keys(said))
    if (!['model_list', 'router_settings', 'litellm_settings'].includes(part)) notes.add(part, 'is no part of routing: see the README')
  const document: RouteDocument = { ...(Object.keys(aliases).length === 0 ? {} : { aliases }), routes: filled }
  return { document, notes: notes.all }
}

type Deployment = { readonly group: string; readonly order: number | null; readonly target: TargetObject }

function deployment(said: Loose, path: string, accounts: Map<string, string>, notes: Notes): Deployment | null {
  const params = loose(said['litellm_params'])
  const group = text(said['model_name'])
  const model = text(params['model'])
  if (group === null || model === null) return null
  const at = `${path}.litellm_params`
  const name = nameOf(model, text(params['custom_llm_provider']))
  const rpm = whole(params['rpm'] ?? said['rpm'])
  const tpm = whole(params['tpm'] ?? said['tpm'])
  const weight = number(params['weight'])
  const place = name.slice(0, name.indexOf('/')) || 'openai'
  const credential = credentialOf(text(params['api_key']), place, `${at}.api_key`, accounts, notes)
  const timeouts = timeoutsOf(params)
  const drop = list(params['additional_drop_params']).filter((one): one is string => typeof one === 'string' && /^[\w.$-]+$/.test(one))
  const extras = Object.fromEntries(
    Object.entries(params).filter(([member]) => !PARAMS.has(member) && !/^(aws|vertex|azure)_/.test(member)),
  )
  for (const member of Object.keys(params)) if (/^(aws|vertex|azure)_/.test(member)) notes.add(`${at}.${member}`, BY_SETTING)
  notes.rest(Object.fromEntries(Object.entries(params).filter(([member]) => PARAMS.has(member))), PARAMS, at, '')
  const defaults = notes.members(extras, at)
  return {
    group: notes.name(group, `${path}.model_name`),
    order: number(params['order']),
    target: {
      model: notes.name(name, `${at}.model`),
      ...(weight === null || weight <= 0 ? {} : { weight }),
      ...(credential === null ? {} : { credential }),
      ...(rpm === null ? {} : { rpm }),
      ...(tpm === null ? {} : { tpm }),
      ...(timeouts === null ? {} : { timeouts }),
      ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
      ...(drop.length === 0 ? {} : { drop }),
    },
  }
}

function nameOf(model: string, provider: string | null): string {
  const cut = model.indexOf('/')
  const place = provider ?? (cut < 0 ? null : model.slice(0, cut))
  if (place === null) return model
  const rest = cut >= 0 && model.slice(0, cut) === place ? model.slice(cut + 1) : model
  return `${PLACES.get(place) ?? place}/${rest}`
}

/** The first account of a place is its own; others are named after the variable that has their secret. */
function credentialOf(key: string | null, place: string, path: string, accounts: Map<string, string>, notes: Notes): string | null {
  if (key === null) return null
  const variable = /^os\.environ\/(\w+)$/.exec(key)?.[1]
  if (variable === undefined) {
    notes.add(path, `is a secret and not taken over: set it as a secret of the Worker`)
    return null
  }
  const first = accounts.get(place)
  const isOwn = /_API_KEY_\w+$/.test(variable) ? false : first === undefined || first === variable
  if (isOwn) {
    accounts.set(place, variable)
    return null
  }
  const name = credentialName(variable)
  notes.add(
    path,
    `is the account ${name} here: set the place’s secrets with _${name.toUpperCase()} behind their names, to what ${variable} has`,
  )
  return name
}

/** Seconds there. */
function timeoutsOf(said: Loose): { headers_ms?: number; first_content_ms?: number } | null {
  const headers = number(said['timeout'])
  const first = number(said['stream_timeout'])
  const found = {
    ...(headers === null || headers <= 0 ? {} : { headers_ms: milliseconds(headers) }),
    ...(first === null || first <= 0 ? {} : { first_content_ms: milliseconds(first) }),
  }
  return Object.keys(found).length === 0 ? null : found
}

function milliseconds(seconds: number): number {
  return Math.min(3_600_000, Math.max(1, Math.round(seconds * 1000)))
}

function strategyOf(router: Loose, notes: Notes): StrategyId {
  const said = text(router['routing_strategy']) ?? 'simple-shuffle'
  const known = STRATEGIES.get(said)
  if (known === undefined) notes.add('router_settings.routing_strategy', 'is not known: weighted is used')
  return known ?? 'weighted'
}

function sharedOf(either: (member: string) => unknown): Pick<RouteSaid, 'retries' | 'timeouts'> {
  const retries = number(either('num_retries'))
  const timeouts = timeoutsOf({ timeout: either('timeout') ?? either('request_timeout'), stream_timeout: either('stream_timeout') })
  return {
    ...(retries === null ? {} : { retries: Math.min(10, Math.max(0, Math.round(retries))) }),
    ...(timeouts === null ? {} : { timeouts }),
  }
}

/** Where no weights are said, the limits are: requests a minute, else tokens, where all have them. */
function weighed(deployments: readonly Deployment[]): readonly Deployment[] {
  const all = (limit: 'weight' | 'rpm' | 'tpm'): boolean => deployments.every(({ target }) => target[limit] !== undefined)
  if (deployments.length < 2 || deployments.some(({ target }) => target.weight !== undefined) || !(all('rpm') || all('tpm')))
    return deployments
  return deployments.map((one) => ({ ...one, target: { ...one.target, weight: all('rpm') ? one.target.rpm : one.target.tpm } }))
}

/** A lower `order` is asked first, and others only when all of that order are out. */
function targetsOf(deployments: readonly Deployment[], strategy: StrategyId): TargetSaid[] {
  const orders = [...new Set(deployments.map(({ order }) => order ?? Number.POSITIVE_INFINITY))].toSorted((a, b) => a - b)
  const [only] = orders
  if (orders.length < 2 || only === undefined) return deployments.map(({ target }) => shortest(target))
  return orders.map((order, priority): TargetSaid => {
    const same = deployments.filter((one) => (one.order ?? Number.POSITIVE_INFINITY) === order).map(({ target }) => target)
    const [first] = same
    return same.length === 1 && first !== undefined ? { ...first, priority } : { strategy, targets: same.map(shortest), priority }
  })
}

/** Routes whose groups have orders are groups of groups: by priority. */
function ordered(route: RouteSaid): RouteSaid {
  const has = route.targets.some((target) => typeof target === 'object' && target.priority !== undefined)
  return has ? { ...route, strategy: 'priority' } : route
}

function fallbacksInto(named: ReadonlyMap<string, RouteSaid>, either: (member: string) => unknown, notes: Notes): RouteSaid[] {
  const kinds = [
    ['fallbacks', 'fallbacks'],
    ['context_window_fallbacks', 'context_fallbacks'],
    ['content_policy_fallbacks', 'content_fallbacks'],
  ] as const
  const routes = new Map([...named].map(([name, route]) => [name, ordered(route)]))
  for (const [theirs, ours] of kinds)
    list(either(theirs)).forEach((entry, index) => {
      for (const [group, to] of Object.entries(loose(entry))) {
        const path = `${theirs}[${index}].${group}`
        const names = list(to).flatMap((one) => (typeof one === 'string' ? [notes.name(one, path)] : []))
        if (names.length < list(to).length) notes.add(path, 'has an entry with messages or settings of its own, which is left out')
        const route = routes.get(notes.name(group, path))
        if (group === '*') for (const [name, each] of routes) routes.set(name, { ...each, [ours]: each[ours] ?? names })
        else if (route === undefined) notes.add(path, 'is of a group that model_list does not have')
        else routes.set(notes.name(group, path), { ...route, [ours]: names })
      }
    })
  const everybody = list(either('default_fallbacks')).flatMap((one) =>
    typeof one === 'string' ? [notes.name(one, 'default_fallbacks')] : [],
  )
  return [...routes.values()].map((route) => {
    const others = everybody.filter((name) => name !== route.name)
    return route.fallbacks !== undefined || others.length === 0 ? route : { ...route, fallbacks: others }
  })
}

function aliasesOf(said: Loose, notes: Notes): Record<string, string> {
  const pairs = Object.entries(said).flatMap(([alias, to]) => {
    const path = `model_group_alias.${alias}`
    const name = text(to) ?? text(loose(to)['model'])
    if (name === null) notes.add(path, 'names no model')
    if (loose(to)['hidden'] === true) notes.add(path, 'is hidden there; here it is not listed anyway')
    return name === null || alias.includes('*') ? [] : [[notes.name(alias, path), notes.name(name, path)] as const]
  })
  return Object.fromEntries(pairs)
}
