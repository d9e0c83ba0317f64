// Soft limits: what is spent reaches one, and somebody is warned; nothing is refused for it.

import { dollarsText } from './money.ts'

/** A budget that is at its soft limit or over it. Whole nano-dollars. */
export type Over = { readonly spentNanoUsd: number; readonly softNanoUsd: number }
/** `scope`: `key`, or a shared budget. */
export type Warning = Over & { readonly scope: string }

/** `undefined`: there is no soft limit, or less is spent. */
export function overSoft(spentNanoUsd: number, softNanoUsd: number | null | undefined): Over | undefined {
  return softNanoUsd == null || spentNanoUsd < softNanoUsd ? undefined : { spentNanoUsd, softNanoUsd }
}

/** The value of `x-sluice-budget-warning`: `team:blue spent=1.5 soft_limit=1`, several by commas. US dollars. */
export function warningText(warnings: readonly Warning[]): string {
  return warnings
    .map(({ scope, spentNanoUsd, softNanoUsd }) => `${scope} spent=${dollarsText(spentNanoUsd)} soft_limit=${dollarsText(softNanoUsd)}`)
    .join(', ')
}
