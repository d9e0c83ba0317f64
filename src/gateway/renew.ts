// Keeps the hold of a long request alive: renewed at half its life, so that it never expires under a call that still runs.

import type { Hold } from '../core/account.ts'
import type { Account } from '../ports.ts'
import type { Job } from './job.ts'
import type { Meter } from './meter.ts'

/** Gives back what ends it. A renewal that fails is tried again at the next turn; an expired hold is booked and corrected by the settle. */
export function renewing(job: Job, account: Account, hold: () => Hold, meter: () => Meter | null): () => void {
  const half = Math.max(1000, Math.floor((hold().expiresAt - job.deps.now()) / 2))
  const timer = setInterval(() => void account.renew(hold(), meter()?.ranNanoUsd).catch(() => undefined), half)
  return () => clearInterval(timer)
}
