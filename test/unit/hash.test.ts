// The hash by which requests are spread: even, sensitive to each bit, and one that a stored name keeps.

import { expect, it } from 'vitest'
import { hash32, hashBytes32, seedsOf, unitHash } from '../../src/core/hash.ts'
import { doubtAt } from '../support/binomial.ts'

/** χ² of counts against evenness; with `cells` − 1 degrees of freedom its mean is that and its variance twice that. */
function chiSquared(counts: readonly number[], total: number): number {
  const expected = total / counts.length
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

function limit(cells: number): number {
  return cells - 1 + 5 * Math.sqrt(2 * (cells - 1))
}

it('is MurmurHash3 over bytes, by the published check values', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  const of = (text: string, seed: number): number => hashBytes32(bytes(text), 0, bytes(text).length, seed)
  expect(of('', 0)).toBe(0)
  expect(of('', 1)).toBe(0x514e28b7)
  expect(of('test', 0)).toBe(0xba6bd213)
  expect(of('test', 0x9747b28c)).toBe(0x704b81dc)
  expect(of('Hello, world!', 0)).toBe(0xc0363e43)
  expect(of('The quick brown fox jumps over the lazy dog', 0)).toBe(0x2e4ff723)
})

it('hashes a text as the bytes of its UTF-16', () => {
  for (const text of ['', 'a', 'ab', 'abc', 'grüße', '🦊 fox']) {
    const bytes = new Uint8Array(new Uint16Array([...Array(text.length).keys()].map((i) => text.charCodeAt(i))).buffer)
    expect(hash32(text, 7)).toBe(hashBytes32(bytes, 0, bytes.length, 7))
  }
})

it('spreads names that differ in a digit evenly, also of the same prefix', () => {
  for (const prefix of ['', 'conversation-', 'openai/gpt-4o-mini@account-', '00000000-0000-4000-8000-']) {
    const cells = Array<number>(128).fill(0)
    for (let i = 0; i < 64_000; i++) {
      const cell = Math.floor(unitHash('provider/model', seedsOf(`${prefix}${i}`)) * cells.length)
      cells[cell] = (cells[cell] ?? 0) + 1
    }
    expect(chiSquared(cells, 64_000)).toBeLessThan(limit(128))
  }
})

it('puts one conversation on several targets independently', () => {
  const cells = Array<number>(64).fill(0)
  for (let i = 0; i < 64_000; i++) {
    const seeds = seedsOf(`c${i}`)
    const cell = Math.floor(unitHash('a/m', seeds) * 8) * 8 + Math.floor(unitHash('b/m', seeds) * 8)
    cells[cell] = (cells[cell] ?? 0) + 1
  }
  expect(chiSquared(cells, 64_000)).toBeLessThan(limit(64))
})

it('changes every bit of its result half the time when one bit of the text changes', () => {
  const trials = 4000
  const flips = Array<number>(32).fill(0)
  for (let i = 0; i < trials; i++) {
    const changed = hash32(`name ${i}`, 1) ^ hash32(`name ${i}`.replace('n', 'o'), 1)
    for (let bit = 0; bit < 32; bit++) flips[bit] = (flips[bit] ?? 0) + ((changed >>> bit) & 1)
  }
  for (const count of flips) expect(Math.abs(count - trials / 2)).toBeLessThan(doubtAt(trials, 0.5))
})

it('lies between 0 and 1, neither of them', () => {
  for (let i = 0; i < 10_000; i++) {
    const u = unitHash(String(i), seedsOf(''))
    expect(u > 0 && u < 1).toBe(true)
  }
})
