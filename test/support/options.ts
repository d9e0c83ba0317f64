// Options and views for tests of routing: plain ones, with what a test says instead.

import type { Option, View } from '../../src/routing/contract.ts'
import { UNKNOWN_HEALTH } from '../../src/routing/health.ts'

export const NOW = Date.UTC(2026, 10, 21, 12)

/** An option of weight 1 about which nothing is known. */
export function option(
  id: string,
  said: Partial<Omit<Option, 'id' | 'health'>> & { readonly health?: Partial<Option['health']> } = {},
): Option {
  const { health, ...rest } = said
  return {
    id,
    model: id,
    weight: 1,
    priority: 0,
    price: null,
    rpm: null,
    tpm: null,
    cached: null,
    ...rest,
    health: { ...UNKNOWN_HEALTH, ...health },
  }
}

/** A thousand tokens in, two hundred out. */
export function view(random: () => number, said: Partial<View> = {}): View {
  return { now: NOW, random, conversation: null, key: 'key-1', user: null, promptTokens: 1000, outputTokens: 200, choosing: null, ...said }
}

/** Dollars a million tokens, as providers print them. */
export function price(input: number, output: number, cacheRead: number | null = null): NonNullable<Option['price']> {
  return { inputPico: input * 1e6, outputPico: output * 1e6, cacheReadPico: cacheRead === null ? null : cacheRead * 1e6 }
}

/** All four percentiles alike. */
export function quantiles(value: number): NonNullable<Option['health']['firstContentMs']> {
  return { p50: value, p75: value, p90: value, p99: value }
}
