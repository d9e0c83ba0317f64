// Owns the reading of litellm's price map: the base of the catalogue.

import type { Ability, Mode } from '../../src/catalogue/entry.ts'
import { countAt, listAt, objectAt, textAt, type Json, type JsonObject } from './exact-json.ts'
import {
  amount,
  KINDS,
  picturePico,
  ratesFrom,
  SECOND_USD,
  timesRates,
  TOKEN_USD,
  USD,
  type Given,
  type GivenRates,
  type Model,
} from './model.ts'
import { isModelName, PLACES, type Place } from './places.ts'

const MODES: Readonly<Record<string, Mode>> = {
  chat: 'chat',
  responses: 'responses',
  completion: 'completion',
  embedding: 'embedding',
  rerank: 'rerank',
  image_generation: 'image',
  image_edit: 'image',
  audio_transcription: 'transcription',
  audio_speech: 'speech',
  realtime: 'realtime',
  moderation: 'moderation',
}

const FLAGS: Readonly<Record<string, Ability>> = {
  supports_function_calling: 'tools',
  supports_parallel_function_calling: 'parallel-tools',
  supports_response_schema: 'schema',
  supports_reasoning: 'reasoning',
  supports_vision: 'image',
  supports_audio_input: 'audio',
  supports_video_input: 'video',
  supports_pdf_input: 'file',
  supports_prompt_caching: 'prompt-cache',
  supports_web_search: 'web-search',
  supports_audio_output: 'audio-output',
  supports_computer_use: 'computer-use',
}

export function readLitellm(document: Json, source: string): Model[] {
  const models = new Map<string, Model>()
  const placeOf = new Map(
    Object.entries(PLACES).flatMap(([id, place]) => (place.litellm?.providers ?? []).map((p) => [p, [id, place] as const] as const)),
  )
  // Prefixed names last, so that they win: `gemini/x` is priced for the Gemini API, a bare `x` of the same provider may be a leftover.
  const rows = Object.entries(objectAt(document)).toSorted(
    ([a], [b]) => Number(a.includes('/')) - Number(b.includes('/')) || (a < b ? -1 : 1),
  )
  const pictures = picturesOf(document, placeOf)
  for (const [key, value] of rows) {
    const row = objectAt(value)
    const [provider, place] = placeOf.get(textAt(row['litellm_provider']) ?? '') ?? []
    const mode = MODES[textAt(row['mode']) ?? 'chat']
    const model = place && nameOf(key, place)
    if (!provider || !place || !mode || !model) continue
    const deprecated = textAt(row['deprecation_date'])
    models.set(`${provider}/${model}`, {
      provider,
      model,
      mode,
      context: countAt(row['max_input_tokens']) ?? (mode === 'chat' ? null : countAt(row['max_tokens'])),
      maxOutput: countAt(row['max_output_tokens']),
      given: givenOf(row, mode, place, pictures.get(`${provider}/${model}`)),
      source,
      abilities: abilitiesOf(row),
      ...(deprecated && /^\d{4}-\d{2}-\d{2}$/.test(deprecated) ? { deprecated } : {}),
    })
  }
  return [...models.values()]
}

/** Rows named by quality and size (`hd/1024-x-1792/dall-e-3`) are prices of one model's pictures: by `provider/model`, pico-dollars by kind. */
function picturesOf(
  document: Json,
  placeOf: ReadonlyMap<string, readonly [string, Place]>,
): ReadonlyMap<string, { readonly [kind: string]: number }> {
  const found = new Map<string, { [kind: string]: number }>()
  for (const [key, value] of Object.entries(objectAt(document))) {
    const row = objectAt(value)
    const [provider] = placeOf.get(textAt(row['litellm_provider']) ?? '') ?? []
    const [, quality, width, height, model] = /^(?:azure\/)?(?:(low|medium|high|standard|hd)\/)?(\d+)-x-(\d+)\/([^/]+)$/.exec(key) ?? []
    if (!provider || !width || !height || !model) continue
    const pico =
      amount(row['output_cost_per_image'] ?? row['input_cost_per_image'], TOKEN_USD) ??
      picturePico(row['input_cost_per_pixel'], Number(width) * Number(height))
    if (!pico) continue
    const id = `${provider}/${model}`
    const kinds = found.get(id) ?? {}
    found.set(id, kinds)
    kinds[`${quality ? `${quality}/` : ''}${width}x${height}`] = pico
  }
  return found
}

function nameOf(key: string, { litellm }: Place): string | undefined {
  if (!litellm) return undefined
  const prefix = litellm.prefixes.find((start) => key.startsWith(start))
  const name = prefix ? key.slice(prefix.length) : key
  return isModelName(name) && (litellm.slashes || !name.includes('/')) ? name : undefined
}

