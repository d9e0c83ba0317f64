// Owns a model as the generator sees it, whichever source it came from, and the exact arithmetic of prices on the way in.

import { readDecimal, wholeAt, type Decimal } from '../../src/catalogue/decimal.ts'
import type { Ability, Mode } from '../../src/catalogue/entry.ts'
import type { Units } from '../../src/core/canonical.ts'
import type { Rates } from '../../src/core/price.ts'
import type { Json } from './exact-json.ts'

export const KINDS = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'inputAudio',
  'outputAudio',
  'outputImage',
  'inputImage',
] as const
export type Kind = (typeof KINDS)[number] & keyof Rates

/** Pico-dollars a token; kinds that the source does not price are absent. */
export type GivenRates = { [kind in Kind]?: number }
export type GivenTiers = { above: number; rates: GivenRates }[]
export type Given = {
  rates: GivenRates
  tiers: GivenTiers
  /** Other service tiers, by their names. */
  services?: { readonly [service: string]: { readonly rates: GivenRates; readonly tiers: GivenTiers } }
  perRequestNanoUsd?: number
  perToolCallNanoUsd?: number
  /** Pico-dollars a piece. */
  perUnit?: Units
  /** Pico-dollars a picture by its kind. */
  pictures?: { readonly [kind: string]: number }
  /** A charge that `Price` cannot say: with one, the model is unpriced. */
  unsayable?: string
}

export type Model = {
  provider: string
  model: string
  mode: Mode
  context: number | null
  maxOutput: number | null
  given: Given | null
  source: string
  abilities: Set<Ability>
  name?: string
  released?: string
  deprecated?: string
  openrouterId?: string
}

export const TOKEN_USD = 12
export const MILLION_TOKENS_USD = 6
export const USD = 9
/** USD a second to pico-dollars a millisecond. */
export const SECOND_USD = 9

/** Significant digits that binary floating point keeps: more in a source's text is the dirt of its own arithmetic. */
const CLEAN_DIGITS = 15

/**
 * A decimal text times 10^power as a whole number: exactly, where the source's text allows it. Text of more than 15 significant digits
 * (`0.0000006000000000000000001` in OpenRouter's list) is rounded to 15 first; what is then still finer than the unit is rounded up.
 */
export function amount(value: Json | undefined, power: number): number | undefined {
  if (typeof value !== 'string') return undefined
  const read = readDecimal(value)
  if (!read) return undefined
  const clean = cleaned(read)
  return wholeAt(clean, power) ?? wholeAt({ digits: unitsUp(clean, power), exponent: 0 }, 0) ?? undefined
}

function cleaned(value: Decimal): Decimal {
  const extra = value.digits.toString().length - CLEAN_DIGITS
  if (extra <= 0) return value
  const unit = 10n ** BigInt(extra)
  return { digits: (value.digits + unit / 2n) / unit, exponent: value.exponent + extra }
}

function unitsUp(value: Decimal, power: number): bigint {
  const unit = 10n ** BigInt(Math.max(0, -(value.exponent + power)))
  return (value.digits + unit - 1n) / unit
}

/** A price so many times another, such as `6.0`; `undefined` for what is no decimal. */
export function timesRates(rates: GivenRates, factor: Json | undefined): GivenRates | undefined {
  const micro = amount(factor, 6)
  if (!micro) return undefined
  const times = (pico: number): number => Number((BigInt(pico) * BigInt(micro) + 999_999n) / 1_000_000n)
  return Object.fromEntries(KINDS.flatMap((kind) => (rates[kind] === undefined ? [] : [[kind, times(rates[kind])]])))
}

/** The members of `fields` that the source prices. */
export function ratesFrom(fields: { readonly [kind in Kind]?: Json | undefined }, power: number): GivenRates {
  const rates: GivenRates = {}
  for (const kind of KINDS) {
    const value = amount(fields[kind], power)
    if (value !== undefined) rates[kind] = value
  }
  return rates
}

export function isZero(given: Given): boolean {
  return (
    given.rates.input === 0 &&
    given.rates.output === 0 &&
    !given.perRequestNanoUsd &&
    !given.perUnit &&
    KINDS.every((kind) => !given.rates[kind])
  )
}

const ATTO_USD = 18
const ATTOS_A_PICO = 1_000_000n
/** A tenth of a cent. */
const PICTURE_STEP_PICO = 1_000_000_000n

/**
 * A price a pixel times the pixels, in pico-dollars. Prices are set by the picture, and such a member is that price divided and cut off
 * (`3.81469e-08` for 0.04 USD): rounded up to a tenth of a cent it is the picture's again.
 */
export function picturePico(perPixel: Json | undefined, pixels: number): number | undefined {
  const atto = amount(perPixel, ATTO_USD)
  if (atto === undefined) return undefined
  const step = ATTOS_A_PICO * PICTURE_STEP_PICO
  return Number(((BigInt(atto) * BigInt(pixels) + step - 1n) / step) * PICTURE_STEP_PICO)
}
