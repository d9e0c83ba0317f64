// What a request is booked at: from what was known before it went out, and what was seen of its answer. Plain data, so that whoever
// reads an answer to its end can book it.

import type { Ending, Hold, Leg, Row, UsageFrom } from './account.ts'
import type { Units, Usage } from './canonical.ts'
import { costNanoUsd, DEARER_SERVICES, type Price } from './price.ts'
import { addUsage, usageOf } from './usage.ts'

/** What is known before the answer. */
export type Bill = {
  /** `null`: unknown, which is not zero. */
  readonly rates: Price | null
  readonly hold: Hold
  /** What all of it can cost at worst, where that is less than the hold. */
  readonly mostNanoUsd?: number
  /** What other calls of this request may be billed; `null`: unknown. */
  readonly owedNanoUsd?: number | null
  /** What another target used of it that had begun this answer; its cost is owed. Told together with this one's usage. */
  readonly before?: Before | undefined
  /** The provider bills nothing more once the connection is closed. */
  readonly stopsOnAbort: boolean
  readonly bodyBytes: number
  /** Every event of it was counted, under an elastic hold that covers a part of the worst case; with what may have been thought unseen. */
  readonly metered?: { readonly unseenTokens: number } | undefined
  /** A service tier that this target was asked for; `null`: none, or it does not hear of it. */
  readonly service: string | null
  /** As the intent of the request has them. */
  readonly guess?: Usage | undefined
  readonly units?: Units | undefined
  readonly likelyUnits?: Units | undefined
  readonly knownUnits?: Units | undefined
}

export type Before = { readonly usage: Usage | null; readonly from: UsageFrom }

/** What of it an estimate is made with. */
export type Counts = Pick<Bill, 'bodyBytes' | 'guess' | 'metered' | 'units' | 'likelyUnits'>

/** What an answer brought. */
export type Seen = {
  readonly usage: Usage | null
  readonly finish: string | null
  /** Characters of content. */
  readonly contentLength: number
  /** Output tokens as they were counted event by event, where they were. */
  readonly outputTokens?: number
  /** Its provider bills nothing for an answer that ended so. */
  readonly unbilled: boolean
}

/** `seen: null`: no target ever answered with content. `unbilled`: it was refused by an error status, or never got the request's end. */
export type Outcome = { readonly seen: Seen | null; readonly ending: Ending; readonly unbilled: boolean }

export type Booked = Pick<Row, 'usage' | 'costNanoUsd'> & { readonly from: UsageFrom }

/** Where nothing was told: a token for each so many bytes of text, rather more tokens than less. */
export const BYTES_A_TOKEN = 3

/** What the legs before may be billed is a part of the hold, and is booked beside this answer's own. */
export function booked(whole: Bill, outcome: Outcome): Booked {
  const bill = atMost(whole)
  const { owedNanoUsd = 0, hold, before } = bill
  if (owedNanoUsd === 0) return together(before, bookedAlone(bill, outcome))
  const rest = Math.max(0, hold.nanoUsd - (owedNanoUsd ?? 0))
  const { costNanoUsd, ...own } = bookedAlone({ ...bill, hold: { ...hold, nanoUsd: rest } }, outcome)
  return together(before, { ...own, costNanoUsd: costNanoUsd === null || owedNanoUsd === null ? null : costNanoUsd + owedNanoUsd })
}

function atMost(bill: Bill): Bill {
  const { hold, mostNanoUsd } = bill
  return mostNanoUsd === undefined || mostNanoUsd >= hold.nanoUsd ? bill : { ...bill, hold: { ...hold, nanoUsd: mostNanoUsd } }
}

/** What is known least says where the sum is from. */
function together(before: Before | undefined, own: Booked): Booked {
  if (before === undefined) return own
  const from = LEAST_KNOWN.find((one) => one === before.from || one === own.from) ?? own.from
  const usage = before.usage === null || own.usage === null ? (own.usage ?? before.usage) : addUsage(before.usage, own.usage)
  return { ...own, usage, from }
}

const LEAST_KNOWN: readonly UsageFrom[] = ['hold', 'counted', 'provider']

/** Of an answer that several targets made, the last one tells its part of the cost too. */
export function withLastCost(attempts: readonly Leg[], { before, owedNanoUsd = 0 }: Bill, costNanoUsd: number | null): readonly Leg[] {
  const last = attempts.findLastIndex(({ outcome }) => outcome === 'committed')
  if (before === undefined || last < 0) return attempts
  const own = costNanoUsd === null || owedNanoUsd === null ? null : costNanoUsd - owedNanoUsd
  return attempts.map((leg, i) => (i === last ? { ...leg, costNanoUsd: own } : leg))
}

