// Budgets in trouble, by seed: clients leave, streams break, the provider fails and the gateway is killed in the middle. Never more is
// served than the budgets hold, nothing that was served is forgotten, and nothing is booked twice.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { chance, oneOf, whole } from '../support/chance.ts'
import { startCountingProvider, type Call, type CountingProvider, type Deal } from '../support/counting-provider.ts'
import { ask, Books, costOf, served, servedNanoUsd, sumOf, worstOf, type Asking, type Booked, type Outcome } from './crowd.ts'
import { startGateway, until, type GatewayProcess } from './gateway-process.ts'

vi.setConfig({ testTimeout: 90_000 })

const SEED = process.env['MONEY_SEED'] ?? '1'
const DECIDED_MS = 60_000

let provider: CountingProvider
let troubled: GatewayProcess
let its: Books
/** Of one request, in nano-dollars. */
let hold: number

beforeAll(async () => {
  provider = await startCountingProvider()
  troubled = await startGateway(provider.origin, { SLUICE_HOLD_SECONDS: '5' })
  its = new Books(troubled.base)
  const gate = Promise.withResolvers<void>()
  provider.deals.set('hold', { outputTokens: 5, gate: gate.promise })
  const made = await its.makeKey(1_000_000_000)
  const asked = ask({ base: troubled.base, key: made.key, name: 'hold-1' })
  await until(DECIDED_MS, async () => (provider.calls.length > 0 ? true : null))
  hold = (await its.money(made)).held_nano_usd
  gate.resolve()
  await asked
}, 120_000)
afterAll(async () => {
  provider.onCall = null
  await troubled.stop()
  await provider.close()
}, 20_000)

const callsOf = (group: string): readonly Call[] => provider.calls.filter(({ name }) => name.startsWith(`${group}-`))

