import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import type { ChatEvent } from '../../src/core/canonical.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { Intent } from '../../src/dialects/contract.ts'
import { readAddress } from '../../src/dialects/gemini/address.ts'
import { geminiClient } from '../../src/dialects/gemini/client.ts'
import { jsonSchemaOf } from '../../src/dialects/gemini/schema-reading.ts'
import { SERVED } from '../support/served.ts'

const encoder = new TextEncoder()
const body = (value: unknown): Body => new Body(encoder.encode(typeof value === 'string' ? value : JSON.stringify(value)))
const say = [{ role: 'user', parts: [{ text: 'hi' }] }]

function intent(value: unknown, path = '/v1beta/models/google/gemini-2.5-flash:generateContent', query = ''): Intent {
  return geminiClient.intent({ path, query: new URLSearchParams(query), headers: new Headers(), body: body(value), nowSeconds: 1 })
}

describe('the path', () => {
  it.each([
    ['/v1beta/models/google/gemini-2.5-flash:generateContent', 'google/gemini-2.5-flash', false],
    ['/v1beta/models/openrouter/a/b:free:streamGenerateContent', 'openrouter/a/b:free', true],
    ['/v1beta/models/openai%2Fgpt-4o%3AgenerateContent', 'openai/gpt-4o', false],
    ['/v1beta/models/google/x%3fevil=1:generateContent', 'google/x?evil=1', false],
    ['/v1beta/models/google/%252e%252e:generateContent', 'google/%2e%2e', false],
  ])('%s names %s', (path, model, stream) => expect(readAddress(path)).toEqual({ model, stream }))

  it.each([
    ['/v1beta/models/google/x:countTokens', 'path-unknown'],
    ['/v1beta/models/google/x', 'path-unknown'],
    ['/v1beta/models/:generateContent', 'request-malformed'],
    ['/v1beta/models/%ff:generateContent', 'request-malformed'],
    ['/v1beta/models/%00:generateContent', 'request-malformed'],
    ['/v1beta/models/google/x%0d%0aa:1:generateContent', 'request-malformed'],
  ])('%s is refused as %s', (path, code) => expect(() => readAddress(path)).toThrow(expect.objectContaining({ code })))

  it('asks for an array unless it asks for events', () => {
    const path = '/v1beta/models/google/x:streamGenerateContent'
    expect(intent({ contents: say }, path).framing).toBe('json-array')
    expect(intent({ contents: say }, path, 'alt=sse').framing).toBeUndefined()
    expect(intent({ contents: say }).framing).toBeUndefined()
  })
})

describe('the key', () => {
  const key = (headers: { readonly [name: string]: string }, query = ''): string | null =>
    geminiClient.credential(new Headers(headers), new URL(`http://x/v1beta/models/a:generateContent${query}`))
  it('comes in its own header, as a bearer, or in the query', () => {
    expect(key({ 'x-goog-api-key': 'a' }, '?key=c')).toBe('a')
    expect(key({ authorization: 'Bearer b' }, '?key=c')).toBe('b')
    expect(key({}, '?key=c')).toBe('c')
    expect(key({}, '?key=')).toBeNull()
  })
})

describe('what bounds a request', () => {
  it('is not its size when media, tools of the provider or cached content are in it', () => {
    const image = { contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: 'AA==' } }] }] }
    expect([...intent(image).needs]).toEqual(['image'])
    expect(intent({ contents: say }).inputBound).toBeGreaterThan(0)
    expect(intent({ contents: say, tools: [{ googleSearch: {} }] }).inputBound).toBeNull()
    expect(intent({ contents: say, tools: [{ googleSearch: null, functionDeclarations: [] }] }).inputBound).not.toBeNull()
    expect(intent({ contents: say, cached_content: 'x' }).inputBound).toBeNull()
    expect(intent({ contents: [{ parts: [{ file_data: { file_uri: 'gs://x' } }] }] }).inputBound).toBeNull()
  })

  it('is refused when its ceiling stands in two spellings', () => {
    const twice = [
      { generationConfig: { maxOutputTokens: 1, max_output_tokens: 9 } },
      { generationConfig: {}, generation_config: { maxOutputTokens: 9 } },
    ]
    for (const config of twice)
      expect(() => intent({ contents: say, ...config })).toThrow(expect.objectContaining({ code: 'request-malformed' }))
    expect(intent({ contents: say, generation_config: { max_output_tokens: 9 } }).maxOutputTokens).toBe(9)
  })
})

