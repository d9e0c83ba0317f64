// Owns the operator's overlay: the KV document `catalogue/overlay` that adds, corrects or hides models without a deploy. Checked whole: a bad document is an error and nothing of it counts.

import { z } from 'zod'
import type { Units } from '../core/canonical.ts'
import type { Price, Rates, TieredRates } from '../core/price.ts'
import { readDecimal, wholeAt } from './decimal.ts'
import { ABILITIES, MODES, type Ability, type ModelEntry } from './entry.ts'

/** What the overlay says of one model; absent members keep what the generated data says, if it has the model. `price: null` is "unknown". */
export type OverlayModel = Partial<Omit<ModelEntry, 'provider' | 'model' | 'priceVersion'>>

/** `null` hides a model. Keys are `provider/model`. */
export type Overlay = { readonly version: string; readonly models: ReadonlyMap<string, OverlayModel | null> }

/** What is wrong with an overlay, and where. */
export class OverlayError extends Error {
  override readonly name = 'OverlayError'
}

/** USD per million tokens (or characters) to pico-dollars a token is six places, USD to nano-dollars nine, USD to pico-dollars twelve; USD a second to pico-dollars a millisecond is nine too. */
const MILLIONTHS = 6
const NANOS = 9
const PICOS = 12

const rateMembers = {
  input: decimal(MILLIONTHS),
  output: decimal(MILLIONTHS),
  cacheRead: decimal(MILLIONTHS).optional(),
  cacheWrite5m: decimal(MILLIONTHS).optional(),
  cacheWrite1h: decimal(MILLIONTHS).optional(),
  inputAudio: decimal(MILLIONTHS).optional(),
  outputAudio: decimal(MILLIONTHS).optional(),
  outputImage: decimal(MILLIONTHS).optional(),
  inputImage: decimal(MILLIONTHS).optional(),
}
/** What is billed by the piece. */
const pieceMembers = {
  perImage: decimal(PICOS).optional(),
  perAudioSecond: decimal(NANOS).optional(),
  perMillionCharacters: decimal(MILLIONTHS).optional(),
  perSearch: decimal(PICOS).optional(),
  pictures: z
    .record(z.string().regex(/^([a-z]{1,20}\/)?\d{1,5}x\d{1,5}$/, 'a kind of picture is [quality/]WIDTHxHEIGHT'), decimal(PICOS))
    .optional(),
}
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'a date is YYYY-MM-DD')
const tokens = z.int().positive().nullable()

const tierList = z.array(z.strictObject({ aboveInputTokens: z.int().positive(), ...rateMembers }))
/** What a service tier that is not the standard one costs. */
const serviceShape = z.strictObject({ ...rateMembers, tiers: tierList.optional() })

/** What a document says of one model. */
export const modelShape = z
  .strictObject({
    ...rateMembers,
    ...pieceMembers,
    input: rateMembers.input.optional(),
    output: rateMembers.output.optional(),
    tiers: tierList.optional(),
    services: z
      .record(z.string().regex(/^[a-z][a-z_]{0,39}$/, 'a service tier is a name of small letters, such as priority'), serviceShape)
      .optional(),
    perRequest: decimal(NANOS).optional(),
    perToolCall: decimal(NANOS).optional(),
    unpriced: z.literal(true).optional(),
    name: z.string().min(1).max(200).optional(),
    mode: z.enum(MODES).optional(),
    contextTokens: tokens.optional(),
    maxOutputTokens: tokens.optional(),
    abilities: z.array(z.enum(ABILITIES)).optional(),
    releasedOn: day.optional(),
    deprecatedOn: day.optional(),
    deprecatedSince: day.optional(),
    openrouterId: z.string().min(1).max(200).optional(),
  })
  .superRefine((model, context) => {
    const say = (member: string, message: string) => context.addIssue({ code: 'custom', path: [member], message })
    const others = Object.keys(model).filter((key) => PRICE_MEMBERS.has(key))
    if (model.unpriced && others.length) say('unpriced', `says that the price is unknown, but ${others.join(', ')} is given`)
    if (!model.unpriced && others.length)
      for (const key of ['input', 'output'] as const) if (model[key] === undefined) say(key, 'a price needs both input and output')
    const lists = [['tiers', model.tiers] as const, ...Object.values(model.services ?? {}).map((of) => ['services', of.tiers] as const)]
    for (const [member, tiers = []] of lists)
      for (const [at, tier] of tiers.entries())
        if (at > 0 && tier.aboveInputTokens <= (tiers[at - 1]?.aboveInputTokens ?? 0))
          say(member, 'tiers stand in rising order of aboveInputTokens')
  })

const PRICE_MEMBERS: ReadonlySet<string> = new Set([
  ...Object.keys(rateMembers),
  ...Object.keys(pieceMembers),
  'tiers',
  'services',
  'perRequest',
  'perToolCall',
])