describe('a budget in trouble', () => {
  const K = 200
  /** Of each key between two crashes, at most. */
  const SENT = 300
  const CLIENTS = 16
  /** The gateway is killed when so many more calls of each key have arrived. */
  const CRASHES = [30, 30]

  it(`is never passed, and loses nothing: clients leave, providers break, the gateway is killed (MONEY_SEED=${SEED})`, async () => {
    provider.deals.set('abort', dealt)
    provider.deals.set('drain', dealt)
    const limit = K * hold
    await its.setTeam('trouble', 1.5 * limit) // less than what both keys have
    const policies = ['abort', 'drain'] as const
    const kept = await Promise.all(
      policies.map(async (group) => ({ group, made: await its.makeKey(limit, { on_disconnect: group, team: 'trouble' }) })),
    )
    let most = 0 // at stake at any time, of a key
    let mostTogether = 0
    provider.onCall = () => {
      const [abort, drain] = [atStake(callsOf('abort')), atStake(callsOf('drain'))]
      most = Math.max(most, abort, drain)
      mostTogether = Math.max(mostTogether, abort + drain)
    }
    let crashing = false
    let sent = 0
    const outcomes: Outcome[] = []
    const sendAll = (): Promise<unknown> => {
      const from = sent
      sent += SENT
      const clients = kept.flatMap((one) => Array.from({ length: CLIENTS }, (_, client) => ({ ...one, client })))
      return Promise.all(
        clients.map(async ({ group, made, client }) => {
          for (let i = from + client; i < from + SENT && !crashing; i += CLIENTS) {
            const name = `${group}-${i}`
            outcomes.push(await ask({ base: troubled.base, key: made.key, name, ...leavingOf(name) }))
          }
        }),
      )
    }
    for (const arrivals of CRASHES) {
      crashing = false
      const before = new Map(policies.map((group) => [group, callsOf(group).length]))
      const load = sendAll()
      await until(DECIDED_MS, async () =>
        policies.every((group) => callsOf(group).length - (before.get(group) ?? 0) >= arrivals) ? true : null,
      )
      crashing = true
      await troubled.crash()
      await load
      await until(DECIDED_MS, async () => (provider.calls.every(({ ended }) => ended !== null) ? true : null))
      await troubled.again()
      for (const { group, made } of kept) {
        const { spent_nano_usd: spent, held_nano_usd: held } = await its.money(made)
        expect(spent + held).toBeGreaterThanOrEqual(servedNanoUsd(callsOf(group)))
        expect(spent + held).toBeLessThanOrEqual(limit)
      }
    }
    crashing = false
    const beforeLast = outcomes.length
    await sendAll()
    expect(most).toBeLessThanOrEqual(limit)
    expect(mostTogether).toBeLessThanOrEqual(1.5 * limit)
    let spentTogether = 0
    for (const { group, made } of kept) {
      const { spent, rows } = await its.settled(made)
      const calls = callsOf(group)
      spentTogether += spent
      expect(spent).toBeLessThanOrEqual(limit)
      expect(spent).toBeGreaterThanOrEqual(servedNanoUsd(calls))
      expectNothingLost(
        calls,
        outcomes.filter(({ name }) => name.startsWith(group)),
        rows,
      )
      const last = outcomes.slice(beforeLast).filter(({ name }) => name.startsWith(group))
      const complete = new Set(calls.filter(({ ended }) => ended === 'whole').map(({ name }) => name))
      const done = served(last).filter(({ name }) => complete.has(name))
      expect(done.length).toBeGreaterThan(0)
      for (const { name } of done)
        expect(rows.find(({ tags }) => tags.includes(name))).toMatchObject({ ended: 'complete', usage_from: 'provider' })
      expect(last.map(({ status }) => status)).toContain(429)
    }
    expect(spentTogether).toBeLessThanOrEqual(1.5 * limit)
    await until(DECIDED_MS, async () => ((await its.teamSpent('trouble')) === spentTogether ? true : null))
  })

  /** Each request has one row at its price, or lies in one that stands for what a crash has forgotten. */
  function expectNothingLost(calls: readonly Call[], outcomes: readonly Outcome[], rows: readonly Booked[]): void {
    const named = rows.flatMap((row) => row.tags.map((name) => [name, row] as const))
    const byName = new Map(named)
    const ids = new Set(rows.map(({ request_id }) => request_id))
    expect(byName.size).toBe(named.length)
    expect(ids.size).toBe(rows.length)

    const nameless = rows.filter(({ tags }) => tags.length === 0)
    const unattributed = nameless.filter(({ ended }) => ended === 'unattributed')
    const lost = calls.filter(({ name }) => !byName.has(name))
    expect(sumOf(nameless)).toBeGreaterThanOrEqual(servedNanoUsd(lost))
    expect(unattributed.length).toBeLessThanOrEqual(CRASHES.length)
    if (unattributed.length === 0) {
      expect(lost.length).toBeLessThanOrEqual(nameless.length)
      for (const { headers } of outcomes.filter(({ status }) => status === 200)) expect(ids).toContain(headers['x-sluice-request-id'])
    }
    for (const { name, outputTokens } of calls) {
      const row = byName.get(name)
      if (row?.usage_from === 'provider') expect(row.cost_nano_usd).toBe(costOf(outputTokens))
      else if (row !== undefined) expect(row.cost_nano_usd).toBeGreaterThanOrEqual(row.usage_from === 'none' ? 0 : costOf(outputTokens))
    }
  }

  /** What calls have cost and may still cost. */
  function atStake(calls: readonly Call[]): number {
    const open = calls.filter(({ ended }) => ended === null)
    return servedNanoUsd(calls.filter(({ ended }) => ended !== null)) + open.reduce((sum, call) => sum + worstOf(hold, call), 0)
  }

  function dealt(name: string): Deal {
    const random = chance(`deal ${SEED} ${name}`)
    const plain = { outputTokens: 1000 + whole(random, 900), pieces: 8, everyMs: whole(random, 12) }
    return oneOf(random, [plain, plain, plain, { ...plain, cutBefore: 1 + whole(random, 6) }, { ...plain, status: 503 }])
  }

  function leavingOf(name: string): Pick<Asking, 'leaves'> {
    const random = chance(`leave ${SEED} ${name}`)
    return oneOf(random, [{}, {}, {}, { leaves: { afterMs: whole(random, 40) } }, { leaves: { afterBytes: 1 + whole(random, 800) } }])
  }
})
