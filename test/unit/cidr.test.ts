import { describe, expect, it } from 'vitest'
import { isWithin, parseRange } from '../../src/core/cidr.ts'

const within = (address: string, ...ranges: readonly string[]): boolean =>
  isWithin(
    address,
    ranges.map((text) => {
      const range = parseRange(text)
      if (range === null) throw new Error(`${text} is no range`)
      return range
    }),
  )

describe('ranges of addresses', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
    ['192.0.2.128/25', '192.0.2.128', '192.0.2.255', '192.0.2.127', '192.0.3.0'],
    ['203.0.113.7/32', '203.0.113.7', '203.0.113.7', '203.0.113.6', '203.0.113.8'],
    ['203.0.113.7', '203.0.113.7', '203.0.113.7', '203.0.113.6', '203.0.113.8'],
    ['128.0.0.0/1', '128.0.0.0', '255.255.255.255', '127.255.255.255', '0.0.0.0'],
    ['2001:db8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7:ffff::', '2001:db9::'],
    ['2001:db8::8/125', '2001:db8::8', '2001:db8::f', '2001:db8::7', '2001:db8::10'],
    ['2001:db8::1/128', '2001:db8::1', '2001:DB8:0:0::0001', '2001:db8::', '2001:db8::2'],
    ['::1', '::1', '0:0:0:0:0:0:0:1', '::', '::2'],
    ['8000::/1', '8000::', 'ffff::', '7fff::', '::1'],
    ['64:ff9b::/96', '64:ff9b::192.0.2.33', '64:ff9b::c000:221', '64:ff9b:0:0:0:1::', '192.0.2.33'],
  ])('%s holds its first and last address and not those beside', (range, first, last, before, after) => {
    expect([first, last, before, after].map((address) => within(address, range))).toEqual([true, true, false, false])
  })

  it('keeps the families apart, /0 too', () => {
    expect(within('0.0.0.0', '0.0.0.0/0')).toBe(true)
    expect(within('255.255.255.255', '0.0.0.0/0')).toBe(true)
    expect(within('2001:db8::1', '0.0.0.0/0')).toBe(false)
    expect(within('2001:db8::1', '::/0')).toBe(true)
    expect(within('10.0.0.1', '::/0')).toBe(false)
    expect(within('::10.0.0.1', '10.0.0.0/8')).toBe(false) // an IPv6 address of old, not an IPv4 one
  })

  it('takes IPv4 written as IPv6 for what it is, on both sides', () => {
    expect(within('::ffff:10.0.0.1', '10.0.0.0/8')).toBe(true)
    expect(within('::FFFF:0a00:0001', '10.0.0.0/8')).toBe(true)
    expect(within('0:0:0:0:0:ffff:11.0.0.1', '10.0.0.0/8')).toBe(false)
    expect(within('::ffff:10.0.0.1', '::/0')).toBe(false)
    expect(within('10.0.0.1', '::ffff:10.0.0.0/104')).toBe(true)
    expect(within('11.0.0.1', '::ffff:10.0.0.0/104')).toBe(false)
    expect(within('10.0.0.1', '::ffff:10.0.0.1')).toBe(true)
    expect(within('10.0.0.1', '::ffff:0:0/96')).toBe(true)
  })

  it.each([
    '',
    '/',
    '/8',
    '10',
    '10.0.0',
    '10.0.0.0.0',
    '10.0.0.',
    '.10.0.0',
    '10.0.0.256',
    '10.0.0.-1',
    '10.0.0.0x1',
    '010.0.0.0',
    '10.0.0.00',
    '10.0.0.1/8', // prettier-ignore
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    ' 10.0.0.0',
    '10.0.0.0/255.0.0.0',
    '10.0.0.1:80',
    '１0.0.0.0', // prettier-ignore
    ':',
    ':::',
    '1::2::3',
    '::1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1:2:3:4::5:6:7:8',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:', // prettier-ignore
    '12345::',
    '00000::',
    'g::',
    '::/129',
    '::1/127',
    '2001:db8::1/64',
    'fe80::1%eth0',
    'fe80::1%eth0/64',
    '[::1]',
    '::10.0.0',
    '::010.0.0.1',
    '10.0.0.1::',
    '1.2.3.4:5::',
    '::ffff:0:0/90', // prettier-ignore
  ])('refuses %j', (text) => {
    expect(parseRange(text)).toBeNull()
  })

  it('finds what is no address in no range', () => {
    for (const text of ['', 'unknown', '10.0.0.1, 10.0.0.2', '10.0.0.1/32', 'fe80::1%eth0', '010.0.0.1', '1'.repeat(100_000)])
      expect([text.slice(0, 20), within(text, '0.0.0.0/0', '::/0')]).toEqual([text.slice(0, 20), false])
    expect(within('2001:db8:1111:2222:3333:4444:255.255.255.255', '::/0')).toBe(true)
  })

  it('agrees with a reading of its own, bit by bit', () => {
    const bits = (address: string): string => address.split('.').map((byte) => Number(byte).toString(2).padStart(8, '0')).join('') // prettier-ignore
    let seed = 7
    const next = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
    const made = (): string => Array.from({ length: 4 }, () => next(256)).join('.')
    for (let i = 0; i < 2000; i++) {
      const prefix = next(33)
      const cut = bits(made()).slice(0, prefix).padEnd(32, '0')
      const network = [0, 8, 16, 24].map((at) => Number.parseInt(cut.slice(at, at + 8), 2)).join('.')
      const near = Array.from(cut)
        .map((bit, at) => (at < prefix - 1 ? bit : String(next(2))))
        .join('')
      const address = [0, 8, 16, 24].map((at) => Number.parseInt(near.slice(at, at + 8), 2)).join('.')
      expect([network, prefix, address, within(address, `${network}/${prefix}`)]).toEqual([
        network, prefix, address, bits(address).startsWith(cut.slice(0, prefix)),
      ]) // prettier-ignore
    }
  })
})
