// What is written down of one request's routing while it happens, for a client that asked why. Where nobody asked there is none of it.

import type { Verdict } from '../../classifier/contract.ts'
import type { Admission, Leg } from '../../core/account.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { ClientFace } from '../../dialects/contract.ts'
import type { Cascade, HealthView, Option, View } from '../../routing/contract.ts'
import type { Tries } from '../trying/attempts.ts'
import type { Candidate } from '../planning/candidate.ts'
import type { RequestChoosing } from '../planning/choosing.ts'
import type { CascadeTold } from '../trying/cascade.ts'
import type { Conditions } from '../planning/conditions.ts'
import type { Choice, Knowledge } from '../planning/rank.ts'
import type { Leaf, Node } from '../planning/tree.ts'

type Granted = Admission & { readonly kind: 'granted' }

/** What took a target out, in a fixed word; `condition`: the text of the one that did not hold. */
export type Out = { readonly word: string; readonly condition?: string }

/** The names that were looked up, and what they led to. */
export type Found = {
  readonly tableVersion: number
  readonly route: string | null
  readonly isAlias: boolean
  readonly leaves: readonly Leaf[]
}

/** The order as it was made, and all that it was made of. */
export type Ranking = {
  readonly tree: Node
  readonly known: Knowledge & { readonly choosing: RequestChoosing | null }
  readonly admission: Granted
  readonly needs: ReadonlyMap<Candidate, number>
  readonly tries: Tries
  readonly choices: readonly Choice[]
  readonly cascade?: Cascade
}

export class Inquiry {
  /** The decision goes into a header and the request's record. */
  readonly decides: boolean
  /** OpenRouter's metadata go into the answer. */
  readonly tells: boolean
  found: Found | null = null
  ranking: Ranking | null = null
  refused: ErrorCode | null = null
  /** An answer of it was no good. */
  cascade: CascadeTold | null = null
  /** Of a request that is planned once more: what was known of it then. */
  view: Pick<View, 'conversation' | 'user' | 'promptTokens' | 'outputTokens'> | null = null
  /** And what it was judged as; `undefined`: it is judged anew. */
  verdict: Verdict | null | undefined = undefined
  /** Every call so far; grows while the request is tried. */
  legs: readonly Leg[] = []
  readonly out = new Map<Leaf, Out>()
  readonly candidates = new Map<Leaf, Candidate>()
  readonly health = new Map<Candidate, HealthView>()
  readonly cached = new Map<Candidate, Option['cached']>()
  readonly drawn: number[] = []
  /** It could not be made. */
  isUntellable = false
  /** What was made of it, once. */
  told: { readonly text: string; readonly header: string } | null = null

  constructor(decides: boolean, tells: boolean) {
    this.decides = decides
    this.tells = tells
  }

  /** Only these are left, of all that were found; `why` says of each other one what took it out. */
  stay(left: readonly { readonly leaf: Leaf; readonly candidate: Candidate }[], why: (leaf: Leaf) => Out): void {
    const stays = new Set<Leaf>()
    for (const { leaf, candidate } of left) {
      stays.add(leaf)
      this.candidates.set(leaf, candidate)
    }
    for (const leaf of this.found?.leaves ?? []) if (!stays.has(leaf) && !this.out.has(leaf)) this.out.set(leaf, why(leaf))
  }

  /** The same knowledge, with everything written down that the order takes from it. */
  watching(known: Knowledge, conditions: Conditions, budgetUsed: number): Knowledge {
    const leaves = new Map<Candidate, Leaf>()
    const view: View = {
      ...known.view,
      random: () => {
        const number = known.view.random()
        this.drawn.push(number)
        return number
      },
    }
    return {
      ...known,
      view,
      candidate: (leaf) => {
        const candidate = known.candidate(leaf)
        if (candidate !== null) {
          leaves.set(candidate, leaf)
          this.candidates.set(leaf, candidate)
        }
        return candidate
      },
      health: (candidate) => {
        const health = known.health(candidate)
        this.health.set(candidate, health)
        return health
      },
      holds: (condition, candidate, health) => {
        const verdict = conditions.verdictAt(condition, candidate, health, budgetUsed)
        const leaf = leaves.get(candidate)
        if (verdict !== 'holds' && leaf !== undefined) this.out.set(leaf, { word: `condition:${verdict}`, condition })
        return verdict === 'holds'
      },
      cached: (candidate) => {
        const cached = known.cached(candidate)
        this.cached.set(candidate, cached)
        return cached
      },
    }
  }
}

const NOTHING = {}
const METADATA_HEADERS = ['x-openrouter-metadata', 'x-openrouter-experimental-metadata'] as const

/** For a job: nothing, unless its client asks why. */
export function inquiryFor(headers: Headers, client: ClientFace): { readonly inquiry?: Inquiry } {
  const decides = asksWhy(headers)
  const tells = client.modelNames === 'openrouter' && METADATA_HEADERS.some((name) => headers.get(name)?.trim().toLowerCase() === 'enabled')
  return decides || tells ? { inquiry: new Inquiry(decides, tells) } : NOTHING
}

/** Whether the decision is wanted in a header and in the record. */
export function asksWhy(headers: Headers): boolean {
  return headers.get('x-sluice-route')?.trim().toLowerCase() === 'explain'
}
