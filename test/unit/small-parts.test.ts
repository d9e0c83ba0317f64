import { describe, expect, it } from 'vitest'
import { matchesGlob } from '../../src/core/glob.ts'
import { hashKey, importSigning, isGenuine, keyLabel, makeKey, parseKey } from '../../src/core/key.ts'
import { dollarsNumber, dollarsText, nanoOf } from '../../src/core/money.ts'
import { costNanoUsd } from '../../src/core/price.ts'
import { redactor } from '../../src/core/redact.ts'
import { SseReader } from '../../src/core/sse.ts'
import { usageOf } from '../../src/core/usage.ts'
import { isReset, periodAt } from '../../src/core/window.ts'

describe('globs', () => {
  it('match stars anywhere and nothing else', () => {
    expect(matchesGlob('openai/*', 'openai/gpt-4o')).toBe(true)
    expect(matchesGlob('*', '')).toBe(true)
    expect(matchesGlob('a*c*e', 'abcde')).toBe(true)
    expect(matchesGlob('a*c', 'abcd')).toBe(false)
    expect(matchesGlob('a.c', 'abc')).toBe(false)
  })

  it('take linear work for patterns made to backtrack', () => {
    expect(matchesGlob(`${'a*'.repeat(60)}b`, 'a'.repeat(20_000))).toBe(false)
  })
})

describe('keys', () => {
  it('are genuine with the secret that signed them, also when it is an older one of the list', async () => {
    const [old, fresh] = await Promise.all([importSigning('old'), importSigning('new')])
    const { text, id } = await makeKey(old)
    const parts = parseKey(text)
    expect(parts?.id).toBe(id)
    if (parts === null) return
    expect(await isGenuine(parts, [fresh, old])).toBe(true)
    expect(await isGenuine(parts, [fresh])).toBe(false)
    expect(await isGenuine({ ...parts, secret: `${parts.secret.slice(1)}a` }, [old])).toBe(false)
    expect(keyLabel(text)).not.toContain(parts.secret)
    expect(await hashKey(text)).toMatch(/^[0-9a-f]{64}$/)
  })

  it('of any other shape are none', () => {
    for (const text of ['', 'sk-sluice-', 'sk-or-v1-00', 'sk-sluice-aaaa-bbbb-cccc', 'a'.repeat(20_000)]) expect(parseKey(text)).toBeNull()
  })
})

describe('money', () => {
  it('keeps every nano-dollar on its way to text and back', () => {
    for (const nano of [0, 1, 999, 1_000_000_000, 1_234_567_891, 4_000_000_000_000_000, 123_456_789_012_345]) {
      expect(nanoOf(Number(dollarsText(nano)))).toBe(nano)
      expect(nanoOf(dollarsNumber(nano))).toBe(nano)
    }
    expect(dollarsText(1)).toBe('0.000000001')
  })

  it('takes no negative, fractional or endless amount', () => {
    for (const usd of [-1, 1e-10, 1e308, Number.NaN, Number.POSITIVE_INFINITY, 0.1234567891]) expect(nanoOf(usd)).toBeNull()
  })

  it('rounds a request up once, by kinds and by tier', () => {
    const price = {
      input: 150_000,
      cacheRead: 75_000,
      output: 600_000,
      source: 't',
      tiers: [{ aboveInputTokens: 1000, input: 300_000, output: 1_200_000 }],
    }
    expect(costNanoUsd(usageOf({ input: 1 }), price)).toBe(150)
    expect(costNanoUsd(usageOf({ input: 10, cacheRead: 3, output: 7 }), price)).toBe(1500 + 225 + 4200)
    expect(costNanoUsd(usageOf({ input: 900, cacheRead: 101 }), price)).toBe(1001 * 300)
    expect(costNanoUsd(usageOf({ input: 1 }), { input: 1, output: 1, source: 't' })).toBe(1)
    expect(costNanoUsd(usageOf({ input: -1 }), price)).toBeNull()
  })
})

describe('budget periods', () => {
  it('are calendar ones at 00:00 UTC, with weeks from Monday', () => {
    const saturday = Date.UTC(2026, 10, 21, 12)
    expect(periodAt('daily', 0, saturday).resetsAt).toBe(Date.UTC(2026, 10, 22))
    expect(periodAt('weekly', 0, saturday).resetsAt).toBe(Date.UTC(2026, 10, 23))
    expect(periodAt('monthly', 0, saturday).resetsAt).toBe(Date.UTC(2026, 11, 1))
    expect(periodAt(null, 0, saturday).resetsAt).toBeNull()
  })

  it('or spans from the making of the key; a month without its day ends on its last', () => {
    expect(periodAt('30s', 1000, 31_500)).toMatchObject({ id: '30s:1', resetsAt: 61_000 })
    const last = Date.UTC(2026, 0, 31)
    expect(periodAt('1mo', last, Date.UTC(2026, 1, 27)).resetsAt).toBe(Date.UTC(2026, 1, 28))
    expect(periodAt('1mo', last, Date.UTC(2026, 1, 28)).resetsAt).toBe(Date.UTC(2026, 2, 31))
    expect(isReset('0s') || isReset('never ever') || isReset('1.5h')).toBe(false)
  })
})

describe('redaction', () => {
  it('finds a credential as it is, percent-encoded and in base64', () => {
    const secret = 'sk-live/abc+def=='
    const text = `key ${secret}, ?key=${encodeURIComponent(secret)}, Basic ${btoa(secret)}`
    expect(redactor([secret])(text)).toBe('key [redacted], ?key=[redacted], Basic [redacted]')
  })
})

describe('server-sent events', () => {
  it('come out the same wherever the bytes are cut', () => {
    const text = ': hi\r\n\r\nevent: a\r\ndata: {"é":"🙂"}\r\n\r\ndata: [DONE]\n\n'
    const bytes = new TextEncoder().encode(text)
    for (let at = 0; at <= bytes.length; at++) {
      const reader = new SseReader()
      const frames = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at)), ...reader.end()]
      expect(frames).toEqual([{ event: 'a', data: '{"é":"🙂"}' }, { data: '[DONE]' }])
    }
  })
})
