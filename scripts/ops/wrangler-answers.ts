// What wrangler's answers say. Their shapes are those of wrangler 4.156; whatever else it prints around them is skipped.

import type { Ran } from './wrangler.ts'

export type Account = { readonly id: string; readonly name: string }
export type Login = { readonly loggedIn: boolean; readonly email: string | null; readonly accounts: readonly Account[] }

/** `whoami --json`; `null`: it said nothing of that kind. */
export function readLogin(ran: Ran): Login | null {
  const said = jsonIn(ran.out)
  if (!isRecord(said) || typeof said['loggedIn'] !== 'boolean') return null
  return {
    loggedIn: said['loggedIn'],
    email: typeof said['email'] === 'string' ? said['email'] : null,
    accounts: records(said['accounts']).flatMap(({ id, name }) =>
      typeof id === 'string' ? [{ id, name: typeof name === 'string' ? name : id }] : [],
    ),
  }
}

/** `d1 list --json`: the id of the database of this name. */
export function databaseId(ran: Ran, name: string): string | null {
  const found = records(jsonIn(ran.out)).find((one) => one['name'] === name)?.['uuid']
  return typeof found === 'string' ? found : null
}

/** `kv namespace list`: the id of the namespace of this title. */
export function namespaceId(ran: Ran, title: string): string | null {
  const found = records(jsonIn(ran.out)).find((one) => one['title'] === title)?.['id']
  return typeof found === 'string' ? found : null
}

/** `secret list`: the names that the Worker has; `null`: there is no such Worker yet. @throws Error with wrangler's words for any other failure */
export function secretNames(ran: Ran): ReadonlySet<string> | null {
  if (ran.code === 0) return new Set(records(jsonIn(ran.out)).flatMap(({ name }) => (typeof name === 'string' ? [name] : [])))
  if (/Worker "[^"]*".* not found/.test(ran.out + ran.err)) return null
  throw new Error(`wrangler secret list failed: ${wordsOf(ran)}`)
}

/** `deploy`: where the Worker answers, its workers.dev address before others; `null`: it has none. */
export function deployedUrl(ran: Ran): string | null {
  const addresses = ran.out.split('\n').map((line) => line.trim())
  const dev = addresses.find((line) => /^https:\/\/\S+\.workers\.dev$/.test(line))
  if (dev !== undefined) return dev
  const domain = addresses.map((line) => /^(\S+) \(custom domain\b/.exec(line)?.[1]).find((name) => name !== undefined)
  return domain === undefined ? null : `https://${domain}`
}

const NOISE = /^(🪵|If you think this is a bug|Note that there is a newer version)/u

/** Its own words on a failure, without decoration. */
export function wordsOf(ran: Ran): string {
  // oxlint-disable-next-line no-control-regex -- colours are control characters
  const plain = (ran.err.trim() === '' ? ran.out : ran.err).replaceAll(/\u001B\[[0-9;]*m/g, '')
  const words = plain
    .split('\n')
    .map((line) => line.replace(/^[✘▲\s]*\[(ERROR|WARNING)\]\s*/, '').trim())
    .filter((line) => line !== '' && !NOISE.test(line))
    .join(' ')
  return words === '' ? `exit code ${ran.code}` : words.slice(0, 800)
}

/** The JSON that starts on a line of its own. */
function jsonIn(text: string): unknown {
  const start = /^[[{]/m.exec(text)
  if (start === null) return null
  const rest = text.slice(start.index).trimEnd()
  for (const end of [rest.length, rest.lastIndexOf('\n]') + 2, rest.lastIndexOf('\n}') + 2]) {
    try {
      return JSON.parse(rest.slice(0, end)) as unknown
    } catch {
      // Something follows it: try the next end.
    }
  }
  return null
}

type Fields = { readonly [name: string]: unknown }

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function records(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}
