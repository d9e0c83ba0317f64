// A change of a key that has answered counts for every admission that has not: also for one that was granted and still waits for the disk.

import { describe, expect, it, vi } from 'vitest'
import type { Admission, Ask } from '../../src/core/account.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import type { Policy } from '../../src/core/policy.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'
import type { Env } from '../../src/platform/env.ts'
import { Disk } from './disk.ts'
import { FakeLedger } from './ledger.ts'

vi.mock('cloudflare:workers', () => ({
  DurableObject: class {
    readonly ctx: unknown
    readonly env: unknown
    constructor(ctx: unknown, env: unknown) {
      this.ctx = ctx
      this.env = env
    }
  },
}))
const { KeyObject } = await import('../../src/platform/key-object.ts')

const policy: Policy = {
  ...EVERYTHING,
  keyId: 'k',
  version: 1,
  label: 'k',
  name: 'k',
  createdAt: 0,
  secrets: [{ hash: 'h', until: null }],
  disabled: false,
  deleted: false,
  expiresAt: null,
  limitNanoUsd: 10_000,
  limitReset: null,
  limits: NO_LIMITS,
  scopes: [],
}
const ask = (requestId: string): Ask => ({
  requestId,
  secretHash: 'h',
  clientIp: null,
  candidates: [
    {
      model: 'p/m',
      provider: 'p',
      region: null,
      worst: { inputPico: 1000, outputPico: 0, feesNanoUsd: 0 },
      inputTokens: 100,
      maxOutputTokens: null,
    },
  ],
  outputTokens: 1,
  leastOutputTokens: 1,
  choices: 1,
  idempotency: null,
})
const turns = async (): Promise<void> => {
  for (let i = 0; i < 40; i++) await Promise.resolve()
}

describe('a key that is disabled while admissions wait for its disk', () => {
  it.each([{}, { leased: true }])('lets none of them through once that has answered (%o)', async (change) => {
    const disk: Disk = new Disk(() => undefined)
    const ledger = new FakeLedger(
      () => Promise.resolve(),
      () => false,
    )
    ledger.keys.set('k', { id: 'k', version: 1, reported: 0, spend: '{}' })
    const ctx = { id: { name: 'k' }, storage: disk.storage(), blockConcurrencyWhile: (work: () => Promise<unknown>) => work(), waitUntil: () => undefined } // prettier-ignore
    const key = new KeyObject(ctx as unknown as DurableObjectState, { DB: ledger.database() } as unknown as Env)
    await turns()
    const settle = async (work: Promise<unknown>): Promise<void> => {
      let isOver = false
      void work.then(() => (isOver = true))
      for (let i = 0; i < 50 && !isOver; i++) {
        await turns()
        disk.carry()
      }
      await work
    }
    await settle(key.apply({ ...policy, ...change }, true))

    const order: string[] = []
    const asked: Promise<Admission>[] = []
    const admit = (id: string): void => {
      const slices = { wish: { id: `slice of ${id}`, nanoUsd: 1000, requests: 9, tokens: 900 }, ended: [] }
      const admission = key.admit({ ...ask(id), ...('leased' in change ? { slices } : {}) })
      asked.push(admission)
      void admission.then(({ kind }) => order.push(`${id} ${kind}`))
    }
    admit('first') // begins a writing
    await turns()
    admit('second') // waits for the next one
    await turns()
    void key.apply({ ...policy, ...change, version: 2, disabled: true }, true).then(() => order.push('disabled'))
    await settle(Promise.all(asked))
    await turns()
    expect(order).toContain('disabled')
    expect(order.slice(order.indexOf('disabled') + 1).filter((one) => one.endsWith('granted'))).toEqual([])
    expect(order.at(-1)).toBe('second refused')
    for (const answer of await Promise.all(asked))
      if (answer.kind === 'granted') await settle(key.settle([{ hold: answer.hold, row: null, answer: null }]))
    expect(await key.view('h', null)).toMatchObject({ kind: 'refused' })
    await settle(key.apply({ ...policy, ...change, version: 3 }, true))
    expect(await key.view('h', null)).toMatchObject({ heldNanoUsd: 0, running: 0 })
  })
})
