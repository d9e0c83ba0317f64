// Many clients at once: one streamed chat in one of three languages, always of the same size, so that all have the same hold; and what
// the gateway's books say of the keys they use.

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { expect } from 'vitest'
import { INPUT_TOKENS, type Call } from '../support/counting-provider.ts'
import { ADMIN_KEY, until } from './gateway-process.ts'

/** Nano-dollars a token. */
const PRICE = { model: 'groq/llama-3.3-70b-versatile', input: 590, output: 790 }
const BODY_BYTES = 400
export const MAX_TOKENS = 2000

export const costOf = (outputTokens: number): number => INPUT_TOKENS * PRICE.input + outputTokens * PRICE.output
/** What a call was billed at: an error status costs nothing, all else does, whether it was read or not. */
export const servedNanoUsd = (calls: readonly Call[]): number =>
  calls.reduce((sum, call) => sum + (call.ended === 'refused' ? 0 : costOf(call.outputTokens)), 0)
/** The most that a call may cost, when one of `MAX_TOKENS` may cost `hold`. */
export const worstOf = (hold: number, { maxTokens }: Call): number => hold - (MAX_TOKENS - maxTokens) * PRICE.output

const DIALECTS = { openai: '/v1/chat/completions', anthropic: '/v1/messages', openrouter: '/api/v1/chat/completions' } as const
export type Dialect = keyof typeof DIALECTS

/** `name` is dealt with by the provider, and tags the ledger row. */
export type Asking = {
  readonly base: string
  readonly key: string
  readonly name: string
  readonly dialect?: Dialect
  /** Leaves so many ms after it has sent, or when it has been sent so many bytes of an answer. */
  readonly leaves?: { readonly afterMs: number } | { readonly afterBytes: number }
}

/** `status: 0`: no answer. `whole`: the answer came to its end. */
export type Outcome = {
  readonly name: string
  readonly dialect: Dialect
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly whole: boolean
}

export function ask({ base, key, name, dialect = 'openai', leaves }: Asking): Promise<Outcome> {
  const body = (pad: string): string =>
    JSON.stringify({ model: PRICE.model, max_tokens: MAX_TOKENS, stream: true, messages: [{ role: 'user', content: `[[${name}]]${pad}` }] })
  return new Promise((resolve) => {
    let got: Pick<Outcome, 'status' | 'headers'> = { status: 0, headers: {} }
    let text = ''
    const end = (whole: boolean): void => resolve({ name, dialect, ...got, text, whole })
    const request = httpRequest(base + DIALECTS[dialect], {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'x-sluice-tags': name,
        ...(dialect === 'anthropic' ? { 'x-api-key': key, 'anthropic-version': '2023-06-01' } : { authorization: `Bearer ${key}` }),
      },
    })
    const leave = (): void => {
      request.destroy()
      end(false)
    }
    request.on('error', () => end(false))
    request.on('response', (response) => {
      got = { status: response.statusCode ?? 0, headers: response.headers }
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
        if (leaves !== undefined && 'afterBytes' in leaves && text.length >= leaves.afterBytes) leave()
      })
      response.on('error', () => end(false))
      response.on('close', () => end(response.complete))
    })
    if (leaves !== undefined && 'afterMs' in leaves) setTimeout(leave, leaves.afterMs)
    request.end(body('x'.repeat(BODY_BYTES - body('').length)))
  })
}

export const served = (outcomes: readonly Outcome[]): readonly Outcome[] =>
  outcomes.filter(({ status, whole: all }) => status === 200 && all)
export const refused = (outcomes: readonly Outcome[]): readonly Outcome[] => outcomes.filter(({ status }) => status !== 200)

/** In its language's own shape: that the budget does not pay for it, and that asking again does not help. */
export function expectBudgetError({ dialect, status, headers, text }: Outcome): void {
  const { type, error } = JSON.parse(text) as { readonly type?: string; readonly error: { readonly [name: string]: unknown } }
  expect(error['message']).toMatch(/budget|limit/i)
  expect(headers['x-should-retry']).toBe('false')
  if (dialect === 'anthropic')
    expect({ status, type, error: error['type'] }).toEqual({ status: 429, type: 'error', error: 'billing_error' })
  else if (dialect === 'openrouter') expect({ status, code: error['code'] }).toEqual({ status: 402, code: 402 })
  else
    expect({ status, type: error['type'], code: error['code'] }).toEqual({
      status: 429,
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    })
}

export type Made = { readonly key: string; readonly hash: string }
/** `tag`: the request's name; `null` where nobody told it. */
export type Booked = {
  readonly request_id: string
  readonly ended: string
  readonly usage_from: string
  readonly cost_nano_usd: number | null
  readonly tags: readonly string[]
}
export type Money = { readonly spent_nano_usd: number; readonly held_nano_usd: number; readonly running: number }

const DOLLAR = 1_000_000_000
const LIMIT_MS = 30_000
const PAGE = 500

export class Books {
  readonly #base: string

  constructor(base: string) {
    this.#base = base
  }

  async admin<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(this.#base + path, {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as Answer
  }

  async makeKey(limitNanoUsd: number | null, sluice: object = {}): Promise<Made> {
    const limit = limitNanoUsd === null ? null : limitNanoUsd / DOLLAR
    const made = await this.admin<{ readonly key: string; readonly data: { readonly hash: string } }>('POST', '/api/v1/keys', {
      name: 'crowd',
      limit,
      sluice,
    })
    return { key: made.key, hash: made.data.hash }
  }

  async setTeam(name: string, limitNanoUsd: number): Promise<void> {
    await this.admin('PUT', `/api/v1/budgets/team/${name}`, { limit: limitNanoUsd / DOLLAR })
  }

  async teamSpent(name: string): Promise<number> {
    const { data } = await this.admin<{ readonly data: { readonly sluice: Pick<Money, 'spent_nano_usd'> } }>(
      'GET',
      `/api/v1/budgets/team/${name}`,
    )
    return data.sluice.spent_nano_usd
  }

  async money({ key }: Made): Promise<Money> {
    const answer = await fetch(`${this.#base}/v1/key`, { headers: { authorization: `Bearer ${key}` } })
    if (!answer.ok) throw new Error(`GET /v1/key answered ${answer.status}: ${await answer.text()}`)
    return ((await answer.json()) as { readonly data: { readonly sluice: Money } }).data.sluice
  }

  async rows({ hash }: Made): Promise<readonly Booked[]> {
    const all: Booked[] = []
    for (;;) {
      const { data } = await this.admin<{ readonly data: readonly { readonly sluice: Booked }[] }>(
        'GET',
        `/api/v1/generations?api_key_hash=${hash}&limit=${PAGE}&offset=${all.length}`,
      )
      all.push(...data.map(({ sluice }) => sluice))
      if (data.length < PAGE) return all
    }
  }

  /** Its money and rows when nothing is held any more and the ledger has come up with what is spent. */
  settled(made: Made): Promise<{ readonly spent: number; readonly rows: readonly Booked[] }> {
    return until(LIMIT_MS, async () => {
      const { spent_nano_usd: spent, held_nano_usd: held, running } = await this.money(made)
      if (held !== 0 || running !== 0) return null
      const rows = await this.rows(made)
      return sumOf(rows) === spent ? { spent, rows } : null
    })
  }
}

export function sumOf(rows: readonly Booked[]): number {
  return rows.reduce((sum, row) => sum + (row.cost_nano_usd ?? 0), 0)
}
