// By what was measured lately. What was never measured stands behind, but for a small share of the requests, by which it becomes known.

import type { Option, Quantiles, Strategy, StrategySettings } from '../contract.ts'
import { LAST, ranked } from '../ordering.ts'

/** Of the requests, while something is unknown and something else is not. */
export const EXPLORED_SHARE = 0.05

export const fastest: Strategy = {
  id: 'fastest',
  order(options, view, settings) {
    const unknown = options.filter((option) => measured(option, settings) === null)
    const explores = unknown.length > 0 && unknown.length < options.length && view.random() < EXPLORED_SHARE
    const explored = explores ? unknown[Math.floor(view.random() * unknown.length)] : undefined
    const known = settings.measure === 'throughput' ? 'throughput' : 'first-content'
    return ranked(
      options,
      (option) => (option === explored ? 0 : (measured(option, settings) ?? LAST)),
      (option) => (option === explored ? 'explored' : measured(option, settings) === null ? 'not-measured' : known),
    )
  },
}

/** Milliseconds: to the first content, or for an output token; `null`: no sample. Where no percentile is asked for, the last few calls count first. */
function measured(option: Option, settings: StrategySettings): number | null {
  const { firstContentMs, tokensPerSecond, latest } = option.health
  const soon = settings.percentile === undefined ? latest : undefined
  if (settings.measure !== 'throughput') return soon?.firstContentMs ?? firstContentMs?.[nameOf(settings)] ?? null
  const speed = soon?.tokensPerSecond ?? tokensPerSecond?.[nameOf(settings)] ?? null
  return speed === null ? null : 1000 / speed
}

function nameOf(settings: StrategySettings): keyof Quantiles {
  return settings.percentile === undefined ? 'p50' : `p${settings.percentile}`
}
