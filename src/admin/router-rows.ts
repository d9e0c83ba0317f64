// Names of routers among the models that are listed: those that have somebody to choose from. Nobody knows their price before they have chosen.

import type { ModelEntry } from '../catalogue/entry.ts'
import { modelName } from '../gateway/planning/candidate.ts'
import type { Abilities } from '../ports.ts'
import { ROUTER_NAMES } from '../routing/choosing/router-names.ts'

export type ListedRouter = { readonly name: string; readonly entry: ModelEntry }

/** `usable`: the models that whoever asks may name. */
export function routersAmong(usable: readonly ModelEntry[], abilities: Abilities | null): readonly ListedRouter[] {
  if (abilities === null) return []
  const models = new Set(abilities.models)
  const chats = usable.filter(({ mode, price }) => mode === 'chat' && price !== null)
  const chosen = chats.filter((entry) => models.has(modelName({ provider: { id: entry.provider }, model: entry.model, entry })))
  const free = chats.filter(
    ({ openrouterId, price }) => openrouterId !== undefined && price !== null && price.input === 0 && price.output === 0,
  )
  return [...ROUTER_NAMES.values()].flatMap(({ name, title, pool }) => {
    const among = pool === 'free' ? free : chosen
    return among.length === 0 ? [] : [{ name, entry: entryOf(name, title, among) }]
  })
}

/** It takes what any of its models takes. */
function entryOf(name: string, title: string, among: readonly ModelEntry[]): ModelEntry {
  const slash = name.indexOf('/')
  return {
    provider: name.slice(0, slash),
    model: name.slice(slash + 1),
    name: title,
    mode: 'chat',
    contextTokens: most(among.map(({ contextTokens }) => contextTokens)),
    maxOutputTokens: most(among.map(({ maxOutputTokens }) => maxOutputTokens)),
    price: null,
    priceVersion: '',
    abilities: new Set(among.flatMap(({ abilities }) => [...abilities])),
  }
}

function most(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce((high, one) => (one === null || (high !== null && high >= one) ? high : one), null)
}
