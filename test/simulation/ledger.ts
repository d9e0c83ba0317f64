// D1 for simulations: the statements that the objects send, by what they do. It may be away, and an answer may get lost after the fact.

import { CORRECT_ROWS, INSERT_ROWS } from '../../src/platform/rows.ts'

type Budget = { readonly scope: string; readonly limit: number; readonly soft: number | null }
type StoredGrant = {
  readonly id: string
  readonly account: string
  readonly created_at: number
  readonly amount_nano_usd: number
  readonly note: string | null
}
type StoredKey = { readonly id: string; readonly version: number; readonly reported: number; readonly spend: string }

type Statement = { readonly sql: string; readonly values: readonly unknown[] }

export type LedgerRow = {
  readonly id: string
  readonly cost: number
  readonly ended: string
  readonly writes: number
  readonly scopes: readonly string[]
}

/** Where the members stand in a row as it is sent; read off the statement itself. */
const columns = /INSERT INTO requests \(([^)]*)\)/.exec(INSERT_ROWS)?.[1]?.split(', ') ?? []
const at = (column: string): number => columns.indexOf(column)

export class FakeLedger {
  readonly rows = new Map<string, LedgerRow>()
  readonly keys = new Map<string, StoredKey>()
  /** As administrators have set them, before the history begins. */
  readonly budgets = new Map<string, Budget>()
  readonly grants = new Map<string, StoredGrant>()
  /** Soft limits that were reached, by scope and key. */
  readonly events: { readonly scope: string; readonly keyId: string | null }[] = []
  readonly #eventIds = new Set<string>()
  isAway = false
  readonly #hop: () => Promise<void>
  readonly #losesAnswer: () => boolean

  constructor(hop: () => Promise<void>, losesAnswer: () => boolean) {
    this.#hop = hop
    this.#losesAnswer = losesAnswer
  }

  database(): D1Database {
    const made = {
      prepare: (sql: string) => this.#statement({ sql, values: [] }),
      withSession: () => made,
      batch: (statements: readonly Statement[]) => this.#reach(() => statements.map((one) => ({ results: this.#run(one) }))),
    }
    return made as unknown as D1Database
  }

  #statement(one: Statement): object {
    return {
      ...one,
      bind: (...values: unknown[]) => this.#statement({ sql: one.sql, values }),
      all: () => this.#reach(() => ({ results: this.#run(one) })),
      first: () => this.#reach(() => this.#run(one)[0] ?? null),
      run: () => this.#reach(() => this.#run(one)),
    }
  }

  async #reach<T>(work: () => T): Promise<T> {
    await this.#hop()
    if (this.isAway) throw new Error('D1 is away')
    const answer = work()
    await this.#hop()
    if (this.#losesAnswer()) throw new Error('the answer of D1 got lost')
    return answer
  }

  #run({ sql, values }: Statement): readonly unknown[] {
    if (sql === INSERT_ROWS || sql === CORRECT_ROWS) {
      for (const row of JSON.parse(String(values[0])) as readonly (string | number | null)[][]) {
        const id = String(row[at('id')])
        const before = this.rows.get(id)
        if (before !== undefined && sql === INSERT_ROWS) continue
        this.rows.set(id, {
          id,
          cost: Number(row[at('cost_nano_usd')] ?? 0),
          ended: String(row[at('ended')]),
          writes: (before?.writes ?? 0) + 1,
          scopes: JSON.parse(String(row[at('scopes')] ?? '[]')) as readonly string[],
        })
      }
      return []
    }
    if (sql === 'SELECT * FROM keys WHERE id = ?1') {
      const key = this.keys.get(String(values[0]))
      return key === undefined ? [] : [key]
    }
    if (sql.startsWith('UPDATE keys SET spend')) {
      const [spend, id, reported, version] = values
      const key = this.keys.get(String(id))
      if (key === undefined || key.reported < Number(reported) || key.version < Number(version)) return []
      this.keys.set(key.id, { ...key, spend: String(spend), reported: Math.max(key.reported, Number(reported)) + 1 })
    }
    if (sql.startsWith('SELECT id, cost_nano_usd, ended FROM requests')) {
      const ids = JSON.parse(String(values[0])) as readonly string[]
      return ids.flatMap((id) => {
        const row = this.rows.get(id)
        return row === undefined ? [] : [{ id, cost_nano_usd: row.cost, ended: row.ended }]
      })
    }
    return this.#runOfBudgets({ sql, values })
  }

  #runOfBudgets({ sql, values }: Statement): readonly unknown[] {
    if (sql.startsWith('SELECT * FROM budgets WHERE scope IN')) {
      return [...this.budgets.values()].filter(({ scope }) => values.includes(scope)).map(budgetRow)
    }
    if (sql.startsWith('SELECT substr(scope, 10) AS id FROM budgets')) {
      const named = [...this.budgets.keys()].filter((scope) => scope.startsWith('provider:')).sort()
      return named.map((scope) => ({ id: scope.slice('provider:'.length) }))
    }
    if (sql.startsWith('INSERT INTO events')) {
      const [id, , , scope, keyId] = values
      if (!this.#eventIds.has(String(id))) this.events.push({ scope: String(scope), keyId: typeof keyId === 'string' ? keyId : null })
      this.#eventIds.add(String(id))
    }
    if (sql.startsWith('SELECT COUNT(*) AS grants')) {
      const given = [...this.grants.values()].filter(({ account }) => account === values[0])
      return [{ grants: given.length, sum: given.reduce((sum, { amount_nano_usd }) => sum + amount_nano_usd, 0) }]
    }
    if (sql.startsWith('SELECT * FROM grants WHERE id')) {
      const found = this.grants.get(String(values[0]))
      return found === undefined ? [] : [found]
    }
    if (sql.startsWith('INSERT INTO grants')) {
      const [id, account, at, amount, note] = values
      if (this.grants.has(String(id))) throw new Error('UNIQUE constraint failed: grants.id')
      this.grants.set(String(id), {
        id: String(id),
        account: String(account),
        created_at: Number(at),
        amount_nano_usd: Number(amount),
        note: typeof note === 'string' ? note : null,
      })
    }
    return []
  }
}

function budgetRow({ scope, limit, soft }: Budget): object {
  return {
    scope,
    created_at: 1,
    version: 1,
    limit_nano_usd: limit,
    limit_reset: null,
    removed: 0,
    soft_limit_nano_usd: soft,
  }
}
