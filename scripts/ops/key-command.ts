// The commands of `npm run key`: what each takes, what it asks of the keys API, and how it shows the answer.

import type { Control, KeyRow } from './control.ts'

export type KeyOptions = {
  readonly name?: string | undefined
  readonly limit?: string | undefined
  readonly reset?: string | undefined
  readonly expires?: string | undefined
  readonly models?: string | undefined
  readonly providers?: string | undefined
  readonly regions?: string | undefined
  readonly ips?: string | undefined
  readonly rpm?: string | undefined
  readonly rpd?: string | undefined
  readonly tpm?: string | undefined
  readonly tpd?: string | undefined
  readonly parallel?: string | undefined
  readonly mode?: string | undefined
  readonly 'on-disconnect'?: string | undefined
  readonly sluice?: string | undefined
  readonly hash?: string | undefined
  readonly grace?: string | undefined
  readonly json?: boolean | undefined
}

/** What was typed cannot be done; with the reason. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const COMMANDS = ['create', 'list', 'disable', 'enable', 'delete', 'rotate'] as const
export type Command = (typeof COMMANDS)[number]

export function isCommand(text: string | undefined): text is Command {
  return COMMANDS.some((command) => command === text)
}

/** Checks before anything is sent. @throws UsageError */
export function createBody(options: KeyOptions): object {
  const { name, limit, reset, expires } = options
  if (name === undefined || name === '') throw new UsageError('Give the key a name: --name "my app".')
  if (expires !== undefined && Number.isNaN(Date.parse(expires)))
    throw new UsageError('--expires takes a date such as 2027-01-31 or 2027-01-31T00:00:00Z.')
  const { mode } = options
  if (mode !== undefined && mode !== 'strict' && mode !== 'elastic') throw new UsageError('--mode takes strict or elastic.')
  const onDisconnect = options['on-disconnect']
  if (onDisconnect !== undefined && onDisconnect !== 'drain' && onDisconnect !== 'abort')
    throw new UsageError('--on-disconnect takes drain or abort.')
  const special = {
    ...membersOf(options.sluice),
    ...listsOf(options),
    ...ratesOf(options),
    ...(onDisconnect === undefined ? {} : { on_disconnect: onDisconnect }),
    ...(mode === undefined ? {} : { mode }),
  }
  if (reset !== undefined && limit === undefined) throw new UsageError('--reset says how often the limit begins anew: it needs --limit.')
  return {
    name,
    ...(limit === undefined ? {} : { limit: dollars(limit) }),
    ...(reset === undefined ? {} : { limit_reset: reset }),
    ...(expires === undefined ? {} : { expires_at: new Date(expires).toISOString() }),
    ...(Object.keys(special).length === 0 ? {} : { sluice: special }),
  }
}

/** Members of the keys API that have no option of their own, as JSON; the gateway says what is wrong with them. */
function membersOf(text: string | undefined): { readonly [name: string]: unknown } {
  if (text === undefined) return {}
  let members: unknown
  try {
    members = JSON.parse(text)
  } catch {
    members = null
  }
  if (typeof members !== 'object' || members === null || Array.isArray(members))
    throw new UsageError('--sluice takes a JSON object, such as \'{"team": "blue", "leased": true}\'.')
  return { ...members }
}

/** What each list takes. */
const LISTS = {
  models: 'names with *, such as openai/*,anthropic/claude-*',
  providers: 'ids with *, such as openai,azure',
  regions: 'names with *, such as eu-*,europe-*',
  ips: 'addresses and ranges, such as 203.0.113.7,10.0.0.0/8,2001:db8::/32',
} as const

function listsOf(options: KeyOptions): { readonly [member: string]: readonly string[] } {
  const lists: { [member: string]: readonly string[] } = {}
  for (const typed of ['models', 'providers', 'regions', 'ips'] as const) {
    const list = options[typed]?.split(',').map((one) => one.trim()).filter((one) => one !== '') // prettier-ignore
    if (list === undefined) continue
    if (list.length === 0) throw new UsageError(`--${typed} takes ${LISTS[typed]}.`)
    lists[typed] = list
  }
  return lists
}

/** What is typed → the member of the keys API. */
const RATES = {
  rpm: 'requests_per_minute',
  rpd: 'requests_per_day',
  tpm: 'tokens_per_minute',
  tpd: 'tokens_per_day',
  parallel: 'parallel_requests',
} as const

function ratesOf(options: KeyOptions): { readonly [member: string]: number } {
  const rates: { [member: string]: number } = {}
  for (const typed of ['rpm', 'rpd', 'tpm', 'tpd', 'parallel'] as const) {
    const text = options[typed]
    if (text === undefined) continue
    if (!/^[1-9]\d{0,11}$/.test(text)) throw new UsageError(`--${typed} takes a whole number from 1 up.`)
    rates[RATES[typed]] = Number(text)
  }
  return rates
}

