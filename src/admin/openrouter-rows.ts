// Parts of OpenRouter's rows that its lists of models and of places have in common.

import type { ModelEntry } from '../catalogue/entry.ts'
import { dollarsText, picoText } from '../core/money.ts'
import { raised, type Price, type Rates } from '../core/price.ts'

export type Architecture = {
  readonly modality: string
  readonly input_modalities: readonly string[]
  readonly output_modalities: readonly string[]
  readonly tokenizer: string
  readonly instruct_type: null
}

export function architectureOf({ abilities, mode }: ModelEntry): Architecture {
  const inputs = ['text', ...(['image', 'file', 'audio', 'video'] as const).filter((kind) => abilities.has(kind))]
  const outputs = [
    mode === 'embedding' ? 'embeddings' : 'text',
    ...(abilities.has('image-output') ? ['image'] : []),
    ...(abilities.has('audio-output') ? ['audio'] : []),
  ]
  return {
    modality: `${inputs.join('+')}->${outputs.join('+')}`,
    input_modalities: inputs,
    output_modalities: outputs,
    tokenizer: 'Other',
    instruct_type: null,
  }
}

/** Seconds since the epoch; 0: unknown. */
export function createdOf({ releasedOn }: ModelEntry): number {
  return releasedOn === undefined ? 0 : Math.floor(Date.parse(releasedOn) / 1000) || 0
}

/** US dollars a token, as decimals, with what the operator adds; `-1` is OpenRouter's word for a price that nobody knows beforehand. */
export function pricingOf(price: Price | null): { readonly [name: string]: unknown } {
  if (price === null) return { prompt: '-1', completion: '-1' }
  const { tiers = [], perRequestNanoUsd, perToolCallNanoUsd, perUnit, markups } = price
  return {
    ...ratesOf(price, markups),
    ...(perRequestNanoUsd === undefined ? {} : { request: dollarsText(raised(perRequestNanoUsd, markups)) }),
    ...(perUnit?.images === undefined ? {} : { image_output: picoText(raised(perUnit.images, markups)) }),
    ...(perToolCallNanoUsd === undefined ? {} : { web_search: dollarsText(raised(perToolCallNanoUsd, markups)) }),
    ...(tiers.length === 0
      ? {}
      : {
          overrides: tiers.map(({ aboveInputTokens, ...rates }) => ({ min_prompt_tokens: aboveInputTokens, ...ratesOf(rates, markups) })),
        }),
  }
}

function ratesOf(rates: Rates, markups: Price['markups']): { readonly [name: string]: string } {
  const told = {
    prompt: rates.input,
    completion: rates.output,
    input_cache_read: rates.cacheRead,
    input_cache_write: rates.cacheWrite5m,
    input_cache_write_1h: rates.cacheWrite1h,
    audio: rates.inputAudio,
    audio_output: rates.outputAudio,
    image_token: rates.inputImage,
  }
  return Object.fromEntries(
    Object.entries(told).flatMap(([name, pico]) => (pico === undefined ? [] : [[name, picoText(raised(pico, markups))]])),
  )
}