function bookedAlone(bill: Bill, { seen, ending, unbilled }: Outcome): Booked {
  const { rates, hold } = bill
  const cost = (usage: Usage): number | null => (rates === null ? null : costNanoUsd(usage, rates))
  const told = (usage: Usage): Booked => {
    const nanoUsd = cost(usage)
    // A dearer service tier than was asked for, without a price: unknown is not zero to a budget.
    if (nanoUsd === null && rates !== null && hold.budgeted) return { usage, from: 'hold', costNanoUsd: hold.nanoUsd }
    return { usage, from: 'provider', costNanoUsd: nanoUsd }
  }
  if (seen !== null && seen.unbilled && ending !== 'client-gone' && ending !== 'budget-stop')
    return { usage: seen.usage, from: seen.usage === null ? 'none' : 'provider', costNanoUsd: 0 }
  if (ending === 'complete' && seen !== null && seen.usage !== null && !saysTooLittle(bill, seen.usage, cost)) return told(seen.usage)
  // A provider that answered with an error status, or never got the request's end, has billed nothing.
  if (seen === null && unbilled) return { usage: null, from: 'none', costNanoUsd: 0 }
  if (rates !== null && costsNothing(cost)) return { usage: counted(bill, seen), from: 'counted', costNanoUsd: 0 }
  // Usage told by a stream that then broke off is told all the same, where its finish was there.
  if (seen !== null && seen.usage !== null && seen.finish !== null) return told(seen.usage)
  const unseen = bill.guess !== undefined && !costsNothing(cost, bill.knownUnits)
  const stops = (ending === 'client-gone' || ending === 'budget-stop') && bill.stopsOnAbort
  const untold = seen === null || seen.usage === null
  const usage = { ...counted(bill, seen), ...(untold ? serviceAsked(bill) : {}) }
  const nanoUsd = cost(usage)
  // A metered hold is not the worst case: what was counted may be more.
  if (hold.budgeted && !stops && (unseen || ending !== 'complete'))
    return bill.metered !== undefined && nanoUsd !== null && nanoUsd > hold.nanoUsd
      ? { usage, from: 'counted', costNanoUsd: nanoUsd }
      : { usage, from: 'hold', costNanoUsd: hold.nanoUsd }
  if (nanoUsd === null && rates !== null && hold.budgeted) return { usage, from: 'hold', costNanoUsd: hold.nanoUsd }
  const most = bill.metered === undefined ? hold.nanoUsd : (hold.elastic?.mostNanoUsd ?? hold.nanoUsd)
  return { usage, from: 'counted', costNanoUsd: nanoUsd === null || !hold.budgeted ? nanoUsd : Math.min(nanoUsd, most) }
}

/** Where nobody told the service tier, a dearer one that was asked for counts as given. */
function serviceAsked({ service }: Bill): Pick<Usage, 'service'> {
  return service !== null && DEARER_SERVICES.has(service) ? { service } : {}
}

/** Whether the price is zero for whatever may be used, `but` for these pieces. */
function costsNothing(cost: (usage: Usage) => number | null, but: Units = {}): boolean {
  const many = 1_000_000
  const pieces = { images: many, audioMs: many, characters: many, searches: many }
  const units: Units = { ...pieces, ...Object.fromEntries(Object.keys(but).map((name) => [name, 0])) }
  const tokens = { input: many, cacheWrite1h: many, inputAudio: many, inputImage: many, output: many, outputAudio: many, outputImage: many }
  return cost(usageOf({ ...tokens, units })) === 0
}

/** Counts of another kind than the bill's (seconds where tokens are billed): a price of nothing would come out, and nothing is not what it costs. */
function saysTooLittle(bill: Bill, told: Usage, cost: (usage: Usage) => number | null): boolean {
  return bill.guess !== undefined && cost(told) === 0 && !costsNothing(cost)
}

/** What was used as far as anybody saw: the provider's own counts where it told some, else an estimate from the text. */
export function counted(
  { bodyBytes, guess, metered, units: most, likelyUnits: units = most }: Counts,
  seen: Omit<Seen, 'unbilled'> | null,
): Usage {
  const told = seen?.usage ?? null
  if (guess !== undefined) return guess
  const estimated = Math.ceil((seen?.contentLength ?? 0) / BYTES_A_TOKEN)
  const output = Math.max(told?.output ?? 0, metered === undefined ? estimated : (seen?.outputTokens ?? estimated) + metered.unseenTokens)
  return told === null
    ? usageOf({ input: Math.ceil(bodyBytes / BYTES_A_TOKEN), output, ...(units === undefined ? {} : { units }) })
    : { ...told, output }
}