/** Does it; gives what is to be printed. */
export async function runCommand(command: Command, options: KeyOptions, control: Control): Promise<string> {
  const { json } = options
  switch (command) {
    case 'create': {
      const { row, key } = await control.create(createBody(options))
      return json === true ? asJson({ ...row, key }) : newKey('Made', row, key, control.base)
    }
    case 'list': {
      const rows = await control.list()
      return json === true ? asJson(rows) : table(rows)
    }
    case 'disable':
    case 'enable': {
      const row = await control.change(await hashOf(options, control), { disabled: command === 'disable' })
      return json === true
        ? asJson(row)
        : `${row.name} (${row.label}) is ${row.disabled ? 'disabled: its next request is refused' : 'enabled'}.`
    }
    case 'delete': {
      const hash = await hashOf(options, control)
      await control.remove(hash)
      return json === true ? asJson({ hash, deleted: true }) : 'Deleted. Its next request is refused; what it spent stays on the books.'
    }
    case 'rotate': {
      const grace = Number(options.grace ?? 0)
      if (!Number.isSafeInteger(grace) || grace < 0) throw new UsageError('--grace takes whole seconds, such as 3600.')
      const { row, key } = await control.rotate(await hashOf(options, control), grace)
      const old = grace === 0 ? 'The old text works no more.' : `The old text works for ${grace} more seconds.`
      return json === true ? asJson({ ...row, key }) : `${newKey('Rotated', row, key, control.base)}\n${old} Budget and spend go on.`
    }
    default:
      return command satisfies never
  }
}

/** By hash, or the start of one, or by a name that only one key has. */
async function hashOf({ hash, name }: KeyOptions, control: Control): Promise<string> {
  if (hash !== undefined && /^[0-9a-f]{64}$/.test(hash)) return hash
  if (hash === undefined && name === undefined)
    throw new UsageError('Say which key: --hash (or its first characters), or --name. npm run key -- list shows them.')
  const rows = await control.list()
  const found = rows.filter((row) => (hash === undefined ? row.name === name : hash.length >= 6 && row.hash.startsWith(hash)))
  const what = hash === undefined ? `the name ${JSON.stringify(name)}` : `a hash that begins with ${hash}`
  if (found.length > 1)
    throw new UsageError(
      `${found.length} keys have ${what}. Use --hash: ${found.map((row) => `${row.hash.slice(0, 12)} (${row.name})`).join(', ')}.`,
    )
  const [only] = found
  if (only === undefined)
    throw new UsageError(`No key has ${what}.${hash !== undefined && hash.length < 6 ? ' At least six characters are needed.' : ''}`)
  return only.hash
}

function dollars(text: string): number {
  const value = Number(text.replace(/^\$/, ''))
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new UsageError('--limit takes US dollars, such as 10 or 0.50.')
  return value
}

function newKey(verb: string, row: KeyRow, key: string, base: string): string {
  return [
    `${verb}: ${row.name}${row.limit === null ? ' (no limit)' : ` (limit $${row.limit}${row.limit_reset === null ? '' : `, ${row.limit_reset}`})`}`,
    '',
    `  ${key}`,
    '',
    'Shown this once: only its hash is kept.',
    `hash  ${row.hash}`,
    `use   OPENAI_BASE_URL=${base}/v1 OPENAI_API_KEY=<the key>`,
  ].join('\n')
}

function table(rows: readonly KeyRow[]): string {
  if (rows.length === 0) return 'There are no keys. npm run key -- create --name "my app" --limit 10 makes one.'
  const lines = [
    ['HASH', 'NAME', 'KEY', 'STATE', 'SPENT', 'LIMIT', 'LEFT', 'EXPIRES'],
    ...rows.map((row) => [row.hash.slice(0, 12), row.name.slice(0, 40), row.label, row.disabled ? 'disabled' : 'enabled', money(row.usage), row.limit === null ? '–' : `${money(row.limit)}${row.limit_reset === null ? '' : ` ${row.limit_reset}`}`, row.limit_remaining === null ? '–' : money(row.limit_remaining), row.expires_at?.slice(0, 16) ?? '–']),
  ] // prettier-ignore
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n') // prettier-ignore
}

const money = (usd: number): string => `$${usd === 0 ? '0' : usd < 0.01 ? usd.toPrecision(2) : usd.toFixed(2)}`
const asJson = (value: object): string => JSON.stringify(value, null, 2)
