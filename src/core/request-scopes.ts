// Which budgets a request must fit beside its key's own: those that the key names always, and the customer and tags that the request
// names itself. How many new names a key may bring up in an hour is bounded; those beyond share one budget a kind, so neither leaving
// the name out nor changing it evades. Pure and synchronous, as the book of a key.

/** What a key's requests may say of themselves that counts. */
export type Naming = {
  readonly customers: boolean
  readonly tagBudgets: boolean
  /** New names an hour, of customers and of tags each. */
  readonly namesPerHour: number
}

export const NO_NAMING: Naming = { customers: false, tagBudgets: false, namesPerHour: 1000 }

/** What a request says of itself, as names of budgets (scope-names.ts). */
export type Said = { readonly customer?: string | null; readonly tags?: readonly string[] }

/** The hour a name was first and last met in. */
export type Met = readonly [first: number, last: number]

const HOUR_MS = 3_600_000
/** A name is known for the hour it was met in and the next one. */
const KNOWN_HOURS = 1
/** At most so many times `namesPerHour` are known of a kind, however long they are in use. */
const MOST_KNOWN_TIMES = 10

type Kind = 'customer' | 'tag'

export class Names {
  readonly #met: { readonly [kind in Kind]: Map<string, Met> } = { customer: new Map(), tag: new Map() }
  /** What is not written down yet; `null`: forgotten. */
  readonly #unsaved = new Map<string, Met | null>()
  #hour = 0
  /** First met in this hour. */
  #count: { [kind in Kind]: number } = { customer: 0, tag: 0 }

  /** All budgets that a request must fit. */
  scopesOf(always: readonly string[], naming: Naming, said: Said, now: number): readonly string[] {
    if (!naming.customers && (!naming.tagBudgets || (said.tags ?? []).length === 0)) return always
    const scopes = new Set(always)
    if (naming.customers) scopes.add(this.#scope('customer', said.customer ?? '', naming.namesPerHour, now))
    if (naming.tagBudgets)
      for (const tag of said.tags ?? []) if (!scopes.has(`tag:${tag}`)) scopes.add(this.#scope('tag', tag, naming.namesPerHour, now))
    return [...scopes]
  }

  /** What must be written down, by scope; once. */
  takeUnsaved(): ReadonlyMap<string, Met | null> {
    const unsaved = new Map(this.#unsaved)
    this.#unsaved.clear()
    return unsaved
  }

  restore(met: Iterable<readonly [scope: string, met: Met]>): void {
    for (const [scope, one] of met) {
      const kind = scope.slice(0, scope.indexOf(':'))
      if (kind === 'customer' || kind === 'tag') this.#met[kind].set(scope, one)
    }
  }

  #scope(kind: Kind, name: string, most: number, now: number): string {
    if (name === '') return `${kind}:`
    const hour = Math.floor(now / HOUR_MS)
    if (hour !== this.#hour) this.#turn(hour)
    const scope = `${kind}:${name}`
    const known = this.#met[kind]
    const met = known.get(scope)
    if (met === undefined && (known.size >= most * MOST_KNOWN_TIMES || this.#count[kind] >= most)) return `${kind}:`
    if (met === undefined || met[1] !== hour) {
      known.set(scope, [met?.[0] ?? hour, hour])
      this.#unsaved.set(scope, [met?.[0] ?? hour, hour])
      if (met === undefined) this.#count[kind]++
    }
    return scope
  }

  #turn(hour: number): void {
    this.#hour = hour
    this.#count = { customer: 0, tag: 0 }
    for (const kind of ['customer', 'tag'] as const) {
      for (const [scope, [first, last]] of this.#met[kind]) {
        if (first === hour) this.#count[kind]++
        if (last >= hour - KNOWN_HOURS) continue
        this.#met[kind].delete(scope)
        this.#unsaved.set(scope, null)
      }
    }
  }
}