/** Is this member part of a price? */
export function isPriceMember(member: string): boolean {
  return PRICE_MEMBERS.has(member)
}

const documentShape = z.strictObject({
  version: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,40}$/, 'a version is 1 to 40 letters, digits, points, dashes and underscores, such as 2026-11-21'),
  models: z.record(
    z.string().regex(/^[a-z0-9][a-z0-9-]*\/[^\s\p{Cc}]{1,200}$/u, 'a model is provider/model, such as openai/gpt-4o'),
    modelShape.nullable(),
  ),
})

/** Reads the text of an overlay document. Throws `OverlayError`, whose message names every wrong place. */
export function parseOverlay(text: string): Overlay {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    throw new OverlayError(`The catalogue overlay is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const read = documentShape.safeParse(document)
  if (!read.success)
    throw new OverlayError(`The catalogue overlay is wrong at ${read.error.issues.map((i) => `${at(i.path)}: ${i.message}`).join('; ')}`)
  const { version, models } = read.data
  const source = `overlay ${version}`
  return { version, models: new Map(Object.entries(models).map(([key, model]) => [key, model && modelOf(model, source)])) }
}

function modelOf(model: z.output<typeof modelShape>, source: string): OverlayModel {
  const price = priceOf(model, source)
  const { name, mode, contextTokens, maxOutputTokens, releasedOn, deprecatedOn, deprecatedSince, openrouterId } = model
  return {
    ...(price === undefined ? {} : { price }),
    ...(model.abilities ? { abilities: new Set<Ability>(model.abilities) } : {}),
    ...defined({ name, mode, contextTokens, maxOutputTokens, releasedOn, deprecatedOn, deprecatedSince, openrouterId }),
  }
}

/** The price of a model as a document says it; `null`: said to be unknown, `undefined`: not said. */
export function priceOf(model: z.output<typeof modelShape>, source: string): Price | null | undefined {
  if (model.unpriced) return null
  const { input, output, services, perRequest, perToolCall } = model
  if (input === undefined || output === undefined) return undefined
  return {
    ...tieredOf({ ...model, input, output }),
    ...(services ? { services: Object.fromEntries(Object.entries(services).map(([name, of]) => [name, tieredOf(of)])) } : {}),
    ...defined({ perRequestNanoUsd: perRequest, perToolCallNanoUsd: perToolCall, perUnit: piecesOf(model), pictures: model.pictures }),
    source,
  }
}

function tieredOf(given: z.output<typeof serviceShape>): TieredRates {
  const { tiers } = given
  return {
    ...ratesOf(given),
    ...(tiers?.length ? { tiers: tiers.map((tier) => ({ aboveInputTokens: tier.aboveInputTokens, ...ratesOf(tier) })) } : {}),
  }
}

/** `perUnit.images` is the dearest picture. */
function piecesOf(model: z.output<typeof modelShape>): Units | undefined {
  const { perImage, perAudioSecond, perMillionCharacters, perSearch, pictures = {} } = model
  const kinds = [...(perImage === undefined ? [] : [perImage]), ...Object.values(pictures)]
  const pieces = defined({
    images: kinds.length === 0 ? undefined : Math.max(...kinds),
    audioMs: perAudioSecond,
    characters: perMillionCharacters,
    searches: perSearch,
  })
  return Object.keys(pieces).length === 0 ? undefined : pieces
}

function ratesOf(
  given: { readonly [Kind in keyof Rates]: Rates[Kind] | undefined } & { readonly input: number; readonly output: number },
): Rates {
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h, inputAudio, outputAudio, outputImage, inputImage } = given
  return { input, output, ...defined({ cacheRead, cacheWrite5m, cacheWrite1h, inputAudio, outputAudio, outputImage, inputImage }) }
}

type Defined<T> = { -readonly [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(members: T): Defined<T> {
  // Only `undefined` is taken out, which is what the type says.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>
}

/** A JSON number is read by its shortest decimal text, so `0.15` means fifteen hundredths. */
function decimal(power: number) {
  return z.union([z.string(), z.number()], 'expected a decimal, as a string or a number').transform((given, context) => {
    const value = readDecimal(String(given))
    const whole = value && wholeAt(value, power)
    if (whole !== null) return whole
    const message = value
      ? `${given} has more than ${power} decimal places, or is too large`
      : `${JSON.stringify(given)} is not a decimal from zero up`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}

function at(path: readonly PropertyKey[]): string {
  return path.length
    ? path
        .map((step) =>
          typeof step === 'number' ? `[${step}]` : /^\w+$/.test(String(step)) ? `.${String(step)}` : `[${JSON.stringify(String(step))}]`,
        )
        .join('')
        .replace(/^\./, '')
    : 'the top'
}
