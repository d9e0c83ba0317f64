// What names a conversation, and what is remembered of where it is cached.

import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import { usageOf } from '../../src/core/usage.ts'
import { CacheMemory } from '../../src/gateway/planning/cache-memory.ts'
import { conversationOf } from '../../src/gateway/planning/conversation.ts'

const SYSTEM = { role: 'system', content: 'You are terse.' }
const HELLO = { role: 'user', content: 'Hello "there"' }
const LATER = [
  { role: 'assistant', content: 'Hi.' },
  { role: 'user', content: 'And now?' },
]

function name(body: object | string, said: { readonly session?: string; readonly keyId?: string } = {}): string | null {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return conversationOf({ keyId: said.keyId ?? 'key-1', session: said.session ?? null, body: new Body(new TextEncoder().encode(text)) })
}

describe('the name of a conversation', () => {
  it("is the client's own, then its cache key, then how it begins", () => {
    const body = { messages: [HELLO], prompt_cache_key: 'ck' }
    expect(name(body, { session: 's-1' })).toBe('key-1 session s-1')
    expect(name(body)).toBe('key-1 cache-key ck')
    expect(name({ messages: [HELLO] })).toMatch(/^key-1 opening [0-9a-f]{16}$/)
    expect(name({ model: 'x', prompt: 'Once' })).toBe(null)
    expect(name({ messages: [] })).toBe(null)
  })

  it('is never shared by two keys, whatever they say', () => {
    expect(name({ messages: [HELLO] }, { keyId: 'a' })).not.toBe(name({ messages: [HELLO] }, { keyId: 'b' }))
    expect(name({}, { keyId: 'a', session: 's' })).not.toBe(name({}, { keyId: 'b', session: 's' }))
  })

  it('stays when the conversation goes on, however it is spaced and wherever marks have wandered', () => {
    const marked = [{ role: 'user', content: [{ type: 'text', text: 'Hello', cache_control: { type: 'ephemeral', ttl: '1h' } }] }]
    const plain = [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }]
    for (const system of [undefined, 'Be brief', [{ type: 'text', text: 'Be brief' }]]) {
      expect(name({ system, messages: [...plain, ...LATER] })).toBe(name({ system, messages: marked }))
    }
    expect(name(JSON.stringify({ messages: [SYSTEM, HELLO, ...LATER] }, null, 2))).toBe(name({ messages: [SYSTEM, HELLO] }))
    expect(name({ max_tokens: 5, messages: [SYSTEM, HELLO] })).toBe(name({ messages: [SYSTEM, HELLO] }))
    expect(name('{"messages":[{"cache_control":"x","role":"user","content":"a"}]}')).toBe(
      name('{"messages":[{"role":"user","content":"a"}]}'),
    )
    expect(name('{"messages":[{"role":"user","n":{"cache_control":null},"content":"a"}]}')).toBe(
      name('{"messages":[{"role":"user","n":{},"content":"a"}]}'),
    )
  })

  it('differs by the instructions, by the first message, and not by the second', () => {
    const names = [
      name({ messages: [HELLO] }),
      name({ messages: [SYSTEM, HELLO] }),
      name({ messages: [{ ...SYSTEM, role: 'developer' }, HELLO] }),
      name({ messages: [SYSTEM, { ...HELLO, content: 'Hello' }] }),
      name({ messages: [{ content: 'You are verbose.', role: 'system' }, HELLO] }),
      name({ system: 'You are terse.', messages: [HELLO] }),
      name({ input: 'Hello' }),
      name({ instructions: 'You are terse.', input: 'Hello' }),
      name({ input: [{ role: 'user', content: 'Hello' }] }),
      name({ contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }),
      name({ systemInstruction: { parts: [{ text: 'Terse' }] }, contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }),
    ]
    expect(new Set(names).size).toBe(names.length)
    expect(names).not.toContain(null)
    expect(name({ contents: [{ parts: [{ text: 'Hello' }] }, { role: 'model' }] })).toBe(
      name({ contents: [{ parts: [{ text: 'Hello' }] }] }),
    )
  })

  it('takes only a message of its own for instructions, not what stands in one', () => {
    const sly = { role: 'user', content: [{ role: 'system', type: 'text', text: 'x' }, 'system'] }
    expect(name({ messages: [sly, { ...HELLO, content: 'a' }] })).toBe(name({ messages: [sly, { ...HELLO, content: 'b' }] }))
  })

  it('looks behind long instructions, and at no more than it must of long messages', () => {
    const long = { role: 'system', content: 'x'.repeat(100_000) }
    expect(name({ messages: [long, HELLO] })).not.toBe(name({ messages: [long, { ...HELLO, content: 'other' }] }))
    const tail = (end: string): object => ({ messages: [{ role: 'user', content: `${'y'.repeat(3_000_000)}${end}` }] })
    expect(name(tail('a'))).toBe(name(tail('b')))
    expect(name({ messages: [{ role: 'system', content: 'z'.repeat(300_000) }, HELLO] })).toMatch(/opening/)
  })

  it('is bounded, and holds nothing of a prompt', () => {
    expect(name({}, { session: 's'.repeat(9000) })?.length).toBeLessThan(300)
    expect(name({}, { session: `${'s'.repeat(9000)}a` })).not.toBe(name({}, { session: `${'s'.repeat(9000)}b` }))
    expect(name({ messages: [SYSTEM, HELLO] })).not.toMatch(/terse|Hello/)
  })
})

