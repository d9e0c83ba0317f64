// The members with which limits are said and told, of a key as of its model limits: money, its period, and how much may be asked.

import * as z from 'zod'
import { nanoOf } from '../core/money.ts'
import type { RateLimits } from '../core/rates.ts'
import { isReset } from '../core/window.ts'

export const limit = z
  .number()
  .nullable()
  .refine((usd) => usd === null || nanoOf(usd) !== null, 'must be US dollars from 0 to 4,000,000, in whole nano-dollars')
  .transform((usd) => (usd === null ? null : nanoOf(usd)))
export const reset = z.string().refine(isReset, 'must be null, daily, weekly, monthly, or a span such as 30s, 15m, 24h, 7d, 1mo').nullable()
export const rate = z.int().min(1).max(1_000_000_000_000).nullable().optional()

const NAMES = {
  requestsPerMinute: 'requests_per_minute',
  requestsPerDay: 'requests_per_day',
  tokensPerMinute: 'tokens_per_minute',
  tokensPerDay: 'tokens_per_day',
  parallelRequests: 'parallel_requests',
} as const satisfies { readonly [name in keyof RateLimits]: string }
const PAIRS = Object.entries(NAMES) as readonly (readonly [keyof RateLimits, (typeof NAMES)[keyof RateLimits]])[] // its own names

type Said = { readonly [name in (typeof NAMES)[keyof RateLimits]]?: number | null | undefined }

/** Only those that were said. */
export function rateLimitsSaid(said: Said | undefined): Partial<RateLimits> {
  return Object.fromEntries(PAIRS.map(([name, member]) => [name, said?.[member]] as const).filter(([, most]) => most !== undefined))
}

/** Only those that there are. */
export function rateLimitsTold(limits: RateLimits): { readonly [name: string]: number } {
  return Object.fromEntries(PAIRS.flatMap(([name, member]) => (limits[name] === null ? [] : [[member, limits[name]]])))
}
