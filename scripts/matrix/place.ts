// What a translation goes to: a provider, one of its models, and the language that it speaks to that model.

import type { Provider, Voice } from '../../src/providers/contract.ts'
import { PROVIDERS } from '../../src/providers/index.ts'

export type Place = {
  /** The provider's id, and the kind of model where its language depends on that. */
  readonly label: string
  readonly provider: Provider
  readonly model: string
  /** Languages in which requests pass as they are. */
  readonly dialects: readonly string[]
  /** The language of translations. */
  readonly voice: Voice
}

/** A model of each language, for what may be said depends on the model; elsewhere one without rules of its own. */
export const MODELS: { readonly [dialect: string]: string } = {
  'anthropic-messages': 'claude-sonnet-4-5',
  gemini: 'gemini-2.5-flash',
  'cohere-chat': 'command-a-reasoning-08-2025',
}

/** Of places whose language depends on the model: one of each kind. */
const KINDS: { readonly [provider: string]: { readonly [label: string]: string } } = {
  bedrock: { Claude: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', Nova: 'amazon.nova-pro-v1:0' },
  vertex: { Gemini: 'gemini-2.5-flash', Claude: 'claude-sonnet-4-5' },
}

export const PLACES: readonly Place[] = PROVIDERS.flatMap(placesOf)

function placesOf(provider: Provider): readonly Place[] {
  const { id, voices } = provider
  if (provider.voicesFor === undefined) return placeOf(id, provider, MODELS[voices[0]?.dialect ?? ''] ?? 'model', voices)
  const kinds = KINDS[id]
  if (kinds === undefined)
    throw new Error(`${id} speaks other languages to other models: name one of each kind in scripts/matrix/place.ts.`)
  const voicesFor = provider.voicesFor.bind(provider)
  return Object.entries(kinds).flatMap(([kind, model]) => placeOf(`${id} (${kind})`, provider, model, voicesFor(model)))
}

function placeOf(label: string, provider: Provider, model: string, voices: readonly Voice[]): readonly Place[] {
  const [voice] = voices
  return voice === undefined ? [] : [{ label, provider, model, dialects: voices.map(({ dialect }) => dialect), voice }]
}
