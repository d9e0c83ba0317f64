// Owns the reading of genai-prices: its rules that match names, and its prices as of a day. A witness, and the source of announced price changes.

import { listAt, objectAt, textAt, type Json, type JsonObject } from './exact-json.ts'
import { amount, MILLION_TOKENS_USD, ratesFrom, USD, type Given, type GivenRates, type Kind } from './model.ts'
import { PLACES } from './places.ts'

export type Witness = {
  /** The price on a day; `null` where it knows the model but has no price for it, or one by the hour. */
  readonly priceOn: (day: string) => Given | null
  /** Days on which the price changes. */
  readonly changes: readonly string[]
}

export function genaiWitness(document: Json): (provider: string, model: string) => Witness | undefined {
  const byId = new Map(
    listAt(document)
      .map(objectAt)
      .map((row) => [textAt(row['id']) ?? '', listAt(row['models']).map(objectAt)]),
  )
  return (provider, model) => {
    const models = byId.get(PLACES[provider]?.genai ?? '-')
    const found = models?.find((row) => matches(objectAt(row['match']), model.toLowerCase()))
    return found && witness(found)
  }
}

function matches(rule: JsonObject, name: string): boolean {
  const [first] = Object.entries(rule)
  if (!first) return false
  const [operator, operand] = first
  if (operator === 'or') return listAt(operand).some((part) => matches(objectAt(part), name))
  if (operator === 'and') return listAt(operand).every((part) => matches(objectAt(part), name))
  if (typeof operand !== 'string') return false
  const text = operand.toLowerCase()
  if (operator === 'equals') return name === text
  if (operator === 'starts_with') return name.startsWith(text)
  if (operator === 'ends_with') return name.endsWith(text)
  if (operator === 'contains') return name.includes(text)
  return operator === 'regex' && new RegExp(operand).test(name)
}

function witness(row: JsonObject): Witness {
  const prices = row['prices']
  if (!Array.isArray(prices)) {
    const given = givenOf(objectAt(prices), /\(free\)/i.test(textAt(row['name']) ?? ''))
    return { priceOn: () => given, changes: [] }
  }
  const steps = listAt(prices)
    .map(objectAt)
    .map((step) => ({ constraint: objectAt(step['constraint']), given: givenOf(objectAt(step['prices']), false) }))
  if (steps.some((step) => step.constraint['start_time'] !== undefined)) return { priceOn: () => null, changes: [] }
  const dated = steps
    .map((step) => ({ from: textAt(step.constraint['start_date']) ?? '', given: step.given }))
    .toSorted((a, b) => (a.from < b.from ? -1 : 1))
  return {
    priceOn: (day) => dated.findLast((step) => step.from <= day)?.given ?? null,
    changes: dated.map((step) => step.from).filter((from) => from !== ''),
  }
}

const MEMBERS: Readonly<Partial<Record<Kind, string>>> = {
  input: 'input_mtok',
  output: 'output_mtok',
  cacheRead: 'cache_read_mtok',
  cacheWrite5m: 'cache_write_mtok',
  cacheWrite1h: 'cache_write_1h_mtok',
  inputAudio: 'input_audio_mtok',
  outputAudio: 'output_audio_mtok',
  outputImage: 'output_image_mtok',
}

/** It leaves out what costs nothing: a model without any member is free only where its name says so. */
function givenOf(prices: JsonObject, free: boolean): Given | null {
  if (Object.keys(prices).length === 0) return free ? { rates: { input: 0, output: 0 }, tiers: [] } : null
  const fields = (pick: (value: Json | undefined) => Json | undefined): GivenRates =>
    ratesFrom(Object.fromEntries(Object.entries(MEMBERS).map(([kind, member]) => [kind, pick(prices[member])])), MILLION_TOKENS_USD)
  const rates = fields((value) => (typeof value === 'string' ? value : objectAt(value)['base']))
  const bounds = new Set(
    Object.values(prices).flatMap((value) => listAt(objectAt(value)['tiers']).map((tier) => Number(objectAt(tier)['start']))),
  )
  const tiers = [...bounds]
    .toSorted((a, b) => a - b)
    .map((above) => ({
      above,
      rates: fields(
        (value) =>
          listAt(objectAt(value)['tiers'])
            .map(objectAt)
            .find((tier) => Number(tier['start']) === above)?.['price'],
      ),
    }))
  const given: Given = { rates, tiers }
  const perThousand = (member: string) => amount(prices[member], USD - 3)
  const search = perThousand('web_searches_kcount')
  if (search) given.perToolCallNanoUsd = search
  const request = perThousand('requests_kcount')
  if (request) given.perRequestNanoUsd = request
  return given
}
