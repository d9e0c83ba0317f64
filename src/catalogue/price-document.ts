// Owns the document of the operator's own prices: what it may say, and the book it means.

import { z } from 'zod'
import type { Price } from '../core/price.ts'
import { isPriceMember, modelShape, priceOf } from './overlay.ts'
import { nameOf, type PriceBook } from './price-book.ts'

/** Ten times the price on top. */
export const MOST_BASIS_POINTS = 100_000
export const basisPoints = z.int().min(0).max(MOST_BASIS_POINTS)

const name = z.string().regex(/^[a-z0-9][a-z0-9-]*\/[^\s\p{Cc}]{1,200}$/u, 'a name is provider/model or provider/*, such as openai/gpt-4o')

/** What a document may say; its places are those of the overlay, but of prices only. */
export const priceDocument = z.strictObject({
  prices: z
    .record(
      name,
      modelShape.superRefine((model, context) => {
        for (const member of Object.keys(model))
          if (!isPriceMember(member))
            context.addIssue({ code: 'custom', path: [member], message: 'is no part of a price: it belongs to the overlay' })
        for (const member of ['input', 'output'] as const)
          if (model[member] === undefined)
            context.addIssue({ code: 'custom', path: [member], message: 'a price needs both input and output' })
      }),
    )
    .optional(),
  markup_basis_points: z.record(name, basisPoints).optional(),
})

/** A document of a version. @throws ZodError when it is none */
export function priceBook(version: number, document: unknown): PriceBook {
  const said = priceDocument.parse(document)
  const prices = Object.entries(said.prices ?? {}).map(([of, model]) => [of, priceOf(model, nameOf(version))] as const)
  return {
    version,
    prices: new Map(prices.filter((pair): pair is readonly [string, Price] => pair[1] != null)),
    markups: new Map(Object.entries(said.markup_basis_points ?? {})),
  }
}
