// Observes what becomes of one feature: the body with it and the one without are translated, and texts and reports compared.

import { isDeepStrictEqual } from 'node:util'
import { Body } from '../../src/core/body.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { ClientDialect, Incoming, UpstreamDialect, Written } from '../../src/dialects/contract.ts'
import type { Place } from './place.ts'
import type { Feature, Probe } from './probe.ts'

/** `default`: nothing needs to be said, for the wish is that something stays away. `silent`: nothing was said and nothing reported; never allowed to stand. `in part`: some of it is said, some dropped. */
export type Outcome = 'kept' | 'mapped' | 'approximated' | 'in part' | 'dropped' | 'refused' | 'default' | 'silent'

export type Way = { readonly client: ClientDialect; readonly upstream: UpstreamDialect; readonly place: Place }

/** The one feature that some models have without a word: they do not think unless they are asked to. */
const ABSENCE: Feature = 'reasoning off'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function observe(way: Way, feature: Feature, probe: Probe): Outcome {
  const plain = translated(way, probe.without)
  if (plain === null) throw new Error(`${way.client.id} refuses a probe's body without its feature.`)
  const full = translated(way, probe.with)
  if (full === null) return 'refused'
  const fresh = (of: readonly string[], before: readonly string[]): boolean => of.some((name) => !before.includes(name))
  const change = added({ with: JSON.parse(full.text) as object, without: JSON.parse(plain.text) as object })
  // A list of one text where a text stood alone says nothing more.
  const saysMore = change.some((leaf) => !leaf.startsWith('type=') && !valuesOf(plain.text).has(leaf.slice(leaf.indexOf('=') + 1)))
  if (fresh(full.dropped, plain.dropped)) {
    if (!saysMore) return 'dropped'
    return fresh(full.approximated, plain.approximated) ? 'approximated' : 'in part'
  }
  if (fresh(full.approximated, plain.approximated)) return 'approximated'
  if (full.text === plain.text) return feature === ABSENCE ? 'default' : 'silent'
  return isDeepStrictEqual(added(probe), change) ? 'kept' : 'mapped'
}

/** `null`: refused with a 400. */
function translated({ client, upstream, place: { provider, voice, model } }: Way, body: object): Written | null {
  const incoming = incomingOf(client, JSON.stringify(body))
  try {
    const intent = client.intent(incoming)
    const written = upstream.write(client.read(incoming.body), intent, {
      model,
      maxOutputTokens: null,
      habits: voice.habits,
    })
    const sent = new Body(encoder.encode(written.text))
    const quirks = provider.quirks?.(voice.dialect, (path) => sent.member(path)) ?? []
    return { ...written, text: decoder.decode(Buffer.concat(sent.spliced(quirks))) }
  } catch (error) {
    if (error instanceof GatewayError && error.rule.status === 400) return null
    throw error
  }
}

function incomingOf(client: ClientDialect, text: string): Incoming {
  return {
    path: client.id === 'gemini' ? '/v1beta/models/place/model:generateContent' : (client.paths[0] ?? ''),
    query: new URLSearchParams(),
    headers: new Headers({ 'content-type': 'application/json' }),
    body: new Body(encoder.encode(text)),
    nowSeconds: 0,
  }
}

/** The members, each with its value, that one body has and the other has not: by name alone, for languages nest them differently. */
function added(probe: Probe): readonly string[] {
  const before = leaves(probe.without)
  const found: string[] = []
  for (const leaf of leaves(probe.with)) {
    const at = before.indexOf(leaf)
    if (at < 0) found.push(leaf)
    else before.splice(at, 1)
  }
  return found.toSorted((a, b) => (a < b ? -1 : 1))
}

/** Every value in a body, by its text. */
function valuesOf(text: string): ReadonlySet<string> {
  return new Set(leaves(JSON.parse(text)).map((leaf) => leaf.slice(leaf.indexOf('=') + 1)))
}

function leaves(value: unknown, name = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${name}=${JSON.stringify(value)}`]
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value)
  if (entries.length === 0) return [`${name}={}`]
  return entries.flatMap(([key, member]) => leaves(member, Array.isArray(value) ? name : key))
}
