// What pictures and sound can use at most, and probably do, as far as a request tells. Holds are made of the bounds; nothing is ever
// clamped to them, and what is booked in the end is what the provider tells.

import type { Usage } from '../core/canonical.ts'
import type { Picture } from '../core/price.ts'
import { usageOf } from '../core/usage.ts'

// ── Pictures that are billed by the token ──
// Source: OpenAI's image generation guide, "Cost and latency" (272/1056/4160 output tokens a square picture of gpt-image-1 at low, medium
// and high, 408/1584/6240 tall), and its prices a picture (litellm 2026-08-06) over its price a token, which for gpt-image-1-mini come out
// higher: 0.036 USD are 4,500 tokens. A quarter more is for text beside the picture; a partial picture of a stream is 100 more.

const HIGH = 'high'
const HIGHEST = { square: 4500, other: 6500 } as const
const TOKENS_BY_QUALITY: ReadonlyMap<string, { readonly square: number; readonly other: number }> = new Map([
  ['low', { square: 625, other: 750 }],
  ['medium', { square: 1375, other: 1875 }],
  [HIGH, HIGHEST],
])
const PARTIAL_PICTURE_TOKENS = 100
const MOST_PARTIAL_PICTURES = 3
/** gpt-image-2 takes any size up to 3840 a side and 8,294,400 pixels; its tokens by quality and size as OpenAI's own calculator has them. */
const HIGHEST_AXIS = 96
const AXIS_BY_QUALITY: ReadonlyMap<string, number> = new Map([
  ['low', 16],
  ['medium', 48],
  [HIGH, HIGHEST_AXIS],
])
const AREA_OFFSET = 2_000_000
const AREA_SCALE = 4_000_000
const MOST_PIXELS = 8_294_400
/** A picture that is sent, at its dearest: 6,240 tokens for its detail and the tiles beside it (OpenAI's guide, input fidelity), rounded up. */
export const SENT_PICTURE_TOKENS = 8192
/** OpenAI's own limit, and a mask. */
export const MOST_SENT_PICTURES = 17

/** The most output tokens that pictures can come to. `model`: as the client names it. */
export function pictureTokens(model: string, count: number, picture: Picture, partial: boolean): number {
  const one = Math.ceil(tokensOf(model, picture) * 1.25)
  return count * (one + (partial ? PARTIAL_PICTURE_TOKENS * MOST_PARTIAL_PICTURES : 0))
}

function tokensOf(model: string, { quality, size }: Picture): number {
  const [, wide, high] = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? '') ?? []
  const [width, height] = [Number(wide ?? 0), Number(high ?? 0)]
  const isFixed = /gpt-image-1(?!\d)|chatgpt-image/.test(model)
  if (isFixed) {
    const { square, other } = TOKENS_BY_QUALITY.get(quality ?? HIGH) ?? HIGHEST
    return width > 0 && width === height ? square : other
  }
  const axis = AXIS_BY_QUALITY.get(quality ?? HIGH) ?? HIGHEST_AXIS
  if (width === 0 || height === 0) return Math.ceil((axis * axis * (AREA_OFFSET + MOST_PIXELS)) / AREA_SCALE)
  const [long, short] = [Math.max(width, height), Math.min(width, height)]
  const across = Math.floor((2 * axis * short + long) / (2 * long))
  return Math.ceil((axis * across * (AREA_OFFSET + Math.min(width * height, MOST_PIXELS))) / AREA_SCALE)
}

// ── Speech ──
// gpt-4o-mini-tts: 12 USD a million tokens and about 0.015 USD a minute (OpenAI's price page) are 21 tokens a second. English is read at
// about 15 characters a second, Chinese at 4; slower than 3.5 nobody is heard.

const TOKENS_A_CHARACTER = 6
const LIKELY_TOKENS_A_CHARACTER = 1.4
const SHORTEST_SPEECH_TOKENS = 256

export function speechTokens(characters: number): { readonly most: number; readonly likely: number } {
  return {
    most: characters * TOKENS_A_CHARACTER + SHORTEST_SPEECH_TOKENS,
    likely: Math.ceil(characters * LIKELY_TOKENS_A_CHARACTER),
  }
}

// ── Sound that is heard ──
// The least bitrate is that of Opus at its lowest, 6 kbit/s (RFC 6716, section 2.1.1); silence that is coded by its length alone can be
// smaller and is not bounded. 64 kbit/s is speech as it is mostly sent (AAC and MP3; WAV has more, Opus less).

const LEAST_BYTES_A_SECOND = 750
const LIKELY_BYTES_A_SECOND = 8000
/** Mistral counts 12.5 tokens a second and fills up to 30 seconds, OpenAI 10; text comes out at 4 words a second at most. */
const HEARD_TOKENS_A_SECOND = 12.5
const FILLED_UP_SECONDS = 30
const SAID_TOKENS_A_SECOND = 8
const LEAST_SAID_TOKENS = 256

export type Heard = {
  readonly audioMs: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly guess: Usage
}

/** What hearing these bytes can use at most, and what it probably does. */
export function heard(bytes: number): Heard {
  const seconds = bytes / LEAST_BYTES_A_SECOND
  const likely = bytes / LIKELY_BYTES_A_SECOND
  return {
    audioMs: Math.ceil(seconds * 1000),
    inputTokens: Math.ceil((seconds + FILLED_UP_SECONDS) * HEARD_TOKENS_A_SECOND),
    outputTokens: Math.ceil(seconds * SAID_TOKENS_A_SECOND) + LEAST_SAID_TOKENS,
    guess: usageOf({
      inputAudio: Math.ceil(likely * HEARD_TOKENS_A_SECOND),
      output: Math.ceil(likely * (SAID_TOKENS_A_SECOND / 2)),
      units: { audioMs: Math.ceil(likely * 1000) },
    }),
  }
}
