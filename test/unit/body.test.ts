import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { Edits } from '../../src/core/json-splice.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const body = (text: string): Body => new Body(bytes(text))
const spliced = (text: string, edits: Edits): string =>
  body(text)
    .spliced(edits)
    .map((piece) => new TextDecoder().decode(piece))
    .join('')

describe('a body', () => {
  it('keeps every byte outside an edit, also what a parser would change', () => {
    const text = '{ "n":1.0, "model" :\t"a" ,"b":12345678901234567890,"2":1,"1":2, "e":"\\u00e9\\/" }'
    expect(spliced(text, [{ path: ['model'], json: '"z"' }])).toBe(text.replace('"a"', '"z"'))
  })

  it('adds a member that was missing, with its parents', () => {
    expect(spliced('{"a":1}', [{ path: ['s', 'u'], json: 'true' }])).toBe('{"a":1,"s":{"u":true}}')
    expect(spliced('{}', [{ path: ['a'], json: '1' }])).toBe('{"a":1}')
    expect(spliced('{"s":null}', [{ path: ['s', 'u'], json: 'true' }])).toBe('{"s":{"u":true}}')
    expect(spliced('{"s":{"x":1}}', [{ path: ['s', 'u'], json: 'true' }])).toBe('{"s":{"x":1,"u":true}}')
  })

  it('removes members with the commas that were theirs', () => {
    const remove = (...names: string[]): Edits => names.map((name) => ({ path: [name], json: null }))
    for (const [names, left] of [
      [['a'], { b: 2, c: 3 }],
      [['b'], { a: 1, c: 3 }],
      [['c'], { a: 1, b: 2 }],
      [['a', 'b'], { c: 3 }],
      [['b', 'c'], { a: 1 }],
      [['a', 'b', 'c'], {}],
    ] as const) {
      expect(JSON.parse(spliced('{ "a":1, "b":2 ,"c":3 }', remove(...names)))).toEqual(left)
    }
    expect(JSON.parse(spliced('{"a":1,"b":2}', [...remove('a', 'b'), { path: ['z'], json: '9' }]))).toEqual({ z: 9 })
  })

  it('finds a member as its own text', () => {
    const b = body('{"a": {"b" : 1.50 }, "c":"\\u0041"}')
    expect(b.member(['a', 'b'])).toBe('1.50')
    expect(b.member(['c'])).toBe('"\\u0041"')
    expect(b.member(['a', 'x'])).toBeNull()
    expect(b.member(['c', 'x'])).toBeNull()
  })

  it.each([
    '',
    ' ',
    '{',
    '"',
    'null',
    '42',
    '[{}]',
    '{"a":1}{}',
    '{"a":1} x',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '{"a":NaN}',
    '{"a":-Infinity}',
    '{"a":007}',
    '{"a":0x1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":1e}',
    '{"a":"\u0000"}',
    '{"a":"\n"}',
    '{"a":"\\x41"}',
    '{"a":"\\u00',
    '{"a" 1}',
    '{"a":[1,]}',
    '{"a":[1 2]}',
    '{"a":tru}',
    '{"a":{]}',
    `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    '{"a":'.repeat(1000),
  ])('refuses what is no JSON object: %.30s', (text) => {
    expect(() => body(text)).toThrow(GatewayError)
  })

  it('refuses bytes that are not UTF-8', () => {
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]]) {
      expect(() => new Body(new Uint8Array([...bytes('{"a":"'), ...bad, ...bytes('"}')]))).toThrow(GatewayError)
    }
  })

  it('refuses a repeated member, however it is spelled, and a repeated one of an object it looks into', () => {
    expect(() => body('{"model":"a","x":1,"model":"b"}')).toThrow(/appears twice/)
    expect(() => body('{"model":"a","mod\\u0065l":"b"}')).toThrow(/appears twice/)
    expect(() => body('{"s":{"a":1,"\\u0061":2}}').member(['s', 'a'])).toThrow(/appears twice/)
  })

  it('accepts what JSON.parse accepts, for many texts', () => {
    for (const text of [
      '{}',
      ' {"a":[]} ',
      '{"a":[[],{}],"é漢🙂":{"c":[1,-2.5e+10,{"d":"é漢🙂\\ud800"}]},"t":true,"f":false,"n":null}',
      '{"":{"":""}}',
    ]) {
      expect(() => body(text)).not.toThrow()
      expect(body(text).parsed({})).toEqual(JSON.parse(text))
    }
  })

  it('tells what kinds of parts are there, and whether anything lies outside of it', () => {
    const inline = body('{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]}')
    expect([...inline.types]).toEqual(['image_url'])
    expect(inline.refersOutside).toBe(false)
    expect(body('{"m":[{"image_url":{"url":"https://x/y.png"}}]}').refersOutside).toBe(true)
    expect(body('{"m":[{"image_url":{"\\u0075rl":"\\u0068ttps://x"}}]}').refersOutside).toBe(true)
    expect(body('{"m":[{"source":{"type":"file","file_id":"f1"}}]}').refersOutside).toBe(true)
  })
})
