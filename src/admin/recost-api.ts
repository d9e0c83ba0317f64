// `POST /api/v1/recost`: what the requests of a span of time would have cost at other prices. For the admin key only; it writes nothing.

import { Hono } from 'hono'
import * as z from 'zod'
import { createCatalogue } from '../catalogue/index.ts'
import { OverlayError, parseOverlay } from '../catalogue/overlay.ts'
import { nameOf, priced } from '../catalogue/price-book.ts'
import { GatewayError } from '../core/errors.ts'
import { dollarsNumber } from '../core/money.ts'
import type { Price } from '../core/price.ts'
import { addRecost, noRecost, type Recost } from '../core/recost.ts'
import { makeDeps } from '../deps.ts'
import { objectOf } from '../platform/account.ts'
import type { Env } from '../platform/env.ts'
import { findKeyId } from '../platform/policies.ts'
import { walkRows, type Place } from '../platform/row-walk.ts'
import type { Deps } from '../ports.ts'
import { check, readJson } from './key-input.ts'

export const recostApi = new Hono<{ Bindings: Env }>()

const instant = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a date and time such as 2027-01-31T00:00:00Z')
  .transform((text) => Date.parse(text))

/** `KEY.` or `KEY.MS.ID`, as `next` of the answer before. */
const AFTER = /^([\w-]{1,64})\.(?:(\d{1,15})\.([\w-]{1,64}))?$/

const shape = z
  .strictObject({
    from: instant,
    to: instant,
    api_key_hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits, as the keys API tells them')
      .optional(),
    prices: z.union(
      [z.literal(['catalogue', 'current']), z.record(z.string(), z.unknown())],
      'must be "catalogue", "current", or a document as the overlay of the catalogue is',
    ),
    after: z.string().regex(AFTER, 'must be `next` of the answer before').optional(),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be later than `from`' })

/** Prices under a name. */
type Prices = { readonly version: string; readonly priceOf: (provider: string, model: string) => Price | null }

recostApi.post('/', async (c) => {
  const said = check(shape, await readJson(c.req.raw))
  const prices = await pricesOf(said.prices, makeDeps(c.env, c.executionCtx))
  const keyId = said.api_key_hash === undefined ? null : await findKeyId(c.env.DB, said.api_key_hash)
  if (keyId === null && said.api_key_hash !== undefined) throw new GatewayError('record-unknown', 'There is no key with this hash.')
  if (keyId !== null) await objectOf(c.env, keyId).flush()
  const models = new Map<string, Recost>()
  const total = noRecost()
  const next = await walkRows(c.env.DB, { from: said.from, until: said.to, keyId }, placeOf(said.after), (row) => {
    const { provider, model } = row
    const price = provider === null || model === null ? null : prices.priceOf(provider, model)
    const name = provider === null ? 'unknown' : `${provider}/${model ?? ''}`
    const sums = models.get(name) ?? noRecost()
    models.set(name, sums)
    addRecost(sums, row, price)
    addRecost(total, row, price)
  })
  const dearestFirst = [...models].toSorted(([a, { bookedNanoUsd: x }], [b, { bookedNanoUsd: y }]) => y - x || (a < b ? -1 : 1))
  return c.json({
    data: dearestFirst.map(([model, sums]) => ({ model, ...told(sums) })),
    total: told(total),
    prices: prices.version,
    next: next === null ? null : `${next.keyId}.${next.row === null ? '' : `${next.row.createdAt}.${next.row.id}`}`,
  })
})

/** `current`: what a request would be booked at now, but for what its key adds. */
async function pricesOf(said: 'catalogue' | 'current' | { readonly [name: string]: unknown }, deps: Deps): Promise<Prices> {
  const catalogue = typeof said === 'string' ? await deps.catalogue() : createCatalogue(readOverlay(said))
  const book = said === 'current' ? await deps.prices() : null
  return {
    version: book === null ? catalogue.priceVersion : `${catalogue.priceVersion}+${nameOf(book.version)}`,
    priceOf: (provider, model) => priced(book, provider, model, catalogue.lookUp(provider, model))?.price ?? null,
  }
}

function readOverlay(document: { readonly [name: string]: unknown }): ReturnType<typeof parseOverlay> {
  try {
    return parseOverlay(JSON.stringify(document))
  } catch (cause) {
    if (!(cause instanceof OverlayError)) throw cause
    throw new GatewayError('request-malformed', `prices: ${cause.message}`, { at: 'prices', cause })
  }
}

function placeOf(after: string | undefined): Place | null {
  const [, keyId, createdAt, id] = AFTER.exec(after ?? '') ?? []
  if (keyId === undefined) return null
  return { keyId, row: createdAt === undefined || id === undefined ? null : { createdAt: Number(createdAt), id } }
}

function told(sums: Recost): { readonly [name: string]: unknown } {
  const difference = sums.otherNanoUsd - sums.bookedNanoUsd
  return {
    requests: sums.requests,
    compared: sums.compared,
    booked: dollarsNumber(sums.bookedNanoUsd),
    other: dollarsNumber(sums.otherNanoUsd),
    difference: dollarsNumber(difference),
    newly_priced: { requests: sums.newlyPriced, other: dollarsNumber(sums.newlyPricedNanoUsd) },
    not_priced: {
      requests: Object.values(sums.unpriced).reduce((sum, count) => sum + count, 0),
      booked: dollarsNumber(sums.unpricedBookedNanoUsd),
      because: sums.unpriced,
    },
    sluice: {
      booked_nano_usd: sums.bookedNanoUsd,
      other_nano_usd: sums.otherNanoUsd,
      difference_nano_usd: difference,
      newly_priced_nano_usd: sums.newlyPricedNanoUsd,
      not_priced_booked_nano_usd: sums.unpricedBookedNanoUsd,
    },
  }
}