describe('what is remembered of caches', () => {
  const MINUTE = 60_000

  it('is what a place told of reading and writing, for five minutes from the call on', () => {
    const memory = new CacheMemory()
    memory.learn('c', 'anthropic/a', 'anthropic', usageOf({ input: 50, cacheRead: 300, cacheWrite5m: 100 }), 1000)
    expect(memory.at('c', 'anthropic/a', 1000)).toEqual({ tokens: 400, until: 1000 + 5 * MINUTE })
    expect(memory.at('c', 'anthropic/a', 1000 + 5 * MINUTE)).toBe(null)
    expect(memory.at('c', 'anthropic/b', 1000)).toBe(null)
    expect(memory.at('d', 'anthropic/a', 1000)).toBe(null)
    expect(memory.at(null, 'anthropic/a', 1000)).toBe(null)
  })

  it('lives an hour when all was marked for one, and reading renews the life that it has', () => {
    const memory = new CacheMemory()
    memory.learn('c', 't', 'anthropic', usageOf({ cacheWrite1h: 900 }), 0)
    expect(memory.at('c', 't', 59 * MINUTE)?.tokens).toBe(900)
    memory.learn('c', 't', 'anthropic', usageOf({ cacheRead: 900 }), 30 * MINUTE)
    expect(memory.at('c', 't', 89 * MINUTE)?.tokens).toBe(900)
    memory.learn('mixed', 't', 'anthropic', usageOf({ cacheWrite1h: 900, cacheWrite5m: 1 }), 0)
    expect(memory.at('mixed', 't', 6 * MINUTE)).toBe(null)
  })

  it('counts a whole prompt as cached where places cache by themselves, from the length on from which they do', () => {
    const memory = new CacheMemory()
    memory.learn('c', 't', 'openai', usageOf({ input: 1023 }), 0)
    expect(memory.at('c', 't', 1)).toBe(null)
    memory.learn('c', 't', 'openai', usageOf({ input: 1000, cacheRead: 2000 }), 0)
    expect(memory.at('c', 't', 1)?.tokens).toBe(3000)
    memory.learn('c', 't2', 'someone', usageOf({ input: 9000 }), 0)
    expect(memory.at('c', 't2', 1)).toBe(null)
  })

  it('forgets a cache that was not there, and takes no older end from an older call', () => {
    const memory = new CacheMemory()
    memory.learn('c', 't', 'anthropic', usageOf({ cacheWrite5m: 900 }), 2 * MINUTE)
    memory.learn('c', 't', 'anthropic', usageOf({ cacheRead: 900 }), MINUTE)
    expect(memory.at('c', 't', 0)?.until).toBe(7 * MINUTE)
    memory.learn('c', 't', 'anthropic', usageOf({ input: 900 }), 3 * MINUTE)
    expect(memory.at('c', 't', 0)).toBe(null)
    expect(memory.size).toBe(0)
  })

  it('holds so many conversations and targets, and forgets the longest unused', () => {
    const memory = new CacheMemory(3)
    const learn = (conversation: string, target = 't'): void =>
      memory.learn(conversation, target, 'anthropic', usageOf({ cacheWrite5m: 9 }), 0)
    for (const conversation of ['a', 'b', 'c', 'a', 'd']) learn(conversation)
    expect(memory.size).toBe(3)
    expect(['a', 'b', 'c', 'd'].filter((one) => memory.at(one, 't', 0) === null)).toEqual(['b'])
    for (let i = 0; i < 9; i++) learn('a', `t${i}`)
    expect(Array.from({ length: 9 }, (_, i) => memory.at('a', `t${i}`, 0)).filter((one) => one !== null)).toHaveLength(4)
    const whole = new CacheMemory()
    for (let i = 0; i < 6000; i++) whole.learn(`c${i}`, 't', 'anthropic', usageOf({ cacheWrite5m: 9 }), 0)
    expect(whole.size).toBe(5000)
  })
})
