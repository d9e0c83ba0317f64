// Reading Gemini's answers: frames as Google sends them, cut to what each case is about.

import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../../src/core/canonical.ts'
import { collect } from '../../src/core/collect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { geminiUpstream } from '../../src/dialects/gemini/upstream.ts'

const USAGE = { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 20, totalTokenCount: 35 }

function frame(parts: readonly unknown[], more: object = {}, candidate: object = {}): object {
  return {
    responseId: 'eb-FapqK',
    modelVersion: 'gemini-3-flash-preview',
    candidates: [{ content: { role: 'model', parts }, index: 0, ...candidate }],
    ...more,
  }
}

function stream(...frames: readonly unknown[]): ChatEvent[] {
  const reader = geminiUpstream.reader()
  return [...frames.flatMap((data) => reader.read({ data: typeof data === 'string' ? data : JSON.stringify(data) })), ...reader.end()]
}

const STOP = { finishReason: 'STOP' }

describe('a streamed Gemini reply', () => {
  it('joins text over frames, and a signature that comes alone seals it', () => {
    const events = stream(
      frame([{ text: 'I think.', thought: true }]),
      frame([{ text: 'Hel' }]),
      frame([{ text: 'lo' }], { usageMetadata: USAGE }),
      frame([{ text: '', thoughtSignature: 'c2ln' }], {}, STOP),
    )
    expect(collect(events)).toEqual({
      id: 'eb-FapqK',
      model: 'gemini-3-flash-preview',
      parts: [
        { kind: 'reasoning', text: 'I think.' },
        { kind: 'text', text: 'Hello', seal: { issuer: 'google', value: 'c2ln' } },
      ],
      finish: { reason: 'stop', native: 'STOP' },
      usage: expect.objectContaining({ input: 10, output: 25, reasoning: 20 }),
      extras: expect.anything(),
    })
    expect(events.filter((event) => event.kind === 'block-start').length).toBe(2)
  })

  it('keeps a signature on an empty text after a call as a part of its own', () => {
    const { parts } = collect(stream(frame([{ functionCall: { name: 'f' } }, { text: '', thoughtSignature: 'c2ln' }], {}, STOP)))
    expect(parts[1]).toEqual({ kind: 'text', text: '', seal: { issuer: 'google', value: 'c2ln' } })
  })

  it('makes ids for calls that have none, distinct, and says tool-calls for STOP', () => {
    const { parts, finish } = collect(
      stream(
        frame([{ functionCall: { name: 'f', args: {} }, thoughtSignature: 'YQ==' }, { functionCall: { name: 'f', args: {} } }], {}, STOP),
      ),
    )
    const ids = parts.map((part) => (part.kind === 'tool-call' ? part.id : ''))
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^[\w-]{1,40}$/)
    expect(parts[0]).toMatchObject({ seal: { issuer: 'google', value: 'YQ==' } })
    expect(finish).toEqual({ reason: 'tool-calls', native: 'STOP' })
  })

  it('keeps arguments byte for byte', () => {
    const text =
      '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"b":1.0,"10":12345678901234567890}}}]},"finishReason":"STOP"}]}'
    expect(collect(stream(text)).parts[0]).toMatchObject({ arguments: '{"b":1.0,"10":12345678901234567890}' })
  })

  it('puts streamed arguments together by their paths', () => {
    const piece = (partialArgs: string, more = true) =>
      `{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[${partialArgs}]${more ? ',"willContinue":true' : ''}}}]}}]}`
    const events = stream(
      frame([{ functionCall: { name: 'read_screen', willContinue: true } }]),
      piece('{"jsonPath":"$.id","stringValue":"A","willContinue":true}'),
      piece('{"jsonPath":"$.id","stringValue":"B"}'),
      piece(
        `{"jsonPath":"$.list[0]['odd key']","numberValue":1.50},{"jsonPath":"$.list[1]","boolValue":false},{"jsonPath":"$.none","nullValue":"NULL_VALUE"}`,
      ),
      frame([{ functionCall: {} }]),
      frame([{ functionCall: { name: 'read_theme' } }], {}, STOP),
    )
    const calls = collect(events).parts.map((part) => (part.kind === 'tool-call' ? [part.name, part.arguments] : []))
    expect(calls).toEqual([
      ['read_screen', '{"id":"AB","list":[{"odd key":1.50},false],"none":null}'],
      ['read_theme', '{}'],
    ])
  })

  it('calls pieces that fit nowhere garbled', () => {
    for (const jsonPath of ['id', '$', '$.a[7]', '$.a..b', '$[x]']) {
      const events = stream(frame([{ functionCall: { name: 'f', willContinue: true, partialArgs: [{ jsonPath, stringValue: 'x' }] } }]))
      expect(events.at(-1)).toMatchObject({ kind: 'error', code: 'upstream-garbled' })
    }
  })

  it('counts the last usage and keeps counts that a later frame leaves out', () => {
    const events = stream(
      frame([{ text: 'a' }], {
        usageMetadata: {
          promptTokenCount: 100,
          cachedContentTokenCount: 40,
          toolUsePromptTokenCount: 5,
          promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 30 }],
        },
      }),
      frame(
        [{ text: 'b' }],
        { usageMetadata: { candidatesTokenCount: 50, candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 45 }] } },
        STOP,
      ),
    )
    expect(collect(events).usage).toMatchObject({
      input: 35,
      inputAudio: 30,
      cacheRead: 40,
      output: 5,
      outputImage: 45,
      outputAudio: 0,
      reasoning: null,
    })
  })

  it('cites by the words of the segment', () => {
    const groundingMetadata = {
      webSearchQueries: ['a', ''],
      groundingChunks: [{ web: { uri: 'https://x.example', title: 'X' } }],
      groundingSupports: [{ segment: { startIndex: 4, endIndex: 9, text: 'über.' }, groundingChunkIndices: [0, 7] }],
    }
    const { parts, usage } = collect(
      stream(frame([{ text: 'é: ' }]), frame([{ text: 'über.' }], { usageMetadata: USAGE }, { ...STOP, groundingMetadata })),
    )
    expect(parts[0]).toMatchObject({ citations: [{ url: 'https://x.example', title: 'X', start: 3, end: 8 }] })
    expect(usage?.paidToolCalls).toBe(1)
  })

  it('says why a prompt was blocked', () => {
    expect(collect(stream({ promptFeedback: { blockReason: 'SAFETY' } })).finish).toEqual({ reason: 'filtered', native: 'SAFETY' })
  })

  it('is an error when it stops before its finish, and when a frame carries one', () => {
    expect(stream(frame([{ text: 'a' }])).at(-1)).toMatchObject({ kind: 'error', code: 'upstream-cut' })
    expect(stream().at(-1)).toMatchObject({ kind: 'error', code: 'upstream-cut' })
    const overloaded = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }
    for (const data of [overloaded, [overloaded]]) {
      const events = stream(frame([{ text: 'a' }]), data, frame([{ text: 'b' }], {}, STOP))
      expect(events.at(-1)).toEqual({ kind: 'error', code: 'upstream-overloaded', message: 'The model is overloaded.' })
    }
    expect(stream('{"candidates":').at(-1)).toMatchObject({ kind: 'error', code: 'upstream-garbled' })
  })
})

