// Budget periods, computed from the clock at read time: there is no reset job that could be late.

/** What `limit_reset` may say: a calendar period at 00:00 UTC (weeks begin on Monday), or a span counted from the key's creation. */
export type Period = { readonly id: string; readonly resetsAt: number | null }

const UNIT_MS: { readonly [unit: string]: number } = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DAY_MS = 86_400_000
/** 1970-01-05 was a Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MS

/** Is this a period we know: `daily`, `weekly`, `monthly`, `30s`, `15m`, `24h`, `7d`, `1mo`? */
export function isReset(text: string): boolean {
  return text === 'daily' || text === 'weekly' || text === 'monthly' || parseSpan(text) !== null
}

/** The period that `now` lies in. Times are milliseconds since the epoch; `reset: null` never resets. */
export function periodAt(reset: string | null, createdAt: number, now: number): Period {
  if (reset === null) return { id: 'ever', resetsAt: null }
  if (reset === 'daily') return calendar('d', Math.floor(now / DAY_MS) * DAY_MS, DAY_MS)
  if (reset === 'weekly')
    return calendar('w', Math.floor((now - FIRST_MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + FIRST_MONDAY_MS, 7 * DAY_MS)
  if (reset === 'monthly') return monthly(now)
  const span = parseSpan(reset)
  if (span === null) return { id: 'ever', resetsAt: null }
  if (span.unit === 'mo') return monthsFrom(createdAt, span.count, now)
  const length = span.count * (UNIT_MS[span.unit] ?? 0)
  const index = Math.max(0, Math.floor((now - createdAt) / length))
  return { id: `${reset}:${index}`, resetsAt: createdAt + (index + 1) * length }
}

function parseSpan(text: string): { readonly count: number; readonly unit: string } | null {
  const match = /^([1-9][0-9]{0,5})(s|m|h|d|mo)$/.exec(text)
  return match === null ? null : { count: Number(match[1]), unit: match[2] as string }
}

function calendar(kind: string, start: number, length: number): Period {
  return { id: `${kind}:${new Date(start).toISOString().slice(0, 10)}`, resetsAt: start + length }
}

function monthly(now: number): Period {
  const date = new Date(now)
  return { id: `m:${date.toISOString().slice(0, 7)}`, resetsAt: Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) }
}

/** Whole months from the creation's day and time; a day that a month lacks is its last. */
function monthsFrom(createdAt: number, count: number, now: number): Period {
  const from = new Date(createdAt)
  const at = (index: number): number => {
    const month = from.getUTCMonth() + index * count
    const lastDay = new Date(Date.UTC(from.getUTCFullYear(), month + 1, 0)).getUTCDate()
    return Date.UTC(from.getUTCFullYear(), month, Math.min(from.getUTCDate(), lastDay)) + (createdAt % DAY_MS)
  }
  const elapsed = (new Date(now).getUTCFullYear() - from.getUTCFullYear()) * 12 + new Date(now).getUTCMonth() - from.getUTCMonth()
  let index = Math.max(0, Math.floor(elapsed / count))
  while (index > 0 && at(index) > now) index--
  return { id: `${count}mo:${index}`, resetsAt: at(index + 1) }
}

/** The UTC day of an instant, `2026-11-21`. */
export function isoDay(now: number): string {
  return new Date(now).toISOString().slice(0, 10)
}

/** The Monday of an instant's UTC week. */
export function isoWeek(now: number): string {
  return isoDay(Math.floor((now - FIRST_MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + FIRST_MONDAY_MS)
}

/** The UTC month of an instant, `2026-11`. */
export function isoMonth(now: number): string {
  return new Date(now).toISOString().slice(0, 7)
}
