// How a model's life ends: when its provider stops serving it, how that is told in headers, and which model may take its place.

import type { Catalogue } from './index.ts'
import type { ModelEntry } from './entry.ts'

export type Life = {
  /** Since when the provider advises against it; `null`: nobody said. */
  readonly deprecation: Date | null
  /** The beginning, in UTC, of the day on which it is no longer served; may be past. */
  readonly sunset: Date
}

const DAY_MS = 86_400_000
/** Ends farther away than this are placeholders of the sources (2098-12-31), or nobody's concern yet. */
const FORESEEN_MS = 400 * DAY_MS

/** `null`: no end is known, or none within 400 days. `now` in milliseconds. */
export function lifeOf(entry: ModelEntry, now: number): Life | null {
  const sunset = dayOf(entry.deprecatedOn)
  if (sunset === null || sunset.getTime() > now + FORESEEN_MS) return null
  return { deprecation: dayOf(entry.deprecatedSince), sunset }
}

function dayOf(text: string | undefined): Date | null {
  if (text === undefined) return null
  const date = new Date(`${text}T00:00:00Z`)
  return Number.isNaN(date.getTime()) ? null : date
}

/** `Deprecation` (RFC 9745: a structured date, seconds) where it is known, and `Sunset` (RFC 8594: an HTTP date). */
export function lifeHeaders({ deprecation, sunset }: Life): readonly (readonly [name: string, value: string])[] {
  const end = ['sunset', sunset.toUTCString()] as const
  return deprecation === null ? [end] : [['deprecation', `@${Math.floor(deprecation.getTime() / 1000)}`], end]
}

/**
 * The name (`provider/model`) of what may stand in: at the same provider, of the same family and kind, released later, able to do all that
 * the old one can, with as much context, and with no end in sight. The newest of these; `null` where there is none or two are equally new.
 * A suggestion for people: its price and its answers differ.
 */
export function substituteFor(entry: ModelEntry, catalogue: Catalogue): string | null {
  const family = familyOf(entry.model)
  let best: ModelEntry | null = null
  let isTied = false
  for (const other of catalogue.list()) {
    if (other.provider !== entry.provider || familyOf(other.model) !== family || !mayReplace(other, entry)) continue
    const order = best === null ? 1 : newer(other, best)
    if (order > 0) {
      best = other
      isTied = false
    } else if (order === 0) isTied = true
  }
  return best === null || isTied ? null : `${best.provider}/${best.model}`
}

function mayReplace(other: ModelEntry, entry: ModelEntry): boolean {
  if (other.deprecatedOn !== undefined || other.mode !== entry.mode || (isPreview(other.model) && !isPreview(entry.model))) return false
  if (other.releasedOn === undefined || entry.releasedOn === undefined || other.releasedOn <= entry.releasedOn) return false
  if (entry.contextTokens !== null && (other.contextTokens === null || other.contextTokens < entry.contextTokens)) return false
  return [...entry.abilities].every((ability) => other.abilities.has(ability))
}

/** Above 0: `a` is newer. Of one day the shorter name, which is the one without a date. */
function newer(a: ModelEntry, b: ModelEntry): number {
  const [of, at] = [a.releasedOn ?? '', b.releasedOn ?? '']
  if (of !== at) return of > at ? 1 : -1
  return b.model.length - a.model.length
}

const STAGES: ReadonlySet<string> = new Set(['preview', 'latest', 'beta', 'exp', 'experimental'])

/** A name without versions, dates and stages: `claude-3-7-sonnet-20250219` and `claude-sonnet-4` are both `claude sonnet`. Sizes (`70b`) and such stay. */
function familyOf(model: string): string {
  return wordsOf(model)
    .filter((word) => !/^v?\d+$/.test(word) && !STAGES.has(word))
    .sort()
    .join(' ')
}

function isPreview(model: string): boolean {
  return wordsOf(model).some((word) => STAGES.has(word) && word !== 'latest')
}

function wordsOf(model: string): string[] {
  return model.toLowerCase().split(/[^a-z0-9]+/)
}
