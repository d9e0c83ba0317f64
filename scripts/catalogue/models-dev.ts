// Owns the reading of models.dev: abilities, dates, windows, and the models that litellm lacks.

import type { Ability, Mode } from '../../src/catalogue/entry.ts'
import { countAt, listAt, objectAt, textAt, type Json, type JsonObject } from './exact-json.ts'
import { amount, MILLION_TOKENS_USD, ratesFrom, type Given, type GivenRates, type Model } from './model.ts'
import { PLACES } from './places.ts'

/** `claims`: what it says yes (true) or no (false) to; it is silent on the other abilities. */
export type Described = Model & { readonly claims: ReadonlyMap<Ability, boolean> }

/** By `provider/model`. */
export function readModelsDev(document: Json, source: string): Map<string, Described> {
  const described = new Map<string, Described>()
  for (const [provider, place] of Object.entries(PLACES))
    for (const theirs of place.modelsDev ?? [])
      for (const [model, value] of Object.entries(objectAt(objectAt(document)[theirs])))
        described.set(`${provider}/${model}`, describe(provider, model, objectAt(value), source))
  return described
}

function describe(provider: string, model: string, row: JsonObject, source: string): Described {
  const claims = claimsOf(row)
  const limit = objectAt(row['limit'])
  const name = textAt(row['name'])
  const released = textAt(row['release_date'])
  return {
    provider,
    model,
    mode: modeOf(model, row),
    context: countAt(limit['context']),
    maxOutput: countAt(limit['output']),
    given: givenOf(objectAt(row['cost'])),
    source,
    abilities: new Set([...claims].flatMap(([ability, yes]) => (yes ? [ability] : []))),
    claims,
    ...(name ? { name } : {}),
    ...(released && /^\d{4}-\d{2}-\d{2}$/.test(released) ? { released } : {}),
  }
}

function claimsOf(row: JsonObject): Map<Ability, boolean> {
  const claims = new Map<Ability, boolean>()
  const claim = (ability: Ability, said: Json | undefined) => typeof said === 'boolean' && claims.set(ability, said)
  claim('tools', row['tool_call'])
  claim('schema', row['structured_output'])
  claim('reasoning', row['reasoning'])
  const { input, output } = objectAt(row['modalities'])
  for (const [ability, kind] of [
    ['image', 'image'],
    ['audio', 'audio'],
    ['video', 'video'],
    ['file', 'pdf'],
  ] as const)
    claim(ability, listAt(input).includes(kind))
  claim('image-output', listAt(output).includes('image'))
  claim('audio-output', listAt(output).includes('audio'))
  return claims
}

/** It has no member for this; only what its modalities and names settle is not chat. */
function modeOf(model: string, row: JsonObject): Mode | 'chat' {
  const output = listAt(objectAt(row['modalities'])['output'])
  if (/embed/i.test(model)) return 'embedding'
  if (/rerank/i.test(model)) return 'rerank'
  if (/whisper|transcribe/i.test(model)) return 'transcription'
  if (!output.includes('text') && output.includes('image')) return 'image'
  if (!output.includes('text') && output.includes('audio')) return 'speech'
  return 'chat'
}

function givenOf(cost: JsonObject): Given | null {
  const rates = ratesOf(cost)
  if (rates.input === undefined || rates.output === undefined) return null
  const tiers = listAt(cost['tiers'])
    .map(objectAt)
    .flatMap((tier) => {
      const above = countAt(objectAt(tier['tier'])['size'])
      return above === null ? [] : [{ above, rates: ratesOf(tier) }]
    })
    .toSorted((a, b) => a.above - b.above)
  const given: Given = { rates, tiers }
  const reasoning = amount(cost['reasoning'], MILLION_TOKENS_USD)
  if (reasoning && reasoning !== rates.output) given.unsayable = 'reasoning tokens priced apart'
  for (const member of ['image', 'citation', 'request']) if (amount(cost[member], MILLION_TOKENS_USD)) given.unsayable = `${member} charge`
  return given
}

function ratesOf(cost: JsonObject): GivenRates {
  return ratesFrom(
    {
      input: cost['input'],
      output: cost['output'],
      cacheRead: cost['cache_read'] ?? cost['cached_input'] ?? cost['cache_input'],
      cacheWrite5m: cost['cache_write'] ?? cost['cached_write'],
      inputAudio: cost['input_audio'],
      outputAudio: cost['output_audio'],
    },
    MILLION_TOKENS_USD,
  )
}
