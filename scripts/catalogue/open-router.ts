// Owns the reading of OpenRouter's own list: the whole of provider `openrouter`, and OpenRouter's names for what others serve.

import type { Ability } from '../../src/catalogue/entry.ts'
import { standIn } from '../../src/catalogue/names.ts'
import { countAt, listAt, objectAt, textAt, type Json, type JsonObject } from './exact-json.ts'
import { amount, ratesFrom, TOKEN_USD, USD, type Given, type GivenRates, type Model } from './model.ts'
import { PLACES } from './places.ts'

export function readOpenRouter(document: Json, source: string): Model[] {
  return listAt(objectAt(document)['data'])
    .map(objectAt)
    .flatMap((row) => {
      const model = textAt(row['id'])
      if (!model) return []
      const name = textAt(row['name'])
      const created = countAt(row['created'])
      const deprecated = textAt(row['expiration_date'])?.slice(0, 10)
      const top = objectAt(row['top_provider'])
      return [
        {
          provider: 'openrouter',
          model,
          mode: 'chat' as const,
          context: countAt(row['context_length']),
          maxOutput: countAt(top['max_completion_tokens']),
          given: givenOf(objectAt(row['pricing'])),
          source,
          abilities: abilitiesOf(row),
          openrouterId: model,
          ...(name ? { name } : {}),
          ...(created ? { released: new Date(created * 1000).toISOString().slice(0, 10) } : {}),
          ...(deprecated && /^\d{4}-\d{2}-\d{2}$/.test(deprecated) ? { deprecated } : {}),
        },
      ]
    })
}

function abilitiesOf(row: JsonObject): Set<Ability> {
  const abilities = new Set<Ability>()
  const takes = listAt(row['supported_parameters'])
  const { input_modalities: input, output_modalities: output } = objectAt(row['architecture'])
  if (takes.includes('tools')) abilities.add('tools')
  if (takes.includes('parallel_tool_calls')) abilities.add('parallel-tools')
  if (takes.includes('structured_outputs')) abilities.add('schema')
  if (takes.includes('reasoning')) abilities.add('reasoning')
  for (const kind of ['image', 'audio', 'video', 'file'] as const) if (listAt(input).includes(kind)) abilities.add(kind)
  if (listAt(output).includes('image')) abilities.add('image-output')
  if (listAt(output).includes('audio')) abilities.add('audio-output')
  const pricing = objectAt(row['pricing'])
  if (pricing['input_cache_read'] !== undefined) abilities.add('prompt-cache')
  if (pricing['web_search'] !== undefined) abilities.add('web-search')
  return abilities
}

/** `-1` is OpenRouter's "depends on where the router sends it": unknown here. */
function givenOf(pricing: JsonObject): Given | null {
  const rates = ratesOf(pricing)
  if (rates.input === undefined || rates.output === undefined) return null
  const tiers = listAt(pricing['overrides'])
    .map(objectAt)
    .flatMap((override) => {
      const from = countAt(override['min_prompt_tokens'])
      return from === null ? [] : [{ above: from - 1, rates: ratesOf(override) }]
    })
    .toSorted((a, b) => a.above - b.above)
  const given: Given = { rates, tiers }
  const request = amount(pricing['request'], USD)
  if (request) given.perRequestNanoUsd = request
  const search = amount(pricing['web_search'], USD)
  if (search) given.perToolCallNanoUsd = search
  const reasoning = amount(pricing['internal_reasoning'], TOKEN_USD)
  if (reasoning && reasoning !== rates.output) given.unsayable = 'reasoning tokens priced apart'
  const image = amount(pricing['image'], TOKEN_USD)
  if (image && image !== rates.input) given.unsayable = 'images priced apart'
  return given
}

function ratesOf(pricing: JsonObject): GivenRates {
  return ratesFrom(
    {
      input: pricing['prompt'],
      output: pricing['completion'],
      cacheRead: pricing['input_cache_read'],
      cacheWrite5m: pricing['input_cache_write'],
      cacheWrite1h: pricing['input_cache_write_1h'],
      inputAudio: pricing['audio'],
      outputAudio: pricing['audio_output'],
      outputImage: pricing['image_output'],
    },
    TOKEN_USD,
  )
}

/** Hosts' own names that no rule finds. */
const SAME_AS: Readonly<Record<string, string>> = {
  'groq/llama-3.3-70b-versatile': 'meta-llama/llama-3.3-70b-instruct',
  'groq/llama-3.1-8b-instant': 'meta-llama/llama-3.1-8b-instruct',
  'cerebras/llama-3.3-70b': 'meta-llama/llama-3.3-70b-instruct',
  'cerebras/llama3.1-8b': 'meta-llama/llama-3.1-8b-instruct',
  'fireworks/accounts/fireworks/models/llama-v3p3-70b-instruct': 'meta-llama/llama-3.3-70b-instruct',
  'fireworks/accounts/fireworks/models/llama-v3p1-8b-instruct': 'meta-llama/llama-3.1-8b-instruct',
  'together/meta-llama/Llama-3.3-70B-Instruct-Turbo': 'meta-llama/llama-3.3-70b-instruct',
  'together/meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo': 'meta-llama/llama-3.1-8b-instruct',
}

/** Finds OpenRouter's id of a model: the maker's own by name (dots and dashes alike, date aside), a host's by Hugging Face id or by OpenRouter's own id. Equality only, nothing fuzzy. */
export function openrouterNamer(document: Json): (provider: string, model: string) => string | undefined {
  const ids = new Set<string>()
  const byName = new Map<string, string>()
  const byHuggingFace = new Map<string, string | null>()
  const bySlug = new Map<string, string | null>()
  for (const row of listAt(objectAt(document)['data']).map(objectAt)) {
    const id = textAt(row['id'])
    if (!id || id.includes(':') || id.startsWith('~')) continue
    ids.add(id)
    byName.set(plain(id), id)
    const slug = plain(id.slice(id.indexOf('/') + 1))
    bySlug.set(slug, bySlug.has(slug) ? null : id)
    const face = textAt(row['hugging_face_id'])?.toLowerCase()
    if (face) byHuggingFace.set(face, byHuggingFace.has(face) ? null : id)
  }
  return (provider, model) => {
    const same = SAME_AS[`${provider}/${model}`]
    if (same && ids.has(same)) return same
    const place = PLACES[provider]
    if (place?.author) {
      const undated = standIn(provider, model)
      return (
        byName.get(plain(`${place.author}/${model}`)) ?? (undated === null ? undefined : byName.get(plain(`${place.author}/${undated}`)))
      )
    }
    const lower = model
      .toLowerCase()
      .replace(/^accounts\/fireworks\/models\//, '')
      .replace(/^@cf\//, '')
    if (ids.has(lower)) return lower
    return byHuggingFace.get(lower) ?? (lower.includes('/') ? undefined : bySlug.get(plain(lower))) ?? undefined
  }
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('.', '-')
}
