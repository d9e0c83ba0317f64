// Ranges of internet addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address. IPv4 and IPv6 are apart, but for IPv4 written as IPv6.

/** The top `prefix` of `width` bits are `network`'s. */
export type IpRange = { readonly width: Width; readonly prefix: number; readonly network: bigint }

type Width = 32 | 128
type Address = { readonly width: Width; readonly value: bigint }

const MAPPED = 0xffffn
const MAPPED_BITS = 96

/** `null`: not a range, or one whose address has bits beyond its prefix, which says two things at once. */
export function parseRange(text: string): IpRange | null {
  const slash = text.indexOf('/')
  const address = parseAsWritten(slash < 0 ? text : text.slice(0, slash))
  if (address === null) return null
  const prefix = slash < 0 ? address.width : parseWhole(text.slice(slash + 1), address.width)
  if (prefix === null) return null
  const rest = BigInt(address.width - prefix)
  const network = address.value >> rest
  if (network << rest !== address.value) return null
  if (!isMapped(address) || prefix < MAPPED_BITS) return { width: address.width, prefix, network }
  const { value } = unmapped(address)
  return { width: 32, prefix: prefix - MAPPED_BITS, network: value >> rest }
}

/** Does one of the ranges hold this address? What is no address is in none. */
export function isWithin(text: string, ranges: readonly IpRange[]): boolean {
  const written = parseAsWritten(text)
  if (written === null) return false
  const address = unmapped(written)
  return ranges.some(({ width, prefix, network }) => width === address.width && address.value >> BigInt(address.width - prefix) === network)
}

/** Zone ids (`fe80::1%eth0`), ports, brackets, and numbers with leading zeros (which some read as octal) are no addresses. */
function parseAsWritten(text: string): Address | null {
  if (text.length > 45) return null // the longest: eight groups, the last two as IPv4
  if (!text.includes(':')) {
    const value = parseV4(text)
    return value === null ? null : { width: 32, value }
  }
  const value = parseV6(text)
  return value === null ? null : { width: 128, value }
}

function parseV4(text: string): bigint | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  let value = 0n
  for (const part of parts) {
    const byte = parseWhole(part, 255)
    if (byte === null) return null
    value = (value << 8n) | BigInt(byte)
  }
  return value
}

function parseV6(text: string): bigint | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head = '', tail] = halves
  const left = parseGroups(head, tail === undefined)
  const right = tail === undefined ? [] : parseGroups(tail, true)
  if (left === null || right === null) return null
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  return [...left, ...Array.from({ length: missing }, () => 0n), ...right].reduce((value, group) => (value << 16n) | group, 0n)
}

/** Groups of up to four hexadecimal digits; the last may be an IPv4 address, where the text ends the address. */
function parseGroups(text: string, isEnd: boolean): readonly bigint[] | null {
  if (text === '') return []
  const groups: bigint[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`))
    else {
      const v4 = isEnd && i === parts.length - 1 ? parseV4(part) : null
      if (v4 === null) return null
      groups.push(v4 >> 16n, v4 & 0xffffn)
    }
  }
  return groups
}

function parseWhole(text: string, most: number): number | null {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text)) return null
  const value = Number(text)
  return value <= most ? value : null
}

/** `::ffff:10.0.0.1` is 10.0.0.1 to whoever listens on both. */
function isMapped({ width, value }: Address): boolean {
  return width === 128 && value >> 32n === MAPPED
}

function unmapped(address: Address): Address {
  return isMapped(address) ? { width: 32, value: address.value & 0xffffffffn } : address
}