describe('a whole Gemini answer', () => {
  it('is what the stream of its parts is', () => {
    const parts = [
      { text: 'a' },
      { executableCode: { language: 'PYTHON', code: '1' } },
      { text: 'b' },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
    ]
    const whole = geminiUpstream.read(JSON.stringify(frame(parts, { usageMetadata: USAGE }, STOP)))
    expect(whole).toEqual(collect(stream(...parts.map((part) => frame([part])), frame([], { usageMetadata: USAGE }, STOP))))
    expect(whole.parts.map((part) => part.kind)).toEqual(['text', 'native', 'text', 'media'])
  })

  it('tells usage without reading the rest', () => {
    const text = JSON.stringify(frame([{ text: 'a' }], { usageMetadata: USAGE }, STOP))
    expect(geminiUpstream.readUsage(text)).toEqual({ usage: geminiUpstream.read(text).usage, finish: 'STOP' })
    expect(geminiUpstream.readUsage('{}')).toEqual({ usage: null, finish: null })
    expect(() => geminiUpstream.readUsage('[]')).toThrow(GatewayError)
  })

  it('is garbled when it is no object', () => {
    for (const text of ['', 'null', '[]', '<html>', '3'])
      expect(() => geminiUpstream.read(text)).toThrow(expect.objectContaining({ code: 'upstream-garbled' }))
  })
})

describe('a Gemini error', () => {
  const read = (status: number, text: string, headers: Record<string, string> = {}) =>
    geminiUpstream.readError(status, new Headers(headers), text)

  it('keeps Google’s words and its wish to wait', () => {
    const error = read(
      429,
      JSON.stringify({
        error: {
          code: 429,
          message: 'Quota exceeded.',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.5s' }],
        },
      }),
    )
    expect(error).toMatchObject({
      code: 'upstream-limited',
      message: 'Quota exceeded.',
      detail: { retryAfterMs: 34_500, upstream: { status: 429, dialect: 'gemini' } },
    })
    expect(read(429, '', { 'retry-after': '2' })?.detail.retryAfterMs).toBe(2000)
  })

  it('has a code for each status', () => {
    const codes = [400, 401, 403, 404, 408, 429, 500, 503, 504].map((status) => read(status, '')?.code)
    expect(codes).toEqual([
      'upstream-refused',
      'credential-refused',
      'credential-refused',
      'upstream-refused',
      'upstream-timeout',
      'upstream-limited',
      'upstream-failed',
      'upstream-overloaded',
      'upstream-timeout',
    ])
    expect(
      read(400, '{"error":{"message":"The input token count (2000000) exceeds the maximum number of tokens allowed (1048576)."}}')?.code,
    ).toBe('upstream-context-too-long')
    expect(read(500, '')?.message).toBe('The provider answered 500.')
    expect(read(502, '<html><title>Bad  Gateway</title></html>')?.message).toBe('Bad Gateway')
  })

  it('is seen behind status 200, and not where there is none', () => {
    expect(read(200, '[{"error":{"code":500,"message":"Internal."}}]')).toMatchObject({ code: 'upstream-failed', message: 'Internal.' })
    expect(read(200, JSON.stringify(frame([{ text: '"error"' }], {}, STOP)))).toBeNull()
  })
})
