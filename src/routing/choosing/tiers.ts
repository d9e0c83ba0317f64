// Owns which models of one vendor are its cheap, its middle and its strong one today, by what the catalogue says: prices, days of release, ends.
// No list of names to keep up to date; a model of the operator's overlay counts like any other.

import type { ModelEntry } from '../../catalogue/entry.ts'

export const TIERS = ['cheap', 'middle', 'strong'] as const
export type Tier = (typeof TIERS)[number]
export type Tiers = { readonly [tier in Tier]: ModelEntry }

const DAY_MS = 86_400_000
/** A model whose end is nearer than this is not recommended any more. */
const ENDING_MS = 90 * DAY_MS
/** What was released longer than this before the vendor's newest is of another generation. */
const GENERATION_MS = 365 * DAY_MS

/** Names of models for one purpose; taken only where there is nothing else. */
const SPECIAL = new Set(
  'search audio image tts research customtools guard ocr computer robotics live codex coder code codestral devstral build vision vl omni math translate mt char deep roleplay asr'.split(
    ' ',
  ),
)
const STAGES = new Set(['preview', 'latest', 'beta', 'exp', 'experimental'])

/**
 * Of one vendor's entries those that are current: the newest of each family, of one generation; priced chat models that go on being served,
 * and those for all purposes where there are some.
 */
export function currentOf(entries: Iterable<ModelEntry>, nowMs: number): readonly ModelEntry[] {
  const usable = [...entries].filter((entry) => isUsable(entry, nowMs))
  // A name that OpenRouter lists too is one that is offered today; what stands in the catalogue alone may be an alias or a leftover.
  const offered = preferring(usable, ({ openrouterId }) => openrouterId !== undefined)
  const able = preferring(offered, ({ abilities }) => abilities.has('tools'))
  const general = preferring(able, ({ model }) => !wordsOf(model).some((word) => SPECIAL.has(word)))
  return ofOneGeneration(newestOfFamilies(general))
}

/** The cheapest, the dearest and the one between by price. Fewer than three stand for several tiers. `null`: there are none. */
export function tiersAmong(entries: readonly ModelEntry[]): Tiers | null {
  const sorted = [...entries].sort((a, b) => costOf(a) - costOf(b) || newerFirst(a, b))
  const [cheap] = sorted
  if (cheap === undefined) return null
  const dearest = costOf(sorted.at(-1) ?? cheap)
  const strong = sorted.find((entry) => costOf(entry) === dearest) ?? cheap
  const between = (Math.log1p(costOf(cheap)) + Math.log1p(dearest)) / 2
  const away = (entry: ModelEntry): number => Math.abs(Math.log1p(costOf(entry)) - between)
  const inner = sorted.filter((entry) => costOf(entry) > costOf(cheap) && costOf(entry) < dearest)
  const middle = inner.reduce<ModelEntry | null>((best, entry) => (best === null || away(entry) < away(best) ? entry : best), null)
  // Of two the dearer stands between: what is not known to be easy goes there.
  return { cheap, middle: middle ?? strong, strong }
}

/** Pico-dollars for three tokens in and one out, which orders prices as ordinary chats do. `Infinity`: unpriced. */
export function costOf({ price }: ModelEntry): number {
  return price === null ? Number.POSITIVE_INFINITY : 3 * price.input + price.output
}

function isUsable(entry: ModelEntry, nowMs: number): boolean {
  const { mode, price, abilities, deprecatedOn, deprecatedSince, model } = entry
  if (mode !== 'chat' || price === null || price.input <= 0 || price.output <= 0) return false
  if (abilities.has('audio-output') || abilities.has('image-output') || model.startsWith('ft:')) return false
  if (deprecatedSince !== undefined && dayMs(deprecatedSince) <= nowMs) return false
  return deprecatedOn === undefined || dayMs(deprecatedOn) > nowMs + ENDING_MS
}

function preferring(entries: readonly ModelEntry[], test: (entry: ModelEntry) => boolean): readonly ModelEntry[] {
  const found = entries.filter(test)
  return found.length > 0 ? found : entries
}

function newestOfFamilies(entries: readonly ModelEntry[]): readonly ModelEntry[] {
  const newest = new Map<string, ModelEntry>()
  for (const entry of entries) {
    const family = familyOf(entry.model)
    const known = newest.get(family)
    if (known === undefined || newerFirst(entry, known) < 0) newest.set(family, entry)
  }
  return [...newest.values()]
}

/** Where no day is known the number of the version tells: it must not be below that of the newest whose day is known. */
function ofOneGeneration(entries: readonly ModelEntry[]): ModelEntry[] {
  const dated = entries.filter((entry) => releasedMs(entry) !== null).sort(newerByDay)
  const [newest] = dated
  if (newest === undefined) return [...entries]
  const since = (releasedMs(newest) ?? 0) - GENERATION_MS
  return entries.filter((entry) => {
    const released = releasedMs(entry)
    return released === null ? compareVersions(versionOf(entry.model), versionOf(newest.model)) >= 0 : released >= since
  })
}

function newerByDay(a: ModelEntry, b: ModelEntry): number {
  return (releasedMs(b) ?? 0) - (releasedMs(a) ?? 0) || newerFirst(a, b)
}

/** Below 0: `a` is the newer. Of equal ones the shorter name, which is the one without a date. */
function newerFirst(a: ModelEntry, b: ModelEntry): number {
  const byVersion = compareVersions(versionOf(b.model), versionOf(a.model))
  if (byVersion !== 0) return byVersion
  const [of, at] = [releasedMs(a), releasedMs(b)]
  if (of !== null && at !== null && of !== at) return at - of
  return a.model.length - b.model.length || (a.model < b.model ? -1 : 1)
}

/** A month in the name (`-2512`) is the maker's own word; the sources often tell the day of the alias instead. */
function releasedMs({ model, releasedOn }: ModelEntry): number | null {
  const named = /-(2[3-9])(0[1-9]|1[0-2])$/u.exec(model)
  const ms = named === null ? dayMs(releasedOn ?? '') : Date.UTC(2000 + Number(named[1]), Number(named[2]) - 1, 1)
  return Number.isNaN(ms) ? null : ms
}

function dayMs(day: string): number {
  return Date.parse(`${day}T00:00:00Z`)
}

function wordsOf(model: string): string[] {
  return model.toLowerCase().split(/[^a-z0-9.]+/u)
}

/** A name without versions, days and stages; sizes (`27b`) stay. `gpt-5.4-mini` is `gpt mini`, `qwen3-max` is `qwen max`. */
function familyOf(model: string): string {
  return wordsOf(model)
    .filter((word) => !STAGES.has(word))
    .map((word) => (/^\d+b$/u.test(word) ? word : word.replaceAll(/[\d.]+/gu, '')))
    .filter((word) => word !== '' && word !== 'v')
    .sort()
    .join(' ')
}

/** The numbers of a version, the greater first: `claude-opus-4-6` is 4, 6. Days, months and sizes are none. */
function versionOf(model: string): readonly number[] {
  const numbers: number[] = []
  for (const word of wordsOf(model)) {
    if (/^\d+b$/u.test(word)) continue
    for (const [digits] of word.matchAll(/\d+/gu)) {
      if (digits.length > 2 || (numbers.length === 0 && digits.startsWith('0'))) return numbers
      numbers.push(Number(digits))
    }
  }
  return numbers.slice(0, 3)
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const order = (a[i] ?? 0) - (b[i] ?? 0)
    if (order !== 0) return order
  }
  return 0
}