describe('reading', () => {
  it('pairs results with calls by id, by name and by order', () => {
    const { turns } = geminiClient.read(
      body({
        contents: [
          { role: 'user', parts: [{ text: 'go' }] },
          {
            role: 'model',
            parts: [
              { functionCall: { name: 'f', args: { n: 1 } } },
              { functionCall: { name: 'f', args: {} } },
              { functionCall: { name: 'g', id: 'own' } },
            ],
          },
          {
            role: 'user',
            parts: [
              { functionResponse: { id: 'own', name: 'g', response: { error: 'no' } } },
              { functionResponse: { name: 'f', response: { output: 'one' } } },
              { functionResponse: { id: 'made-by-client', name: 'f', response: { n: 1.0 } } },
            ],
          },
        ],
      }),
    )
    expect(turns[1]?.parts).toMatchObject([{ id: 'call_1_f', arguments: '{"n":1}' }, { id: 'call_2_f' }, { id: 'own', arguments: '{}' }])
    expect(turns[2]?.parts).toMatchObject([
      { callId: 'own', isError: true, content: [{ text: 'no' }] },
      { callId: 'call_1_f', content: [{ text: 'one' }] },
      { callId: 'call_2_f', content: [{ text: '{"n":1}' }] },
    ])
  })

  it('takes contents in every form, and base64 for URLs', () => {
    const textOf = (contents: unknown): unknown => geminiClient.read(body({ contents })).turns
    const want = [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }]
    for (const contents of ['hi', { parts: { text: 'hi' } }, [{ text: 'hi' }], ['hi'], say]) expect(textOf(contents)).toMatchObject(want)
    expect(textOf([{ parts: [{ inline_data: { mime_type: 'image/png', data: '-_8' } }] }])).toMatchObject([
      { parts: [{ source: { base64: '+/8=' } }] },
    ])
  })

  it('keeps signatures for Google, but not the word that stands for none', () => {
    const parts = [
      { text: 'a', thought: true, thought_signature: 'S' },
      { functionCall: { name: 'f' }, thoughtSignature: 'skip_thought_signature_validator' },
    ]
    const [turn] = geminiClient.read(body({ contents: [{ role: 'model', parts }] })).turns
    expect(turn?.parts[0]).toEqual({ kind: 'reasoning', text: 'a', seal: { issuer: 'google', value: 'S' } })
    expect(turn?.parts[1]).not.toHaveProperty('seal')
  })

  it.each([
    [{ contents: [null] }],
    [{ contents: [] }],
    [{ contents: [{ role: 'model', parts: [{ functionCall: { name: 'f', args: '{},"x":1' } }] }] }],
    [{ contents: say, tools: [{ functionDeclarations: [{ name: 'f', parameters: '1' }] }] }],
    [{ contents: say, tools: [null] }],
    [{ contents: [{ parts: [{ inlineData: 5 }] }] }],
  ])('refuses %j', (request) => {
    expect(() => geminiClient.read(body(request))).toThrow(expect.objectContaining({ code: 'request-malformed' }))
  })

  it('refuses several answers', () => {
    const request = { contents: say, generationConfig: { candidateCount: 2 } }
    expect(() => geminiClient.read(body(request))).toThrow(expect.objectContaining({ code: 'request-unsupported' }))
  })

  it('makes JSON Schema of its own schemas and moves nothing', () => {
    const own =
      '{ "type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true,"enum":["A"]},"9":{"type":"ARRAY","minItems":"2","items":{"type":"NUMBER","example":1.50}}},"required":["type"]}'
    expect(jsonSchemaOf(own)).toBe(
      '{"type":"object","properties":{"type":{"type":["string","null"],"enum":["A",null]},"9":{"type":"array","minItems":2,"items":{"type":"number","example":1.50}}},"required":["type"]}',
    )
  })

  it('names what no other language says by where the client has it', () => {
    const { extras } = geminiClient.read(
      body({
        contents: say,
        safetySettings: [{}],
        toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } },
        generationConfig: { responseModalities: ['IMAGE'], speechConfig: {}, responseLogprobs: false },
      }),
    )
    expect(Object.keys(extras.fields)).toEqual([
      'toolConfig.functionCallingConfig.mode',
      'generationConfig.responseModalities',
      'generationConfig.speechConfig',
      'safetySettings',
    ])
  })
})

describe('writing', () => {
  const asked = intent({ contents: say })
  const frames = (events: readonly ChatEvent[]): readonly string[] => {
    const writer = geminiClient.writer(asked, SERVED)
    return events.flatMap((event) => writer.write(event).map((frame) => frame.data))
  }

  it('sends calls whole, in their order, on one line, with their signature', () => {
    const events: readonly ChatEvent[] = [
      { kind: 'start', id: 'r', model: 'm' },
      { kind: 'block-start', index: 0, block: { kind: 'tool-call', id: 'a', name: 'f' } },
      { kind: 'block-start', index: 1, block: { kind: 'tool-call', id: 'b', name: 'g' } },
      { kind: 'block-delta', index: 1, text: '{}' },
      { kind: 'block-end', index: 1 },
      { kind: 'block-delta', index: 0, text: '{\n "x"' },
      { kind: 'block-delta', index: 0, text: ': 1.0}' },
      { kind: 'block-seal', index: 0, seal: { issuer: 'google', value: 'S' } },
      { kind: 'block-end', index: 0 },
      { kind: 'finish', reason: 'tool-calls', native: null },
    ]
    expect(frames(events)).toEqual([
      '{"candidates":[{"content":{"parts":[{"functionCall":{"id":"a","name":"f","args":{  "x": 1.0}},"thoughtSignature":"S"}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"r"}',
      '{"candidates":[{"content":{"parts":[{"functionCall":{"id":"b","name":"g","args":{}}}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"r"}',
      '{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"m","responseId":"r"}',
    ])
  })

  it('keeps the seals of other vendors to itself', () => {
    const events: readonly ChatEvent[] = [
      { kind: 'block-start', index: 0, block: { kind: 'reasoning' } },
      { kind: 'block-delta', index: 0, text: 'hm' },
      { kind: 'block-seal', index: 0, seal: { issuer: 'anthropic', value: 'SECRET' } },
      { kind: 'block-end', index: 0 },
    ]
    expect(frames(events).join('')).not.toContain('SECRET')
  })

  it('tells an error as Google does', () => {
    const error = new GatewayError('rate-exceeded', 'Slow down.', { retryAfterMs: 1200 })
    expect(geminiClient.writeError(error, 'req')).toMatchObject({
      error: {
        code: 429,
        message: 'Slow down.',
        status: 'RESOURCE_EXHAUSTED',
        details: [{ reason: 'RATE_EXCEEDED' }, { retryDelay: '2s' }, { requestId: 'req' }],
      },
    })
  })
})
