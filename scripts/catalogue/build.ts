// Owns the settling of the sources into one list of models: which source each thing is from, and what is reported about it.

import { standIn } from '../../src/catalogue/names.ts'
import { compare } from './compare.ts'
import { genaiWitness } from './genai-prices.ts'
import { readLitellm } from './litellm.ts'
import { isZero, type Given, type Model } from './model.ts'
import { readModelsDev, type Described } from './models-dev.ts'
import { openrouterNamer, readOpenRouter } from './open-router.ts'
import { PLACES } from './places.ts'
import type { Sources } from './sources.ts'

export type Report = {
  /** One line each: model, kind, what each source says, what was taken. */
  readonly disagreements: string[]
  /** Models left without a price although a source has one, and why. */
  readonly unpriced: string[]
  /** Announced price changes: taken, or still to come. */
  readonly changes: string[]
}

export function build(sources: Sources): { readonly models: readonly Model[]; readonly report: Report } {
  const report: Report = { disagreements: [], unpriced: [], changes: [] }
  const described = readModelsDev(sources.modelsDev.document, sources.modelsDev.label)
  const genai = genaiWitness(sources.genai.document)
  const openrouterId = openrouterNamer(sources.openRouter.document)
  const models = new Map<string, Model>()
  const put = (model: Model) => models.set(`${model.provider}/${model.model}`, model)

  for (const model of readLitellm(sources.litellm.document, sources.litellm.label)) put(model)
  for (const model of readOpenRouter(sources.openRouter.document, sources.openRouter.label)) put(model)
  for (const [key, other] of described) {
    const { claims: _, ...model } = other
    if (other.provider !== 'openrouter' && !models.has(key)) put(model)
  }
  put(demo())

  const sorted = [...models.values()].toSorted((a, b) => order(a.provider, b.provider) || order(a.model, b.model))
  for (const model of sorted) {
    const key = `${model.provider}/${model.model}`
    const other = described.get(key)
    if (model.provider !== 'openrouter') {
      enrich(model, other ?? described.get(`${model.provider}/${standIn(model.provider, model.model) ?? ''}`), other !== undefined)
      const id = openrouterId(model.provider, model.model)
      if (id) model.openrouterId = id
    }
    settle(model, other, genai, sources, report)
    if (model.given?.rates.cacheRead !== undefined) model.abilities.add('prompt-cache')
    if (model.given?.perToolCallNanoUsd) model.abilities.add('web-search')
    // There it is the length of the vector.
    if (model.mode === 'embedding' || model.mode === 'rerank') model.maxOutput = null
  }
  return { models: sorted, report }
}

/** models.dev knows better what a model can do and when it came out; what it does not speak of stays. */
function enrich(model: Model, other: Described | undefined, same: boolean): void {
  if (!other) return
  for (const [ability, yes] of other.claims)
    if (yes) model.abilities.add(ability)
    else model.abilities.delete(ability)
  const context = Math.max(model.context ?? 0, other.context ?? 0)
  model.context = context || null
  model.maxOutput ??= other.maxOutput
  if (!same) return
  if (other.name) model.name ??= other.name
  if (other.released) model.released ??= other.released
  if (model.given === null && other.given !== null) {
    model.given = other.given
    model.source = other.source
  }
}

type GenaiWitness = ReturnType<ReturnType<typeof genaiWitness>>

