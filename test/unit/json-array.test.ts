import { describe, expect, it } from 'vitest'
import { JsonArrayReader, JsonArrayWriter } from '../../src/core/json-array.ts'

const encoder = new TextEncoder()
const ELEMENTS = ['{"a":"]},{\\"[ü🙂"}', '{"b":[1,{"c":{}}]}', '{\n "d" : "\\\\" }']
const TEXT = ` [${ELEMENTS.join('\n,\r\n')}]\n`

describe('a stream framed as a JSON array', () => {
  it('is read the same wherever its bytes are cut', () => {
    const bytes = encoder.encode(TEXT)
    for (let at = 0; at <= bytes.length; at++) {
      const reader = new JsonArrayReader()
      const frames = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at)), ...reader.end()]
      expect(frames.map((frame) => frame.data)).toEqual(ELEMENTS)
    }
    const single = new JsonArrayReader()
    expect(Array.from(bytes, (byte) => [...single.push(Uint8Array.of(byte))]).flat()).toHaveLength(3)
  })

  it('gives no element that was never closed', () => {
    const reader = new JsonArrayReader()
    expect([...reader.push(encoder.encode('[{"a":1},{"b":')), ...reader.end()]).toEqual([{ data: '{"a":1}' }])
  })

  it.each(['', '[', '[ ', '[{"a":1}', '[{"a":1}\n'])('is ended behind %j so that it stays JSON', (begun) => {
    const reader = new JsonArrayReader()
    reader.push(encoder.encode(begun))
    expect(JSON.parse(begun + reader.farewell([{ data: '{"error":1}' }])).at(-1)).toEqual({ error: 1 })
  })

  it.each(['[{"a":', '[{"a":1}]'])('cannot be ended behind %j', (begun) => {
    const reader = new JsonArrayReader()
    reader.push(encoder.encode(begun))
    expect(reader.farewell([{ data: '{}' }])).toBeNull()
  })

  it('is written as one array, whatever its number of elements', () => {
    for (let count = 0; count < 4; count++) {
      const writer = new JsonArrayWriter()
      const text = ELEMENTS.slice(0, count).map((data) => writer.text([{ data }]))
      expect(JSON.parse(text.join('') + writer.end([]))).toHaveLength(count)
    }
  })
})
