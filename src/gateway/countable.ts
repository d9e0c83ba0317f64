// Whether what an answer costs can be counted while it runs. What thinks unseen, speaks or draws cannot: it is held whole.

import type { Candidate } from './planning/candidate.ts'
import type { Job } from './job.ts'

/** It thinks when it is asked to, and not otherwise. */
const THINKS_WHEN_ASKED = /claude/i
const NONE: ReadonlySet<string> = new Set()

export function isCountable({ intent, client }: Job, { provider, model, entry }: Candidate): boolean {
  if (!intent.stream || intent.choices !== 1 || intent.isCeilingFixed === true || intent.units !== undefined) return false
  const price = entry?.price ?? null
  if (price === null || price.outputAudio !== undefined || price.outputImage !== undefined) return false
  const abilities = entry?.abilities ?? NONE
  const isAsked = intent.needs.has('reasoning')
  const thinks = abilities.has('reasoning') ? isAsked || !THINKS_WHEN_ASKED.test(model) : isAsked && abilities.size === 0
  if (!thinks) return true
  // A thinking budget bounds it, where it is told in the place's own language.
  const isOwn = (provider.voicesFor?.(model) ?? provider.voices).some(({ dialect }) => dialect === client.id)
  return isOwn && intent.reasoningTokens !== null
}
