// Whole numbers of a query, such as `limit` and `offset`.

import { GatewayError } from '../core/errors.ts'

/** At most `most`. @throws GatewayError `request-malformed` */
export function whole(text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new GatewayError('request-malformed', 'limit and offset are whole numbers from 0 up.')
  return Math.min(value, most)
}
