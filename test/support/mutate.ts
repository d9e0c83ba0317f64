// Spoils JSON values at a seeded place: what a fuzzed client or a broken provider might send. The input is never changed.

import { oneOf, whole } from './chance.ts'

const STRANGE: readonly (() => unknown)[] = [
  () => null,
  () => 0,
  () => -1,
  () => 1.5,
  () => 1e308,
  () => true,
  () => false,
  () => '',
  () => 'x',
  () => '\ud83d', // half of a character
  () => '__proto__',
  () => [],
  () => [null],
  () => [[]],
  () => ({}),
  () => ({ '': null }),
  () => ({ type: 'text' }),
  () => ({ type: 7, text: null }),
  () => nested(1500),
]

/** A copy with one to three places deleted, retyped, wrapped, truncated or repeated. */
export function mutated(value: unknown, random: () => number): unknown {
  let spoilt = value
  for (let left = 1 + whole(random, 3); left > 0; left--) spoilt = spoil(spoilt, random)
  return spoilt
}

/** Walks down at random and changes one place; deeper places are as likely as shallow ones. */
function spoil(value: unknown, random: () => number): unknown {
  if (typeof value !== 'object' || value === null) return changed(value, random)
  const names = Object.keys(value)
  if (names.length === 0 || random() < 0.12) return changed(value, random)
  const name = oneOf(random, names)
  const drop = random() < 0.08
  if (Array.isArray(value)) {
    const at = Number(name)
    if (drop) return value.filter((_, i) => i !== at)
    const next = value.map((item: unknown, i) => (i === at ? spoil(item, random) : item))
    return random() < 0.05 ? [...next, value[at]] : next
  }
  const members = Object.entries(value).flatMap(([key, member]: [string, unknown]) => {
    if (key !== name) return [[key, member] as const]
    return drop ? [] : [[key, spoil(member, random)] as const]
  })
  return Object.fromEntries(members)
}

function changed(value: unknown, random: () => number): unknown {
  const roll = random()
  if (roll < 0.15) return [value]
  if (roll < 0.25) return { value }
  if (typeof value === 'string' && roll < 0.5) return value.slice(0, whole(random, value.length + 1))
  return oneOf(random, STRANGE)()
}

function nested(depth: number): unknown {
  let value: unknown = 'deep'
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { content: value }
  return value
}
