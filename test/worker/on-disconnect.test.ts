// What a key says of clients that leave: through the keys API, to its object, and in what admission answers.

import { describe, expect, it } from 'vitest'
import { lasting } from '../../src/platform/drain-object.ts'
import type { Env } from '../../src/platform/env.ts'
import { ADMIN, ask, bindings, call, makeKey } from './bindings.ts'

type Told = { readonly data: { readonly sluice: { readonly on_disconnect: string } } }

const toldOf = async (answer: Promise<Response>): Promise<string> => (await (await answer).json<Told>()).data.sluice.on_disconnect

async function drains(id: string, hash: string, name: string): Promise<unknown> {
  const admission = await bindings.KEYS.getByName(id).admit(ask(name, hash))
  return 'drains' in admission ? admission.drains : undefined
}

describe('on_disconnect of a key', () => {
  it('is abort unless said, is told back, changes, and stays when something else changes', async () => {
    const plain = await makeKey()
    expect(await toldOf(call('GET', `/api/v1/keys/${plain.hash}`, ADMIN))).toBe('abort')
    expect(await drains(plain.id, plain.hash, 'gen-1')).toBeUndefined()

    expect(await toldOf(call('PATCH', `/api/v1/keys/${plain.hash}`, ADMIN, { sluice: { on_disconnect: 'drain' } }))).toBe('drain')
    expect(await drains(plain.id, plain.hash, 'gen-2')).toBe(true)
    expect(await toldOf(call('PATCH', `/api/v1/keys/${plain.hash}`, ADMIN, { limit: 3, sluice: { requests_per_minute: 9 } }))).toBe('drain')
    expect(await toldOf(call('GET', '/v1/key', plain.key))).toBe('drain')
    expect(await drains(plain.id, plain.hash, 'gen-3')).toBe(true)
    expect(await toldOf(call('PATCH', `/api/v1/keys/${plain.hash}`, ADMIN, { sluice: { on_disconnect: 'abort' } }))).toBe('abort')
    expect(await drains(plain.id, plain.hash, 'gen-4')).toBeUndefined()
  })

  it('is said when a key is made, and nothing else is taken', async () => {
    const made = await makeKey({ sluice: { on_disconnect: 'drain' } })
    expect(await drains(made.id, made.hash, 'gen-1')).toBe(true)
    for (const on_disconnect of ['later', null, true]) {
      const answer = await call('POST', '/api/v1/keys', ADMIN, { name: 'x', sluice: { on_disconnect } })
      expect(answer.status).toBe(400)
      expect(await answer.text()).toContain('on_disconnect')
    }
  })
})

describe('an object that reads an answer on', () => {
  const language = { dialect: 'openai-chat', framing: undefined, stream: true, choices: 1, emptyIsFree: false } as const

  it('takes over nothing that it does not read', async () => {
    const estate = { row: { id: 'gen-x', keyId: 'k' }, bill: {} }
    const untaken = lasting(bindings as unknown as Env, language).takeOver(
      estate as unknown as Parameters<ReturnType<typeof lasting>['takeOver']>[0],
    )
    expect(await untaken).toBe(false)
  })

  it('tells that nobody could be reached, as a call of the Worker itself would', async () => {
    const one = lasting(bindings as unknown as Env, language)
    await expect(one.fetch('http://127.0.0.1:1/v1/chat/completions', { method: 'POST', body: '{}' })).rejects.toThrow()
  })
})
