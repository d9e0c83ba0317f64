// The generator: that the committed data is what the sources give, and that decimal text is never bent on the way.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generate } from '../../scripts/catalogue.ts'
import { readExact, reprint } from '../../scripts/catalogue/exact-json.ts'
import { amount, picturePico } from '../../scripts/catalogue/model.ts'
import { readDecimal, wholeAt } from '../../src/catalogue/decimal.ts'

describe('decimals', () => {
  it('are read exactly', () => {
    const pico = (text: string) => {
      const value = readDecimal(text)
      return value && wholeAt(value, 12)
    }
    expect(pico('1.5e-07')).toBe(150_000)
    expect(pico('1.5E-7')).toBe(150_000)
    expect(pico('0.00000015')).toBe(150_000)
    expect(pico('7.5e-08')).toBe(75_000)
    expect(pico('1.1e-06')).toBe(1_100_000)
    expect(pico('0')).toBe(0)
    expect(pico('0.0')).toBe(0)
    expect(pico('2e-12')).toBe(2)
    expect(pico('2e-13')).toBeNull()
    expect(pico('1e9')).toBeNull()
  })
  it('are nothing else', () => {
    for (const text of ['', '-1', '+1', '.5', '1.', '1e', '0x10', 'NaN', 'Infinity', ' 1', '1 ', '1,5', '1e9999', '9'.repeat(100)])
      expect(readDecimal(text), text).toBeNull()
  })
  it("lose the dirt of a source's own floating point, and are rounded up beyond the unit", () => {
    expect(amount('0.0000006000000000000000001', 12)).toBe(600_000)
    expect(amount('0.00000100000000000000000015', 12)).toBe(1_000_000)
    expect(amount('0.00000008333333333333334', 12)).toBe(83_334)
    expect(amount('-1', 12)).toBeUndefined()
    expect(amount(null, 12)).toBeUndefined()
  })
  it('by the pixel are the prices of pictures again', () => {
    expect(picturePico('3.81469e-08', 1024 * 1024)).toBe(40_000_000_000)
    expect(picturePico('6.539e-08', 1024 * 1792)).toBe(120_000_000_000)
    expect(picturePico('2.4414e-07', 256 * 256)).toBe(16_000_000_000)
    expect(picturePico('0.0', 1024)).toBe(0)
    expect(picturePico(undefined, 1024)).toBeUndefined()
  })
})

describe('the sources', () => {
  it('keep the text of every number', () => {
    expect(readExact('{"a":1.50e-07,"b":[12345678901234567890.10]}')).toEqual({ a: '1.50e-07', b: ['12345678901234567890.10'] })
    expect(reprint('{"b":1.50e-07,"a":"1"}', (value) => value)).toBe('{\n"b":1.50e-07,\n"a":"1"\n}\n')
  })
  it('give exactly the committed data, each time', () => {
    const { text, report } = generate()
    expect(text === readFileSync(join(import.meta.dirname, '../../src/catalogue/data/models.ts'), 'utf8'), 'run `npm run catalogue`').toBe(
      true,
    )
    expect(generate().text === text).toBe(true)
    expect(report.disagreements.length).toBeGreaterThan(0)
    for (const line of report.disagreements) expect(line).toMatch(/^\S+ .+: .+ → (litellm|openrouter|models\.dev|none)/)
  })
})