function abilitiesOf(row: JsonObject): Set<Ability> {
  const abilities = new Set<Ability>()
  for (const [flag, ability] of Object.entries(FLAGS)) if (row[flag] === true) abilities.add(ability)
  for (const kind of listAt(row['supported_modalities'])) if (kind === 'image' || kind === 'audio' || kind === 'video') abilities.add(kind)
  if (listAt(row['supported_output_modalities']).includes('image')) abilities.add('image-output')
  return abilities
}

function givenOf(row: JsonObject, mode: Mode, place: Place, pictures?: { readonly [kind: string]: number }): Given | null {
  const bands = listAt(row['tiered_pricing']).map(objectAt)
  const rates = { ...ratesOf(row, ''), ...(bands[0] ? ratesOf(bands[0], '') : {}) }
  const tiers = bands.length ? bandTiers(bands) : suffixTiers(row)
  const request = amount(row['input_cost_per_request'] ?? (mode === 'rerank' ? undefined : row['input_cost_per_query']), USD)
  if (mode === 'embedding' || mode === 'rerank' || mode === 'moderation') rates.output ??= 0
  // Image models say nothing but images: their one output price is that of image tokens.
  if (mode === 'image' && rates.outputImage !== undefined) rates.output ??= rates.outputImage
  if (mode === 'image') Object.assign(rates, ratesFrom({ inputImage: row['input_cost_per_image_token'] }, TOKEN_USD))
  const pieces = piecesOf(row, mode, rates, pictures)
  if (pieces !== null) {
    rates.input ??= 0
    rates.output ??= 0
  }
  if (rates.input === undefined || rates.output === undefined) return null
  const services = servicesOf(row, rates, tiers)
  const given: Given = { rates, tiers, ...pieces, ...(services === undefined ? {} : { services }) }
  if (request) given.perRequestNanoUsd = request
  const search = objectAt(row['search_context_cost_per_query'])
  if (place.searchesAlways) {
    // Every answer of a sonar model searches, and the fee depends on a member of the request: the dearest, as genai-prices has it too.
    const fee = amount(search['search_context_size_high'], USD)
    if (fee) given.perRequestNanoUsd = (request ?? 0) + fee
  } else {
    const fee = amount(search['search_context_size_medium'], USD)
    if (fee) given.perToolCallNanoUsd = fee
  }
  const unsayable = unsayableOf(row, bands, given, mode, place)
  return unsayable ? { ...given, unsayable } : given
}

/** What is billed by the piece, in a mode that has such pieces; beside a price by the token the same charge in another unit is left alone. */
function piecesOf(
  row: JsonObject,
  mode: Mode,
  rates: GivenRates,
  pictures: { readonly [kind: string]: number } = {},
): Pick<Given, 'perUnit' | 'pictures'> | null {
  const byToken = Object.values(rates).some((rate) => rate > 0)
  const one = (power: number, ...members: string[]): number | undefined => {
    const said = new Set(members.map((member) => amount(row[member], power)).filter((value) => value !== undefined && value > 0))
    return said.size === 1 ? [...said][0] : undefined // two that differ are two charges, and are reported
  }
  switch (mode) {
    case 'image': {
      const all = [one(TOKEN_USD, 'output_cost_per_image') ?? one(TOKEN_USD, 'input_cost_per_image') ?? 0, ...Object.values(pictures)]
      const images = Math.max(...all)
      return byToken || images === 0 ? null : { perUnit: { images }, ...(Object.keys(pictures).length > 0 ? { pictures } : {}) }
    }
    case 'transcription': {
      const audioMs = one(SECOND_USD, 'input_cost_per_second', 'output_cost_per_second')
      return byToken || audioMs === undefined ? null : { perUnit: { audioMs } }
    }
    case 'speech': {
      const characters = one(TOKEN_USD, 'input_cost_per_character', 'output_cost_per_character')
      return byToken || characters === undefined ? null : { perUnit: { characters } }
    }
    case 'rerank': {
      const searches = one(TOKEN_USD, 'input_cost_per_query')
      return searches === undefined ? null : { perUnit: { searches } }
    }
    default:
      return null
  }
}

function ratesOf(row: JsonObject, suffix: string): GivenRates {
  return ratesFrom(
    {
      input: row[`input_cost_per_token${suffix}`],
      output: row[`output_cost_per_token${suffix}`],
      cacheRead: row[`cache_read_input_token_cost${suffix}`] ?? (suffix ? undefined : row['input_cost_per_token_cache_hit']),
      cacheWrite5m: row[`cache_creation_input_token_cost${suffix}`],
      cacheWrite1h: row[`cache_creation_input_token_cost_above_1hr${suffix}`],
      inputAudio: row[`input_cost_per_audio_token${suffix}`],
      outputAudio: row[`output_cost_per_audio_token${suffix}`],
      outputImage: row[`output_cost_per_image_token${suffix}`],
    },
    TOKEN_USD,
  )
}

