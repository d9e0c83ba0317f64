// Owns what a model costs by the operator's own prices and markups, which lie on top of the catalogue and its overlay.

import type { Price } from '../core/price.ts'
import type { ModelEntry } from './entry.ts'
import { standIn } from './names.ts'

/** Names are `provider/model`, or `provider/*` for whatever of the provider is not named. `version` counts up, and is in the rows that it priced. */
export type PriceBook = {
  readonly version: number
  readonly prices: ReadonlyMap<string, Price>
  /** Basis points. */
  readonly markups: ReadonlyMap<string, number>
}

/** The entry as the operator prices it: a model's own price before its provider's, and so with markups. `book: null`: there is none. */
export function priced(book: PriceBook | null, provider: string, model: string, entry: ModelEntry | null): ModelEntry | null {
  if (book === null) return entry
  const own = found(book.prices, provider, model)
  const markup = found(book.markups, provider, model) ?? 0
  const price = own ?? entry?.price ?? null
  if (price === null || (own === null && markup === 0)) return entry
  const version = nameOf(book.version)
  return {
    ...(entry ?? unlisted(provider, model)),
    price: markup === 0 ? price : { ...price, markups: [markup] },
    priceVersion: own !== null || entry === null ? version : `${entry.priceVersion}+${version}`,
  }
}

/** By its name, by the listed name that stands for it (a dated snapshot is its undated name), or by its provider's. */
function found<Value>(among: ReadonlyMap<string, Value>, provider: string, model: string): Value | null {
  const other = standIn(provider, model)
  return (
    among.get(`${provider}/${model}`) ??
    (other === null ? undefined : among.get(`${provider}/${other}`)) ??
    among.get(`${provider}/*`) ??
    null
  )
}

/** What rows say of prices of this version. */
export function nameOf(version: number): string {
  return `prices-${version}`
}

/** Nothing is known of it but its price. */
function unlisted(provider: string, model: string): ModelEntry {
  return { provider, model, mode: 'chat', contextTokens: null, maxOutputTokens: null, price: null, priceVersion: '', abilities: new Set() }
}
