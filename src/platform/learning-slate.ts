// What one isolate knows of its keys' learning: what each key's object last told, what was gathered since, and what the key's policy says. Data
// only, no promise is kept. Bounded; the least recently used keys go.

import type { TaskType } from '../classifier/contract.ts'
import type { RouterPolicy } from '../core/policy.ts'
import { NOTHING_LEARNED, type Learned } from '../routing/choosing/contract.ts'
import { offsetOf, spreadOf } from '../routing/choosing/learning.ts'
import { cellKey, NO_CELLS, readCells, weighed, type Cells, type Outcome } from '../routing/choosing/outcomes.ts'
import type { Decided, Result } from '../routing/choosing/port.ts'
import { binOf, LEAST_SCORES, NO_SCORES, withScores } from '../routing/choosing/score-histogram.ts'
import { absorbed, NEW_TENANT, tasksOf, withDecisions, type Gathered, type Tenant } from '../routing/choosing/tenant.ts'
import type { Heard, Telling } from './learning-object.ts'

const MOST_KEYS = 1000
/** Beyond these outcomes of one exchange are let go of. */
const MOST_OUTCOMES = 200

export class Slate {
  readonly keyId: string
  policy: RouterPolicy | null = null
  /** When the object was last asked, and when it is to be asked; 0: never, not yet. */
  askedAt = 0
  dueAt = 0
  /** It could not be asked and is left alone until then. */
  awayUntil = 0
  #tenant: Tenant = NEW_TENANT
  #epoch: string | null = null
  #number: number | null = null
  #bins = new Map<number, number>()
  #decisions = 0
  #expensive = 0
  #outcomes: Outcome[] = []
  /** It is being told: until the object has answered it counts here. */
  #told: Gathered | null = null
  #learned: Learned | null = null

  constructor(keyId: string) {
    this.keyId = keyId
  }

  /** What is known now, with what this isolate has gathered and not told yet. */
  get learned(): Learned {
    this.#learned ??= this.#read()
    return this.#learned
  }

  set heardPolicy(policy: RouterPolicy | null) {
    if (policy?.learning === this.policy?.learning && policy?.expensiveShare === this.policy?.expensiveShare) return
    this.policy = policy
    this.#learned = null
  }

  get hasNews(): boolean {
    return this.#decisions > 0 || this.#bins.size > 0 || this.#outcomes.length > 0
  }

  decided({ score, expensive }: Decided): void {
    const bin = score === null ? null : binOf(score)
    if (bin !== null) this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1)
    this.#decisions++
    if (expensive) this.#expensive++
    this.#learned = null
  }

  outcome({ task, model, weight, prior, led, instead = 0 }: Result): void {
    if (this.policy?.learning !== true || this.#outcomes.length >= MOST_OUTCOMES) return
    const [now, before] = [weighed(weight), weighed(instead)]
    this.#outcomes.push({ task, model, good: now.good - before.good, bad: now.bad - before.bad, prior, led })
  }

  /** What is to be told; from now on nothing is gathered. */
  take(): Telling {
    const gathered: Gathered | null = this.hasNews
      ? { scores: [...this.#bins], decisions: this.#decisions, expensive: this.#expensive, outcomes: this.#outcomes }
      : null
    this.#told = gathered
    this.#bins = new Map()
    this.#decisions = 0
    this.#expensive = 0
    this.#outcomes = []
    return { epoch: this.#epoch, cells: this.#number, gathered }
  }

  /** It could not be told: it waits for the next exchange. */
  putBack({ gathered }: Telling): void {
    this.#told = null
    if (gathered === null) return
    for (const [bin, count] of gathered.scores) this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + count)
    this.#decisions += gathered.decisions
    this.#expensive += gathered.expensive
    this.#outcomes = [...gathered.outcomes, ...this.#outcomes].slice(0, MOST_OUTCOMES)
    this.#learned = null
  }

  hear({ epoch, bins, lately, active, number, cells }: Heard): void {
    const kept: Cells = cells === null ? this.#tenant.cells : readCells(cells)
    this.#tenant = {
      scores: withScores(
        NO_SCORES,
        bins.map((count, bin) => [bin, count] as const),
      ),
      lately,
      cells: kept,
      active: new Set(tasksOf(active)),
    }
    this.#told = null
    this.#epoch = epoch
    this.#number = number
    this.#learned = null
  }

  #read(): Learned {
    const { cells, active } = this.#tenant
    const before = this.#told === null ? this.#tenant : absorbed(this.#tenant, { ...this.#told, outcomes: [] })
    const scores = withScores(before.scores, this.#bins)
    const learns = this.policy?.learning === true
    const common = {
      scores: scores.total < LEAST_SCORES ? null : scores,
      lately: withDecisions(before.lately, this.#decisions, this.#expensive),
      expensiveShare: this.policy?.expensiveShare ?? null,
    }
    if (!learns || (cells === NO_CELLS && active.size === 0)) return { ...NOTHING_LEARNED, ...common }
    const isActiveAt = (task: TaskType): boolean => active.has(task)
    const offset = offsetOf(cells)
    return {
      ...common,
      outcomes: (task, model) => cells.get(cellKey(task, model)) ?? null,
      isActive: active.size > 0,
      isActiveAt,
      offset,
      spread: spreadOf(cells, offset),
    }
  }
}

/** Least recently used first. */
export class Slates {
  readonly #slates = new Map<string, Slate>()

  known(keyId: string): Slate | null {
    return this.#slates.get(keyId) ?? null
  }

  of(keyId: string): Slate {
    const slate = this.#slates.get(keyId) ?? new Slate(keyId)
    this.#slates.delete(keyId) // to the end
    this.#slates.set(keyId, slate)
    if (this.#slates.size > MOST_KEYS) {
      const [oldest] = this.#slates.keys()
      if (oldest !== undefined) this.#slates.delete(oldest)
    }
    return slate
  }
}