/** Service tiers by the ends of their members' names. */
const SERVICES: Readonly<Record<string, string>> = { priority: '_priority', flex: '_flex', batch: '_batches' }

/** A kind that a service tier leaves out costs what it does at the standard one. Anthropic's fast mode is the standard price so many times. */
function servicesOf(row: JsonObject, base: GivenRates, baseTiers: Given['tiers']): Given['services'] {
  const services: { [service: string]: { readonly rates: GivenRates; readonly tiers: Given['tiers'] } } = {}
  for (const [service, suffix] of Object.entries(SERVICES)) {
    const own = ratesOf(row, suffix)
    if (own.input === undefined || (own.output === undefined && base.output !== 0)) continue
    const rates = { ...base, ...own }
    // A long context that is not priced for this tier costs what the dearer of the two does.
    const tiers = baseTiers.map((tier) => {
      const said = ratesOf(row, `_above_${tier.above / 1000}k_tokens${suffix}`)
      return { above: tier.above, rates: { ...dearerOf(rates, { ...base, ...tier.rates }), ...said } }
    })
    services[service] = { rates, tiers }
  }
  const factor = objectAt(row['provider_specific_entry'])['fast']
  const fast = timesRates(base, factor)
  if (fast !== undefined)
    services['fast'] = {
      rates: fast,
      tiers: baseTiers.map(({ above, rates }) => ({ above, rates: timesRates({ ...base, ...rates }, factor) ?? fast })),
    }
  return Object.keys(services).length === 0 ? undefined : services
}

function dearerOf(a: GivenRates, b: GivenRates): GivenRates {
  return Object.fromEntries(
    KINDS.flatMap((kind) => {
      const known = [a[kind], b[kind]].filter((rate) => rate !== undefined)
      return known.length === 0 ? [] : [[kind, Math.max(...known)]]
    }),
  )
}

function suffixTiers(row: JsonObject): Given['tiers'] {
  const bounds = new Set<number>()
  for (const member of Object.keys(row)) {
    const match = /^(?:in|out)put_cost_per_token_above_(\d+)k_tokens$/.exec(member)
    if (match) bounds.add(Number(match[1]))
  }
  return [...bounds].toSorted((a, b) => a - b).map((k) => ({ above: k * 1000, rates: ratesOf(row, `_above_${k}k_tokens`) }))
}

function bandTiers(bands: readonly JsonObject[]): Given['tiers'] {
  return bands.slice(1).flatMap((band) => {
    const above = countAt(listAt(band['range'])[0])
    return above === null ? [] : [{ above, rates: ratesOf(band, '') }]
  })
}

/** The first charge that cannot be said: it would make every price of the row wrong for somebody. An embedding's price is that of text. */
function unsayableOf(
  row: JsonObject,
  bands: readonly JsonObject[],
  { rates, perUnit }: Given,
  mode: Mode,
  place: Place,
): string | undefined {
  for (const of of [row, ...bands]) {
    const reasoning = amount(of['output_cost_per_reasoning_token'], TOKEN_USD)
    if (reasoning && reasoning !== (amount(of['output_cost_per_token'], TOKEN_USD) ?? rates.output)) return 'reasoning tokens priced apart'
  }
  const imageToken = amount(row['input_cost_per_image_token'], TOKEN_USD)
  if (imageToken && imageToken !== rates.input && rates.inputImage === undefined) return 'image input tokens priced apart'
  if (amount(row['citation_cost_per_token'], TOKEN_USD)) return 'citation tokens'
  // Some rows price an image token in this member: the same number as for a text token.
  const image = amount(row['input_cost_per_image'], TOKEN_USD)
  const made = amount(row['output_cost_per_image'], TOKEN_USD)
  if (perUnit?.images !== undefined) return image && made && image !== made ? 'images that are sent priced each' : undefined
  if (perUnit !== undefined) return undefined
  // Prices by the step or the pixel that were put where prices by the token stand.
  if (mode === 'image' && rates.outputImage === undefined && !place.imagesAreTokens) return 'images priced by what is no token'
  if (image && image !== rates.input && mode !== 'embedding' && !place.imagesAreTokens) return 'images priced each'
  if (made && mode === 'image' && rates.outputImage === undefined) return 'images priced each'
  // Beside a price by the token these are the same charge in another unit.
  if (mode === 'embedding' || rates.inputAudio !== undefined || rates.outputAudio !== undefined) return undefined
  const other = [
    'input_cost_per_second',
    'output_cost_per_second',
    'input_cost_per_video_per_second',
    'input_cost_per_audio_per_second',
    'input_cost_per_character',
    'output_cost_per_character',
  ]
  if (other.some((member) => amount(row[member], TOKEN_USD))) return 'seconds or characters'
  return undefined
}
