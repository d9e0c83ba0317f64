// Forms as bytes: what is found in them must not depend on how they come, and what two readers would read in two ways is refused.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '../../src/core/errors.ts'
import { boundaryOf, FormScan } from '../../src/core/form-scan.ts'

const BOUNDARY = 'b0undary--x'
const encoder = new TextEncoder()
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))

type Part = { readonly head: string; readonly body: string }

const text = (name: string, body: string): Part => ({ head: `Content-Disposition: form-data; name="${name}"`, body })
const file = (name: string, body: string): Part => ({
  head: `Content-Disposition: form-data; name="${name}"; filename="a.bin"\r\nContent-Type: application/octet-stream`,
  body,
})
const form = (parts: readonly Part[], preamble = '', epilogue = '\r\n'): string =>
  `${preamble}${parts.map(({ head, body }) => `--${BOUNDARY}\r\n${head}\r\n\r\n${body}\r\n`).join('')}--${BOUNDARY}--${epilogue}`

function scan(bytes: Uint8Array, cuts: readonly number[] = []): FormScan {
  const found = new FormScan(BOUNDARY)
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  for (const [i, end] of [...ends, bytes.length].entries()) found.push(bytes.subarray(ends[i - 1] ?? 0, end))
  found.end()
  return found
}

const refusal = (bytes: Uint8Array, cuts?: readonly number[]): string => {
  try {
    scan(bytes, cuts)
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'request-malformed') return error.message
    throw error
  }
  return 'nothing'
}

/** What is nearly a boundary, and everything a boundary is made of. */
const nearly = fc
  .array(
    fc.constantFrom('\r', '\n', '\r\n', '-', '--', `--${BOUNDARY.slice(0, -1)}`, `\n--${BOUNDARY}`, 'x', '\0', '"', '\xff', '\r\n--b0'),
  )
  .map((pieces) => pieces.join(''))
  .filter((body) => !`\r\n${body}\r\n`.includes(`\r\n--${BOUNDARY}`))

