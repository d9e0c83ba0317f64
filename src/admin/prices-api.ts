// The operator's own prices and markups under `/api/v1/prices`, for the admin key only: look at them, set them, take them away.

import { Hono } from 'hono'
import { priceDocument } from '../catalogue/price-document.ts'
import { GatewayError } from '../core/errors.ts'
import type { Env } from '../platform/env.ts'
import { newestPrices, pricesOfVersion, writePrices, type PriceVersion } from '../platform/prices.ts'
import { check, readJson } from './key-input.ts'

export const pricesApi = new Hono<{ Bindings: Env }>()

pricesApi.get('/', async (c) => {
  const asked = c.req.query('version')
  if (asked !== undefined && !/^[1-9]\d{0,9}$/.test(asked))
    throw new GatewayError('request-malformed', 'version: must be a whole number from 1 up.', { at: 'version' })
  const found = asked === undefined ? await newestPrices(c.env.DB) : await pricesOfVersion(c.env.DB, Number(asked))
  if (found === null)
    throw new GatewayError(
      'record-unknown',
      asked === undefined ? 'Nobody has set prices: the catalogue counts.' : 'There is no such version.',
    )
  return c.json({ data: told(found) })
})

pricesApi.put('/', async (c) => {
  const document = await readJson(c.req.raw)
  check(priceDocument, document)
  return c.json({ data: told(await writePrices(c.env, document, Date.now())) })
})

/** The catalogue counts again. A version of its own, so that no older one can come back. */
pricesApi.delete('/', async (c) => {
  await writePrices(c.env, {}, Date.now())
  return c.json({ deleted: true })
})

function told({ version, createdAt, document }: PriceVersion): { readonly [name: string]: unknown } {
  return { version, price_version: `prices-${version}`, created_at: new Date(createdAt).toISOString(), document }
}