/** Decides the price. The order matters: what cannot be said, then what has changed since, then whether a zero is believed. */
function settle(
  model: Model,
  other: Described | undefined,
  witnessOf: ReturnType<typeof genaiWitness>,
  sources: Sources,
  report: Report,
): void {
  const given = model.given
  if (!given) return
  const genai = witnessOf(model.provider, model.model)
  const key = `${model.provider}/${model.model}`
  const named = [
    [labelName(model.source), given],
    ['genai-prices', genai?.priceOn(sources.genai.date) ?? null],
    ...(other && other.source !== model.source ? ([['models.dev', other.given]] as const) : []),
  ] as const
  const leave = (why: string) => {
    model.given = null
    report.unpriced.push(`${key}: ${why}`)
  }
  if (given.unsayable) return leave(given.unsayable)
  const odd = oddity(model, given)
  if (odd) return leave(odd)
  const witnesses = named.slice(1).flatMap(([, price]) => (price ? [price] : []))
  const unconfirmed = isZero(given) && !believed(model, sources, witnesses)
  report.disagreements.push(...compare(key, named, unconfirmed))
  if (unconfirmed) return leave(`only ${labelName(model.source)} says that it costs nothing`)
  followChanges(model, given, genai ?? makersWitness(model, witnessOf), sources, report)
  const fee = genai?.priceOn(sources.asOf)?.perToolCallNanoUsd
  if (fee !== undefined && model.given && model.given.perToolCallNanoUsd === undefined && !PLACES[model.provider]?.searchesAlways) {
    model.given = { ...model.given, perToolCallNanoUsd: fee }
    if (!model.source.includes(sources.genai.label)) model.source += `, ${sources.genai.label}`
  }
}

/** A zero that nobody else confirms is more often a blank than a gift; a free model that is not one is money lost without a limit. */
function believed(model: Model, sources: Sources, witnesses: readonly Given[]): boolean {
  if (PLACES[model.provider]?.free || model.provider === 'demo' || model.mode === 'moderation') return true
  if (model.source === sources.openRouter.label) return witnesses.every(isZero)
  return witnesses.length > 0 && witnesses.every(isZero)
}

const DEAREST = 1000 * 1_000_000

/** What a source cannot have meant: another unit taken for a token, or one half of a price left blank. */
function oddity(model: Model, { rates }: Given): string | undefined {
  const { input = 0, output = 0 } = rates
  if (input > DEAREST || output > DEAREST) return 'more than $1000 a million tokens'
  const talks = model.mode === 'chat' || model.mode === 'responses'
  return talks && (input === 0) !== (output === 0) ? `${input === 0 ? 'input' : 'output'} costs nothing, the other side does` : undefined
}

function makersWitness(model: Model, witnessOf: ReturnType<typeof genaiWitness>): GenaiWitness {
  for (const maker of PLACES[model.provider]?.follows ?? []) {
    const found = witnessOf(maker, standIn(model.provider, model.model) ?? model.model)
    if (found) return found
  }
  return undefined
}

/** A change that genai-prices announced and whose day has come is taken, if the price before it is the one that our source has. */
function followChanges(model: Model, given: Given, genai: GenaiWitness, sources: Sources, report: Report): void {
  const key = `${model.provider}/${model.model}`
  const dated = model.source.slice(-10)
  const before = genai?.priceOn(dated)
  if (!genai || !before) return
  for (const day of genai.changes) {
    if (day <= dated || before.rates.input !== given.rates.input || before.rates.output !== given.rates.output) continue
    const after = genai.priceOn(day)
    if (!after || after.rates.input === undefined || after.rates.output === undefined) continue
    const words = `${key}: from ${day} ${perMillion(after.rates.input)} in, ${perMillion(after.rates.output)} out USD/M (${perMillion(given.rates.input)}, ${perMillion(given.rates.output)} before)`
    report.changes.push(`${words} → ${day <= sources.asOf ? 'taken' : 'to come'}`)
    if (day > sources.asOf) continue
    const { perRequestNanoUsd, perToolCallNanoUsd, perUnit, pictures } = given
    model.given = {
      ...(perRequestNanoUsd ? { perRequestNanoUsd } : {}),
      ...(perToolCallNanoUsd ? { perToolCallNanoUsd } : {}),
      ...(perUnit ? { perUnit } : {}),
      ...(pictures ? { pictures } : {}),
      ...after,
    }
    model.source = sources.genai.label
  }
}

export function perMillion(pico: number | undefined): string {
  return pico === undefined ? '-' : String(pico / 1_000_000)
}

function labelName(label: string): string {
  return label.split(' ')[0] ?? label
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Answered by the gateway itself. */
function demo(): Model {
  return {
    provider: 'demo',
    model: 'echo',
    mode: 'chat',
    context: 100_000,
    maxOutput: null,
    given: { rates: { input: 0, output: 0 }, tiers: [] },
    source: 'sluice',
    abilities: new Set(),
    name: 'Echo',
  }
}
