// Which targets a request's preferences remove, and by which word. Only removes: nothing here orders. The numbers are those that the listings show.

import { raised, type Price } from '../core/price.ts'
import { meansPlace } from './slugs.ts'
import type { ProviderWish } from './wishes.ts'

/** Fixed words, so that telling them costs nothing. */
export const REMOVALS = [
  'only',
  'ignore',
  'free',
  'zdr',
  'data_collection',
  'quantizations',
  'enforce_distillable_text',
  'max_price',
  'require_parameters',
] as const
export type Removal = (typeof REMOVALS)[number]

/** What is listed of a price, with the operator's markups: pico-dollars a token (`audio`: of sound heard), a picture made, a request. `null`: not said, which is not zero. */
export type ListedPrice = {
  readonly prompt: number
  readonly completion: number
  readonly image: number | null
  readonly audio: number | null
  readonly request: number
}

/** The standard rates, before any tier of long prompts. */
export function listedPrice(price: Price): ListedPrice {
  const { input, output, inputAudio, perRequestNanoUsd = 0, perUnit, markups } = price
  const images = perUnit?.images
  return {
    prompt: raised(input, markups),
    completion: raised(output, markups),
    image: images === undefined ? null : raised(images, markups),
    audio: inputAudio === undefined ? null : raised(inputAudio, markups),
    request: raised(perRequestNanoUsd * 1000, markups),
  }
}

/** What the filters must know of a target. */
export type TargetFacts = {
  /** Its provider's id. */
  readonly provider: string
  /** Its quantization and its region, where they are known. */
  readonly tags: readonly string[]
  /** `null`: unpriced, which no limit lets through. */
  readonly price: Price | null
  /** As `quantizationOf` has it: a word of OpenRouter's, `unknown` among them. */
  readonly quantization: string
  /** As `handlingOf` (catalogue/data-policy.ts) has it. */
  readonly zdr: boolean
  readonly collects: boolean
  /** Its licence is known to let other models learn from its answers. */
  readonly distillable: boolean
  /** Asked only when parameters are required. */
  supports(parameter: string): boolean
}

/**
 * The first preference that removes the target; `null`: it stays. `used`: the parameters of the request (`usedParameters`). `free`: the name ended in `:free`.
 */
export function removedBy(target: TargetFacts, wish: ProviderWish | null, used: readonly string[], free: boolean): Removal | null {
  if (free && !isFree(target.price)) return 'free'
  if (wish === null) return null
  const isNamed = (slug: string): boolean => meansPlace(slug, target)
  if (wish.only !== null && !wish.only.some(isNamed)) return 'only'
  if (wish.ignore.some(isNamed)) return 'ignore'
  if (wish.zdr && !target.zdr) return 'zdr'
  if (wish.denyCollection && target.collects) return 'data_collection'
  if (wish.quantizations !== null && !wish.quantizations.includes(target.quantization)) return 'quantizations'
  if (wish.distillable && !target.distillable) return 'enforce_distillable_text'
  if (!isWithin(target.price, wish.maxPrice)) return 'max_price'
  return wish.requireParameters && !used.every((parameter) => target.supports(parameter)) ? 'require_parameters' : null
}

/** Of these targets those that bind a reply to its schema, when the request wants that; all of them when nobody is known to. Hosts of one model differ in it, and most ignore the member. */
export function thatKeepSchema<T extends Pick<TargetFacts, 'supports'>>(targets: readonly T[], used: readonly string[]): readonly T[] {
  if (!used.includes('structured_outputs')) return targets
  const able = targets.filter((target) => target.supports('structured_outputs'))
  return able.length === 0 ? targets : able
}

/** The place in `order` at which the target is named, lower first; `null`: not at all. */
export function placeInOrder(target: Pick<TargetFacts, 'provider' | 'tags'>, order: readonly string[]): number | null {
  const at = order.findIndex((slug) => meansPlace(slug, target))
  return at < 0 ? null : at
}

function isFree(price: Price | null): boolean {
  if (price === null) return false
  const { prompt, completion, request } = listedPrice(price)
  return prompt === 0 && completion === 0 && request === 0 && Object.values(price.perUnit ?? {}).every((pico) => pico === 0)
}

function isWithin(price: Price | null, limits: ProviderWish['maxPrice']): boolean {
  const said = (['prompt', 'completion', 'image', 'audio', 'request'] as const).flatMap((name) => {
    const limit = limits[name]
    return limit === undefined ? [] : [{ name, limit }]
  })
  if (said.length === 0) return true
  if (price === null) return false
  const listed = listedPrice(price)
  // What is not sold by the picture or heard costs nothing by it.
  return said.every(({ name, limit }) => (listed[name] ?? 0) <= limit)
}