describe('a form', () => {
  it('gives the same fields, at the same places, however its bytes are cut', () => {
    fc.assert(
      fc.property(nearly, nearly, fc.string({ maxLength: 40 }), fc.array(fc.nat(), { maxLength: 40 }), (first, second, value, cuts) => {
        fc.pre(!value.includes(BOUNDARY))
        const prompt = Buffer.from(value).toString('latin1')
        const bytes = latin1(
          form([file('image[]', first), text('model', 'gpt-x'), file('image[]', second), text('prompt', prompt), text('user', '')]),
        )
        const found = scan(bytes, cuts)
        for (const [name, wanted] of Object.entries({ model: 'gpt-x', prompt: value, user: '' })) {
          const field = found.field(name)
          expect(field?.value).toBe(wanted)
          expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(field?.start, field?.end))).toBe(wanted)
        }
        expect([found.files, found.textBytes, found.isWhole]).toEqual([2, 5 + encoder.encode(value).length, true])
        expect(found.field('image[]')).toBeNull()
      }),
      { numRuns: 300 },
    )
  })

  it('is read a byte at a time as it is in one', () => {
    const bytes = latin1(form([file('file', `\r\n--${BOUNDARY.slice(1)}\r\n-\r`), text('model', 'm')], 'a preamble\r\n', '\r\nan epilogue'))
    const one = scan(bytes)
    const many = scan(
      bytes,
      Array.from(bytes, (_, at) => at),
    )
    expect(many.field('model')).toEqual(one.field('model'))
    expect(one.field('model')?.value).toBe('m')
  })

  it('knows bare names, names in quotes, and headers in any order and case', () => {
    const found = scan(
      latin1(
        form([
          { head: 'content-type: text/plain\r\ncontent-DISPOSITION:form-data;name=model', body: 'm' },
          { head: "Content-Disposition: form-data; name=file; filename*=UTF-8''a.wav", body: 'x' },
          { head: 'Content-Disposition: form-data; name="response_format"', body: 'srt' },
        ]),
      ),
    )
    expect([found.field('model')?.value, found.field('response_format')?.value, found.files]).toEqual(['m', 'srt', 1])
  })

  it.each([
    ['two models', form([text('model', 'a'), text('model', 'b')])],
    ['two models, far apart', form([text('model', 'a'), file('file', 'x'.repeat(100_000)), text('model', 'a')])],
    ['a model that is a file beside one that is none', form([text('model', 'a'), file('model', 'b')])],
    ['another spelling', form([text('model', 'a'), text('MODEL', 'b')])],
    ['blanks around it', form([text('model', 'a'), text(' model ', 'b')])],
    ['a list of models', form([text('model', 'a'), text('model[]', 'b')])],
    ['a member of it', form([text('model[0]', 'a')])],
    ['an encoded name', form([{ head: "Content-Disposition: form-data; name*=utf-8''model", body: 'a' }])],
    ['a name in pieces', form([{ head: 'Content-Disposition: form-data; name*0="mo"; name*1="del"', body: 'a' }])],
    ['two names', form([{ head: 'Content-Disposition: form-data; name="a"; name="model"', body: 'a' }])],
    ['no name', form([{ head: 'Content-Disposition: form-data', body: 'a' }])],
    ['a name with a backslash', form([{ head: 'Content-Disposition: form-data; name="mod\\el"', body: 'a' }])],
    ['no headers', form([{ head: 'x', body: 'a' }])],
    ['two dispositions', form([{ head: `${text('a', '').head}\r\n${text('model', '').head}`, body: 'a' }])],
    ['a folded header', form([{ head: `${text('a', '').head};\r\n name="model:x"`, body: 'a' }])],
    ['base64', form([{ head: `${text('model', '').head}\r\nContent-Transfer-Encoding: base64`, body: 'bW9kZWw=' }])],
    ['a text that is no UTF-8', form([text('model', '\xff\xfe')])],
    ['a text without end', form([text('model', 'x'.repeat(300_000))])],
    ['texts without end', form(Array.from({ length: 5 }, (_, i) => text(`t${i}`, 'x'.repeat(60_000))))],
    ['headers without end', form([{ head: `X: ${'x'.repeat(9000)}\r\n${text('a', '').head}`, body: '' }])],
    ['no end', form([text('model', 'a')]).slice(0, -6)],
    ['nothing at all', ''],
    ['no boundary', 'model=a'],
    ['bare line feeds', form([text('model', 'a')]).replaceAll('\r\n', '\n')],
    ['words behind a boundary', form([text('model', 'a')]).replace('x\r\n', 'x y\r\n')],
    [
      'a boundary right behind the headers',
      `--${BOUNDARY}\r\n${text('a', '').head}\r\n\r\n--${BOUNDARY}\r\n${text('model', '').head}\r\n\r\nm\r\n--${BOUNDARY}--`,
    ],
    ['a second form behind its end', form([text('a', 'b')]) + form([text('model', 'm')])],
  ])('with %s is refused, whole and in pieces', (_name, body) => {
    const bytes = latin1(body)
    const said = refusal(bytes)
    expect(said).not.toBe('nothing')
    expect(
      refusal(
        bytes,
        Array.from({ length: Math.min(bytes.length, 3000) }, (_, at) => at),
      ),
    ).toBe(said)
  })

  it('of tiny pieces costs no more than its length', () => {
    const bytes = latin1(form([text('prompt', '\r'.repeat(200_000)), text('model', 'm')]))
    const found = new FormScan(BOUNDARY)
    const began = performance.now()
    for (let at = 0; at < bytes.length; at++) found.push(bytes.subarray(at, at + 1))
    expect(found.field('model')?.value).toBe('m')
    expect(performance.now() - began).toBeLessThan(5000)
  })
})

describe('the boundary', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['multipart/form-data; charset=utf-8; Boundary="a b:c"', 'a b:c'],
    ['multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxk; x=y', '----WebKitFormBoundary7MA4YWxk'],
    ['multipart/form-data; boundary===_Part_1=', '==_Part_1='],
  ])('of %s', (header, wanted) => {
    expect(boundaryOf(header)).toBe(wanted)
  })

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    'multipart/form-data; boundary=a; boundary=b',
    "multipart/form-data; boundary=a; boundary*=utf-8''b",
    'multipart/form-data; boundary="a\\"b"',
    'multipart/form-data; boundary=ä',
  ])('is not to be had of %s', (header) => {
    expect(() => boundaryOf(header)).toThrow(GatewayError)
  })
})
