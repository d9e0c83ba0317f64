// What a model costs, and what a usage costs at that price. Whole pico-dollars a token, whole nano-dollars a request.

import type { Units, Usage } from './canonical.ts'

/** Pico-dollars a token (10^-12 USD); `$1 per million tokens` is 1,000,000. A kind that the source does not price apart is absent and costs what it falls back to. */
export type Rates = {
  readonly input: number
  readonly output: number
  /** Falls back to `input`. */
  readonly cacheRead?: number
  /** Falls back to `input`. */
  readonly cacheWrite5m?: number
  /** Falls back to `cacheWrite5m`, then `input`. */
  readonly cacheWrite1h?: number
  /** Falls back to `input`. */
  readonly inputAudio?: number
  /** Falls back to `input`. */
  readonly inputImage?: number
  /** Falls back to `output`. */
  readonly outputAudio?: number
  /** Falls back to `output`. */
  readonly outputImage?: number
}

/** `tiers` in rising order of `aboveInputTokens`: a request with more input tokens (all kinds) than that pays the tier's rates for all its tokens. */
export type TieredRates = Rates & {
  readonly tiers?: readonly (Rates & { readonly aboveInputTokens: number })[]
}

export type Price = TieredRates & {
  /** What a token costs at another service tier than the standard one, by the provider's name for it: `priority`, `flex`, `batch`; `fast` for Anthropic's speed. */
  readonly services?: { readonly [service: string]: TieredRates }
  /** Nano-dollars a request. */
  readonly perRequestNanoUsd?: number
  /** Nano-dollars a call of a tool that the provider runs (web search). */
  readonly perToolCallNanoUsd?: number
  /** Pico-dollars a piece of what is billed by the piece; what is absent costs nothing. */
  readonly perUnit?: Units
  /** Pico-dollars a picture by its kind (`hd/1024x1792`, `512x512`), where kinds differ; `perUnit.images` is then the dearest. */
  readonly pictures?: { readonly [kind: string]: number }
  /** What is added on top: basis points (hundredths of a percent) of everything, one after the other. */
  readonly markups?: readonly number[]
  /** Where the price is from and of which day, such as `litellm 2026-08-06`. */
  readonly source: string
}

/** Input tokens of all kinds. */
export function inputTokens(usage: Usage): number {
  return usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h + usage.inputAudio + (usage.inputImage ?? 0)
}

/** Output tokens of all kinds; reasoning is part of `output`. */
export function outputTokens(usage: Usage): number {
  return usage.output + usage.outputAudio + usage.outputImage
}

/** Service tiers that cost more than the standard one wherever they are sold. */
export const DEARER_SERVICES: ReadonlySet<string> = new Set(['priority', 'fast'])

/**
 * The rates of a service tier. Without rates of its own, one that is known to be dearer has none (`null`: unknown is not the standard
 * price), unless the model costs nothing; any other name (`flex`, `scale`, `performance` …) is booked at the standard rates.
 */
export function ratesAt(price: Price, service: string | undefined): TieredRates | null {
  if (service === undefined) return price
  const own = ownRates(price, service)
  if (own !== undefined || !DEARER_SERVICES.has(service)) return own ?? price
  const most = dearest(price)
  return most.input === 0 && most.output === 0 ? price : null
}

function ownRates({ services }: Price, service: string): TieredRates | undefined {
  return services !== undefined && Object.hasOwn(services, service) ? services[service] : undefined
}

/** Whole nano-dollars of a usage at a price, rounded up once. `null` when a count is not a whole number from zero up, or the service tier's price is unknown. */
export function costNanoUsd(usage: Usage, price: Price): number | null {
  const pico = picoOf(usage, price)
  return pico === null ? null : nanoUsdOf(pico, price.markups)
}

/** With what is added on top, rounded up. */
function nanoUsdOf(pico: bigint, markups: readonly number[] = []): number {
  let [amount, parts] = [pico, 1000n]
  for (const basisPoints of markups) {
    amount *= BigInt(WHOLE + basisPoints)
    parts *= BigInt(WHOLE)
  }
  return Number((amount + parts - 1n) / parts)
}

/** Basis points of a whole. */
const WHOLE = 10_000

/** A rate or an amount with what is added on top, rounded up: never less than what is booked. What is no whole number stays none. */
export function raised(amount: number, markups: readonly number[] = []): number {
  if (markups.length === 0 || !Number.isSafeInteger(amount)) return amount
  return nanoUsdOf(BigInt(amount) * 1000n, markups)
}

