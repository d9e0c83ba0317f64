// Members of a request that the operator sets or takes out: which ones never, and the paths and texts that they become.

import type { Changes } from './contract.ts'

type Members = { readonly [member: string]: unknown }

/** Objects that hold settings of their own: each is set by itself, so that the client's others stay. Any other value is set whole. */
const HOLDERS: readonly string[] = ['generationConfig', 'inferenceConfig', 'options']

const NEVER: ReadonlyMap<string, string> = new Map([
  ...['messages', 'input', 'contents', 'prompt'].map((one) => [one, 'is what the client says'] as const),
  ...['stream', 'stream_options'].map((one) => [one, 'is how the client reads the answer'] as const),
  ['model', 'is set by the target: write it as its `model`'] as const,
  ...[
    'models',
    'route',
    'provider',
    'plugins',
    'preset',
    'fallbacks',
    'context_window_fallback_dict',
    'context_window_fallbacks',
    'content_policy_fallbacks',
    'max_fallbacks',
    'disable_fallbacks',
    'num_retries',
    'timeout',
    'session_id',
  ].map((one) => [one, 'is for the gateway itself and never sent: say it in the route'] as const),
  ...['api_key', 'apiKey', 'api_base', 'base_url', 'authorization', 'extra_headers', 'headers'].map(
    (one) => [one, 'is no member of a request; secrets never stand here: name an account by `credential`'] as const,
  ),
])

/** Why a member cannot be set or dropped; `null`: it can. */
export function memberFault(path: string): string | null {
  const [first, ...rest] = path.split('.')
  if (path.split('.').includes('__proto__')) return 'is no name of a member'
  return rest.length > 0 && first !== undefined && HOLDERS.includes(first) ? null : (NEVER.get(first ?? '') ?? null)
}

/** Raw JSON texts by member path. */
export function textsOf(members: Members): { readonly [path: string]: string } {
  return Object.fromEntries(
    Object.entries(members).flatMap(([path, value]) => {
      if (!HOLDERS.includes(path) || !isObject(value)) return [[path, JSON.stringify(value)] as const]
      // A name with a dot in it cannot be a step of a path.
      if (Object.keys(value).some((name) => name === '' || name.includes('.'))) return [[path, JSON.stringify(value)] as const]
      return Object.entries(value).map(([name, inner]) => [`${path}.${name}`, JSON.stringify(inner)] as const)
    }),
  )
}

type Said = {
  readonly defaults?: Members | undefined
  readonly overrides?: Members | undefined
  readonly drop?: readonly string[] | undefined
}

/** What is inside comes over what is around it, path by path. */
export function changesOf(around: Changes, said: Said): Changes {
  if (said.defaults === undefined && said.overrides === undefined && said.drop === undefined) return around
  const own = { defaults: textsOf(said.defaults ?? {}), overrides: textsOf(said.overrides ?? {}), drop: said.drop ?? [] }
  const defaults = { ...without(around.defaults, [...Object.keys(own.defaults), ...own.drop]), ...own.defaults }
  const overrides = { ...without(around.overrides, [...Object.keys(own.overrides), ...own.drop]), ...own.overrides }
  const set = [...Object.keys(own.defaults), ...Object.keys(own.overrides)]
  const drop = [...new Set([...(around.drop ?? []).filter((path) => !set.some((other) => overlaps(path, other))), ...own.drop])]
  return {
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
    ...(drop.length === 0 ? {} : { drop }),
  }
}

function without(texts: Changes['defaults'], paths: readonly string[]): { readonly [path: string]: string } {
  return Object.fromEntries(Object.entries(texts ?? {}).filter(([path]) => !paths.some((other) => overlaps(path, other))))
}

/** The same member, or one inside the other. */
export function overlaps(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`)
}

/** An object of JSON. */
export function isObject(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
