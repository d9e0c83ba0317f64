// JSON as no printer would spell it: white space, escapes, numbers in every form, members that come twice, deep nesting.

import fc from 'fast-check'

const SPACE = fc.stringMatching(/^[ \t\r\n]{0,2}$/)
const HEX = '0123456789abcdefABCDEF'

const NUMBER = fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?$/)

/** A character of a string, plain or in one of its escaped forms, half of a pair included. */
const LETTER = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }).map((text) => JSON.stringify(text).slice(1, -1)) },
  { weight: 2, arbitrary: fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t') },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.nat(HEX.length - 1), { minLength: 4, maxLength: 4 })
      .map((digits) => `\\u${digits.map((digit) => HEX[digit] ?? '0').join('')}`),
  },
)

const STRING = fc.array(LETTER, { maxLength: 4 }).map((letters) => `"${letters.join('')}"`)

/** Few names, spelled in several ways, so that members meet. */
export const NAMES = ['a', 'b', 'model', 'tools', 'type', 'url', '0', '', '__proto__', 'a.b', 'é'] as const
const NAME = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...NAMES).map((name) => JSON.stringify(name)) },
  { weight: 1, arbitrary: fc.constantFrom('"\\u0061"', '"mod\\u0065l"', '"\\u0062"', '"t\\u0079pe"') },
  // No backslash within a name: V8 13 takes the raw text of an escaped name for such a name of an object it parsed before (the name `\` first, `\u0061` then).
  { weight: 1, arbitrary: STRING.filter((text) => !String(JSON.parse(text)).includes('\\')) },
)

const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(STRING, NUMBER, fc.constantFrom('true', 'false', 'null')),
    tie('list'),
    tie('object'),
  ),
  list: fc
    .array(fc.tuple(SPACE, tie('value'), SPACE), { maxLength: 4 })
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
  object: membersOf(tie('value')).map((members) => `{${members}}`),
}))

function membersOf(of: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(SPACE, NAME, SPACE, SPACE, of, SPACE), { maxLength: 5 })
    .map((members) => members.map(([a, name, b, c, said, d]) => `${a}${name}${b}:${c}${said}${d}`).join(','))
}

/** Any JSON value's text. */
export const VALUE_TEXT = value

/** The text of an object; members may come twice. */
export const OBJECT_TEXT = fc.tuple(SPACE, membersOf(value), SPACE).map(([before, members, after]) => `${before}{${members}}${after}`)

/** Mostly the text of an object, sometimes another value, sometimes spoilt in one place, sometimes nested deep. */
export const ALMOST_JSON = fc.oneof(
  { weight: 6, arbitrary: OBJECT_TEXT },
  { weight: 1, arbitrary: VALUE_TEXT },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        OBJECT_TEXT,
        fc.nat(),
        fc.nat(3),
        fc.constantFrom('"', '{', '}', ',', ':', '[', ']', '0', '-', '.', 'e', '\\', '\u0000', ' ', 't', '\u2028', '﻿'),
      )
      .map(([text, at, gone, put]) => {
        const place = at % (text.length + 1)
        return (text.slice(0, place) + put + text.slice(place + gone)).toWellFormed()
      }),
  },
  {
    weight: 1,
    arbitrary: fc.nat(700).map((depth) => `{"a":${'['.repeat(depth)}1${']'.repeat(depth)}}`),
  },
)
