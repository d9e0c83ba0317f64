// Admission as the deployed Worker has it: exact whoever asks at once, and nothing mounted beside it.

import { describe, expect, it } from 'vitest'
import type { Admission } from '../../src/core/account.ts'
import { app } from '../../src/app.ts'
import { CLIENT_DIALECTS } from '../../src/dialects/index.ts'
import { OPERATION_CLIENTS } from '../../src/operations/index.ts'
import { ask, bindings, call, echo, makeKey } from './bindings.ts'

const HOLD_NANO_USD = 200

describe('a budget of seven holds', () => {
  it('admits exactly seven of sixty that are asked at once, and says of the rest what is spent and what is held', async () => {
    const { id, hash, key } = await makeKey({ limit: (7 * HOLD_NANO_USD) / 1e9 })
    const admit = (n: number): Promise<Admission> =>
      bindings.KEYS.getByName(id).admit(ask(`seven-${n}`, hash)) as unknown as Promise<Admission>
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => admit(n)))
    const granted = answers.flatMap((answer) => (answer.kind === 'granted' ? [answer] : []))
    expect(granted).toHaveLength(7)
    for (const answer of answers)
      if (answer.kind !== 'granted')
        expect(answer).toMatchObject({
          code: 'budget-exceeded',
          money: { spentNanoUsd: 0, heldNanoUsd: 7 * HOLD_NANO_USD, limitNanoUsd: 7 * HOLD_NANO_USD },
        })
    const own = await (await call('GET', '/v1/key', key)).json<{ readonly data: { readonly sluice: object } }>()
    expect(own.data.sluice).toMatchObject({ spent_nano_usd: 0, held_nano_usd: 7 * HOLD_NANO_USD })
    const [first] = granted
    if (first === undefined) throw new Error('Nothing was granted.')
    await bindings.KEYS.getByName(id).settle([{ hold: first.hold, row: null, answer: null }])
    const again = await Promise.all([admit(100), admit(101), admit(102)])
    expect(again.filter(({ kind }) => kind === 'granted')).toHaveLength(1)
  })
})

/** What a key may say or ask of answers and prompts: no model is called. */
const JUDGE = ['/v1/feedback', '/api/v1/feedback', '/api/v1/generation/feedback', '/v1/router/:end']

describe('what is mounted', () => {
  it('takes calls nowhere but in a language, which is admitted, or in the administrator’s API, which calls nobody', async () => {
    const languages = new Set([...CLIENT_DIALECTS, ...OPERATION_CLIENTS].flatMap(({ paths }) => paths))
    const others = new Set(app.routes.filter(({ method }) => method !== 'GET').map(({ path }) => path))
    for (const path of languages) others.delete(path)
    for (const path of JUDGE) expect([path, others.delete(path)]).toEqual([path, true])
    expect([...others].filter((path) => !path.startsWith('/api/v1/'))).toEqual([])
    const { key } = await makeKey()
    for (const path of others) {
      if (path.includes('*')) continue
      const answer = await call('POST', path.replace(/:\w+/g, 'x'), key, echo('x'))
      expect([path, [403, 404, 405].includes(answer.status)]).toEqual([path, true])
    }
  })
})
