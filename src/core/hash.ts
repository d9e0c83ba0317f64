// A fast hash of texts for spreading and for telling apart, never for secrets: MurmurHash3 (x86, 32 bits; Austin Appleby, public domain)
// over UTF-16 code units, two a block. Its constants and its finalizer are his; its values are ours alone, since he hashes bytes.

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** 0 to 2³²−1; another seed is another hash. */
export function hash32(text: string, seed: number): number {
  const length = text.length
  let h = seed | 0
  let at = 0
  for (; at + 1 < length; at += 2) h = mixed(h, text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16))
  if (at < length) h ^= scrambled(text.charCodeAt(at))
  return finished(h, length * 2)
}

/** As `hash32`, over a span of bytes, four a block. */
export function hashBytes32(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let h = seed | 0
  let at = start
  for (; at + 3 < end; at += 4) {
    h = mixed(h, (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24))
  }
  let rest = 0
  for (let shift = 0; at < end; at++, shift += 8) rest |= (bytes[at] ?? 0) << shift
  h ^= scrambled(rest)
  return finished(h, end - start)
}

/** A number between 0 and 1, neither of them, from 53 bits: two hashes side by side. */
export function unitHash(text: string, seeds: Seeds): number {
  return (hash32(text, seeds.high) * 0x20_0000 + (hash32(text, seeds.low) >>> 11) + 0.5) / 0x20_0000_0000_0000
}

export type Seeds = { readonly high: number; readonly low: number }

/** Makes of a text what `unitHash` of another text depends on: hashes of one pair of texts, at the cost of the shorter one. */
export function seedsOf(text: string): Seeds {
  return { high: hash32(text, 0x9747b28c), low: hash32(text, 0x3c6ef372) }
}

function scrambled(block: number): number {
  const k = Math.imul(block, C1)
  return Math.imul((k << 15) | (k >>> 17), C2)
}

function mixed(hash: number, block: number): number {
  const h = hash ^ scrambled(block)
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

function finished(hash: number, length: number): number {
  let h = hash ^ length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
