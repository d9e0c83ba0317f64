// Owns the reading of the generated data: rows become entries when somebody asks. Nothing is parsed before the first look-up, and then one provider at a time.

import type { Price, Rates, TieredRates } from '../core/price.ts'
import { PRICES, ROWS, SOURCES, VERSION } from './data/models.ts'
import { ABILITIES, MODES, type Ability, type Mode, type ModelEntry } from './entry.ts'

/** Version of the generated data: the newest source's date and a hash of the data. */
export const PRICE_VERSION: string = VERSION

/** Model, mode, context, most output, price (-1: unknown), abilities as bits, released and deprecated as YYYYMMDD, OpenRouter's id, name. 0 is "not said". */
export type Row = readonly [
  model: string,
  mode: number,
  context: number,
  maxOutput: number,
  price: number,
  abilities: number,
  released?: number,
  deprecated?: number,
  openrouterId?: string | 0,
  name?: string | 0,
]
/** Input, output, cache read, cache write of 5 minutes, of 1 hour, audio in, audio out, image out, image in; 0 counts as zero, `null` as not said. */
export type RateRow = readonly (number | null)[]
/** The order of the pieces in a price row. */
export const UNITS = ['images', 'audioMs', 'characters', 'searches'] as const
/** Rates and tiers of a service tier that is not the standard one. */
export type ServiceRow = readonly [rates: RateRow, tiers?: readonly (readonly [number, RateRow])[]]
/** Rates, source, tiers (each the bound and its rates), nano-dollars a request, a tool call (`null`: not said), pico-dollars a piece, a picture by kind, service tiers by name. */
export type PriceRow = readonly [
  rates: RateRow,
  source: number,
  tiers?: readonly (readonly [number, RateRow])[],
  request?: number,
  toolCall?: number | null,
  perUnit?: readonly number[] | null,
  pictures?: { readonly [kind: string]: number } | null,
  services?: { readonly [service: string]: ServiceRow },
]

type Held = Map<string, Row | ModelEntry>

const texts: ReadonlyMap<string, string> = new Map(Object.entries(ROWS))
const held = new Map<string, Held>()
const abilitySets = new Map<number, ReadonlySet<Ability>>()
let prices: (PriceRow | Price)[] | undefined

/** The providers that the data covers, sorted. */
export function listedProviders(): Iterable<string> {
  return texts.keys()
}

/** The models of one provider, in the data's order. */
export function listedModels(provider: string): Iterable<string> {
  return rowsOf(provider)?.keys() ?? []
}

/** Whether the provider lists exactly this name. */
export function isListed(provider: string, model: string): boolean {
  return rowsOf(provider)?.has(model) ?? false
}

/** What the row says of OpenRouter's name for the model; makes no entry. */
export function openrouterIdOf(provider: string, model: string): string | undefined {
  const row = rowsOf(provider)?.get(model)
  if (!row) return undefined
  return 'length' in row ? row[8] || undefined : row.openrouterId
}

/** The row of exactly this name. */
export function listed(provider: string, model: string): ModelEntry | null {
  const rows = rowsOf(provider)
  const row = rows?.get(model)
  if (!rows || !row) return null
  if (!('length' in row)) return row
  const entry = entryOf(provider, row)
  rows.set(model, entry)
  return entry
}

function rowsOf(provider: string): Held | undefined {
  const known = held.get(provider)
  if (known) return known
  const text = texts.get(provider)
  if (text === undefined) return undefined
  // Our own generated text; test/unit/catalogue.test.ts reads every row of it.
  const rows: readonly Row[] = JSON.parse(text)
  const made: Held = new Map(rows.map((row) => [row[0], row]))
  held.set(provider, made)
  return made
}

// Members are set one by one here: spreads of conditional objects made listing all models three times as slow, on a plan with 10 ms.
type Open<T> = { -readonly [K in keyof T]: T[K] }

function entryOf(provider: string, row: Row): ModelEntry {
  const [model, mode, context, maxOutput, price, abilities, released, deprecated, openrouterId, name] = row
  const entry: Open<ModelEntry> = {
    provider,
    model,
    mode: MODES[mode] ?? 'chat',
    contextTokens: context || null,
    maxOutputTokens: maxOutput || null,
    price: price < 0 ? null : priceFor(MODES[mode], priceAt(price)),
    priceVersion: PRICE_VERSION,
    abilities: abilitiesOf(abilities),
  }
  if (name) entry.name = name
  if (released) entry.releasedOn = dateOf(released)
  if (deprecated) entry.deprecatedOn = dateOf(deprecated)
  if (openrouterId) entry.openrouterId = openrouterId
  return entry
}

/** What the sources call a request of a reranker is a search of it (up to 100 documents), of which a request can be several. */
function priceFor(mode: Mode | undefined, price: Price | null): Price | null {
  if (mode !== 'rerank' || price?.perRequestNanoUsd === undefined) return price
  const { perRequestNanoUsd, ...rest } = price
  return { ...rest, perUnit: { searches: perRequestNanoUsd * 1000 } }
}

function priceAt(index: number): Price | null {
  const known: (PriceRow | Price)[] = (prices ??= JSON.parse(PRICES))
  const row = known[index]
  if (!row || !('length' in row)) return row ?? null
  const [rates, source, tiers, request, toolCall, perUnit, pictures, services] = row
  const price: Open<Price> = { ...ratesOf(rates), source: SOURCES[source] ?? 'unknown' }
  if (tiers?.length) price.tiers = tiersOf(tiers)
  if (request) price.perRequestNanoUsd = request
  if (toolCall != null) price.perToolCallNanoUsd = toolCall
  if (perUnit) price.perUnit = Object.fromEntries(UNITS.flatMap((unit, at) => (perUnit[at] ? [[unit, perUnit[at]]] : [])))
  if (pictures) price.pictures = pictures
  if (services) price.services = Object.fromEntries(Object.entries(services).map(([name, of]) => [name, serviceOf(of)]))
  known[index] = price
  return price
}

function serviceOf([rates, tiers]: ServiceRow): TieredRates {
  return tiers?.length ? { ...ratesOf(rates), tiers: tiersOf(tiers) } : ratesOf(rates)
}

function tiersOf(tiers: readonly (readonly [number, RateRow])[]): NonNullable<TieredRates['tiers']> {
  return tiers.map(([aboveInputTokens, of]) => ({ aboveInputTokens, ...ratesOf(of) }))
}

function ratesOf(row: RateRow): Rates {
  const [input, output, cacheRead, cacheWrite5m, cacheWrite1h, inputAudio, outputAudio, outputImage, inputImage] = row
  const rates: Open<Rates> = { input: input ?? 0, output: output ?? 0 }
  if (cacheRead != null) rates.cacheRead = cacheRead
  if (cacheWrite5m != null) rates.cacheWrite5m = cacheWrite5m
  if (cacheWrite1h != null) rates.cacheWrite1h = cacheWrite1h
  if (inputAudio != null) rates.inputAudio = inputAudio
  if (outputAudio != null) rates.outputAudio = outputAudio
  if (outputImage != null) rates.outputImage = outputImage
  if (inputImage != null) rates.inputImage = inputImage
  return rates
}

function abilitiesOf(bits: number): ReadonlySet<Ability> {
  const known = abilitySets.get(bits)
  if (known) return known
  const made = new Set(ABILITIES.filter((_, index) => bits & (1 << index)))
  abilitySets.set(bits, made)
  return made
}

function dateOf(day: number): string {
  const text = String(day)
  return `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`
}