/** Before what is added on top. */
function picoOf(usage: Usage, price: Price): bigint | null {
  if (usage.billed !== undefined) return picoOf(servedAs(usage.billed, usage), price)
  const total = inputTokens(usage)
  const tiered = ratesAt(price, usage.service)
  if (tiered === null) return null
  let rates: Rates = tiered
  for (const tier of tiered.tiers ?? []) if (total > tier.aboveInputTokens) rates = tier
  const write5m = rates.cacheWrite5m ?? rates.input
  const lines: readonly (readonly [number, number])[] = [
    [usage.input, rates.input],
    [usage.cacheRead, rates.cacheRead ?? rates.input],
    [usage.cacheWrite5m, write5m],
    [usage.cacheWrite1h, rates.cacheWrite1h ?? write5m],
    [usage.inputAudio, rates.inputAudio ?? rates.input],
    [usage.inputImage ?? 0, rates.inputImage ?? rates.input],
    [usage.output, rates.output],
    [usage.outputAudio, rates.outputAudio ?? rates.output],
    [usage.outputImage, rates.outputImage ?? rates.output],
  ]
  let pico = 0n
  for (const [count, rate] of lines) {
    if (!Number.isSafeInteger(count) || count < 0) return null
    pico += BigInt(count) * BigInt(rate)
  }
  const aside = usage.aside === undefined ? 0n : picoOf(servedAs(usage.aside, usage), { ...price, perRequestNanoUsd: 0 })
  const pieces = unitsPico(usage.units, price.perUnit)
  const fees = (price.perRequestNanoUsd ?? 0) + usage.paidToolCalls * (price.perToolCallNanoUsd ?? 0)
  if (aside === null || pieces === null || !Number.isSafeInteger(fees)) return null
  return pico + aside + pieces + BigInt(fees) * 1000n
}

/** What is counted inside a usage was served as the whole was. */
function servedAs(part: Usage, { service }: Usage): Usage {
  return service === undefined || part.service !== undefined ? part : { ...part, service }
}

/** A picture as it is asked for; `null`: as the model likes it. */
export type Picture = { readonly quality: string | null; readonly size: string | null }

/** What was meant where nothing is said, at OpenAI's models that are billed by the picture. */
const USUAL = { quality: 'standard', size: '1024x1024' } as const

/** The price with pictures of one kind. What cannot be found costs what the dearest of its size does, else the dearest of all. */
export function forPicture(price: Price, picture: Picture | undefined): Price {
  if (price.pictures === undefined || picture === undefined) return price
  const size = picture.size ?? USUAL.size
  const quality = picture.quality ?? USUAL.quality
  // Both are the client's words: `constructor` is no kind of picture.
  const known = (kind: string): number | undefined =>
    price.pictures !== undefined && Object.hasOwn(price.pictures, kind) ? price.pictures[kind] : undefined
  const same = known(`${quality}/${size}`) ?? known(size)
  const ofSize = Object.entries(price.pictures).flatMap(([kind, pico]) => (kind.endsWith(`/${size}`) ? [pico] : []))
  const images = same ?? (ofSize.length > 0 ? Math.max(...ofSize) : price.perUnit?.images)
  return images === undefined ? price : { ...price, perUnit: { ...price.perUnit, images } }
}

const UNITS = ['images', 'audioMs', 'characters', 'searches'] as const

/** Pico-dollars of the pieces. `null` when a count is not a whole number from zero up. */
function unitsPico(units: Units | undefined, rates: Units | undefined): bigint | null {
  let pico = 0n
  if (units === undefined) return pico
  for (const name of UNITS) {
    const count = units[name] ?? 0
    if (!Number.isSafeInteger(count) || count < 0) return null
    pico += BigInt(count) * BigInt(rates?.[name] ?? 0)
  }
  return pico
}

/** Whole nano-dollars of what does not hang on tokens, the request's own and its pieces', rounded up: part of a request's worst case. */
export function feesNanoUsd(units: Units | undefined, price: Price, toolCalls = 0): number {
  const pico = unitsPico(units, price.perUnit)
  const ofRequest = raised((price.perRequestNanoUsd ?? 0) + toolCalls * (price.perToolCallNanoUsd ?? 0), price.markups)
  return ofRequest + (pico === null ? Number.MAX_SAFE_INTEGER : nanoUsdOf(pico, price.markups))
}

/**
 * The dearest that a request which asks for this service tier can be: it may be served at that tier or at the standard one (flex too), and
 * `auto` at `priority`, if the provider's project is set so. `null`: it asks for a dearer tier whose price is unknown.
 */
export function dearestServed(price: Price, asked: string | null): { readonly input: number; readonly output: number } | null {
  const top = ({ input, output }: { readonly input: number; readonly output: number }) => ({
    input: raised(input, price.markups),
    output: raised(output, price.markups),
  })
  const standard = dearest(price)
  if (asked === null) return top(standard)
  const rates = asked === 'auto' ? (ownRates(price, 'priority') ?? price) : ratesAt(price, asked)
  if (rates === null) return null
  const served = dearest(rates)
  return top({ input: Math.max(standard.input, served.input), output: Math.max(standard.output, served.output) })
}

/** The dearest a token of input and of output can be at these rates, in pico-dollars, before what is added on top. */
export function dearest(price: TieredRates): { readonly input: number; readonly output: number } {
  let input = 0
  let output = 0
  for (const rates of [price, ...(price.tiers ?? [])]) {
    const write5m = rates.cacheWrite5m ?? rates.input
    input = Math.max(
      input,
      rates.input,
      rates.cacheRead ?? 0,
      write5m,
      rates.cacheWrite1h ?? write5m,
      rates.inputAudio ?? 0,
      rates.inputImage ?? 0,
    )
    output = Math.max(output, rates.output, rates.outputAudio ?? 0, rates.outputImage ?? 0)
  }
  return { input, output }
}
