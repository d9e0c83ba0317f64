// Writing requests for Gemini: what the body says, and what is reported instead.

import { describe, expect, it } from 'vitest'
import type { ChatRequest, Turn } from '../../src/core/canonical.ts'
import type { Intent } from '../../src/dialects/contract.ts'
import { geminiUpstream } from '../../src/dialects/gemini/upstream.ts'

const INTENT: Intent = {
  model: 'google/gemini',
  stream: false,
  wantsUsage: true,
  maxOutputTokens: null,
  reasoningTokens: null,
  choices: 1,
  needs: new Set(),
  inputBound: null,
  endUserId: null,
  session: null,
  nowSeconds: 0,
}

function write(request: Partial<ChatRequest>, model = 'gemini-3-flash-preview', maxOutputTokens: number | null = null) {
  const full: ChatRequest = { turns: [], tools: [], sampling: {}, extras: { dialect: 'openai-chat', fields: {} }, ...request }
  const written = geminiUpstream.write(full, INTENT, { model, maxOutputTokens, habits: { issuer: 'google' } })
  return { ...written, body: JSON.parse(written.text) }
}

const user = (text: string): Turn => ({ role: 'user', parts: [{ kind: 'text', text }], at: 'messages[0]' })
const call = (id: string, name: string, seal?: string): Turn['parts'][number] => ({
  kind: 'tool-call',
  id,
  name,
  arguments: '{"b":1.0,"a":2}',
  ...(seal === undefined ? {} : { seal: { issuer: 'google', value: seal } }),
})
const result = (callId: string, text: string, isError = false): Turn => ({
  role: 'tool',
  parts: [{ kind: 'tool-result', callId, content: [{ kind: 'text', text }], isError }],
  at: 'messages[2]',
})
const TOOL = {
  kind: 'function',
  name: 'f',
  description: 'F',
  schema: '{"type":"object","x-odd":{"b":1,"10":12345678901234567890}}',
} as const

describe('turns', () => {
  it('takes leading system turns as the instruction and later ones as the user’s words', () => {
    const system = (text: string): Turn => ({ role: 'system', parts: [{ kind: 'text', text }], at: 'messages[9]' })
    const { body, approximated } = write({ turns: [system('A'), system('B'), user('hi'), system('C')] })
    expect(body.systemInstruction).toEqual({ parts: [{ text: 'A' }, { text: 'B' }] })
    expect(body.contents).toEqual([{ role: 'user', parts: [{ text: 'hi' }, { text: 'C' }] }])
    expect(approximated).toEqual(['messages[9].role'])
    expect(write({ turns: [system('A')] }).body).toMatchObject({ contents: [{ role: 'user', parts: [{ text: 'A' }] }] })
  })

  it('pairs results with the names of their calls and wraps what is no object', () => {
    const { text, body } = write({
      turns: [
        user('hi'),
        { role: 'assistant', parts: [call('1', 'f', 'c2ln'), call('2', 'g')] },
        result('1', '{"t": 1.0}'),
        result('2', 'sunny'),
        result('2', 'no', true),
        user('so?'),
      ],
    })
    expect(text).toContain('"args":{"b":1.0,"a":2}')
    expect(text).toContain('"response":{"t": 1.0}')
    expect(body.contents.map((content: { role: string }) => content.role)).toEqual(['user', 'model', 'user'])
    expect(body.contents[1].parts.map((part: { thoughtSignature?: string }) => part.thoughtSignature)).toEqual(['c2ln', undefined])
    expect(body.contents[2].parts).toEqual([
      { functionResponse: { id: '1', name: 'f', response: { t: 1 } } },
      { functionResponse: { id: '2', name: 'g', response: { result: 'sunny' } } },
      { functionResponse: { id: '2', name: 'g', response: { error: 'no' } } },
      { text: 'so?' },
    ])
  })

  it('signs the first of another model’s calls for Gemini 3, and none before', () => {
    const turns: Turn[] = [user('hi'), { role: 'assistant', parts: [call('1', 'f'), call('2', 'g')] }]
    const signatures = (model: string) =>
      write({ turns }, model).body.contents[1].parts.map((part: { thoughtSignature?: string }) => part.thoughtSignature)
    expect(signatures('gemini-3-pro')).toEqual(['skip_thought_signature_validator', undefined])
    expect(signatures('gemini-flash-latest')).toEqual(['skip_thought_signature_validator', undefined])
    expect(signatures('gemini-2.5-pro')).toEqual([undefined, undefined])
  })

  it('leaves the seals of others out and says so', () => {
    const { text, dropped } = write({
      turns: [
        user('hi'),
        {
          role: 'assistant',
          at: 'messages[1]',
          parts: [
            { kind: 'reasoning', text: 'hm', seal: { issuer: 'anthropic', value: 'SEALED' } },
            { kind: 'text', text: 'yo' },
          ],
        },
      ],
    })
    expect(text).not.toContain('SEALED')
    expect(text).toContain('{"text":"hm","thought":true}')
    expect(dropped).toEqual(['messages[1].signature'])
  })

  it('carries media inline, by URL, and inside results', () => {
    const media = (source: object, mediaType = 'image/*') => ({ kind: 'media', mediaType, source }) as Turn['parts'][number]
    const turns: Turn[] = [
      {
        role: 'user',
        at: 'messages[0]',
        parts: [
          media({ at: 'inline', base64: 'AAAA' }, 'image/png'),
          media({ at: 'url', url: 'https://x.example/a.JPG?b=c' }),
          media({ at: 'url', url: 'https://youtu.be/x' }),
          media({ at: 'file', fileId: 'file-1', provider: 'openai' }),
        ],
      },
      { role: 'assistant', parts: [call('1', 'f')] },
      {
        role: 'tool',
        at: 'messages[2]',
        parts: [{ kind: 'tool-result', callId: '1', isError: false, content: [media({ at: 'inline', base64: 'BBBB' }, 'image/png')] }],
      },
    ]
    const { body, dropped } = write({ turns })
    expect(body.contents[0].parts).toEqual([
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
      { fileData: { mimeType: 'image/jpeg', fileUri: 'https://x.example/a.JPG?b=c' } },
      { fileData: { fileUri: 'https://youtu.be/x' } },
    ])
    expect(dropped).toEqual(['messages[0].content[3].file'])
    expect(body.contents[2].parts[0].functionResponse.parts).toEqual([{ inlineData: { mimeType: 'image/png', data: 'BBBB' } }])
    expect(write({ turns }, 'gemini-2.5-flash').body.contents[2].parts[1]).toEqual({ inlineData: { mimeType: 'image/png', data: 'BBBB' } })
  })
})

describe('tools and settings', () => {
  it('carries schemas as the text they were', () => {
    const { text, dropped } = write({
      tools: [
        { ...TOOL, strict: true },
        { kind: 'native', dialect: 'anthropic-messages', value: {} },
      ],
      parallelToolCalls: false,
    })
    expect(text).toContain(`"parametersJsonSchema":${TOOL.schema}`)
    expect(dropped).toEqual(['tools[0].strict', 'tools[1]', 'parallelToolCalls'])
  })

  it('says each tool choice', () => {
    const calling = (toolChoice: ChatRequest['toolChoice']) =>
      write({ tools: [TOOL], ...(toolChoice === undefined ? {} : { toolChoice }) }).body.toolConfig?.functionCallingConfig
    expect(calling({ kind: 'auto' })).toEqual({ mode: 'AUTO' })
    expect(calling({ kind: 'none' })).toEqual({ mode: 'NONE' })
    expect(calling({ kind: 'any' })).toEqual({ mode: 'ANY' })
    expect(calling({ kind: 'one', name: 'f' })).toEqual({ mode: 'ANY', allowedFunctionNames: ['f'] })
    expect(calling(undefined)).toBeUndefined()
  })

  it('writes sampling, at most five stops, and the ceiling it is ordered to', () => {
    const { body, dropped } = write(
      {
        sampling: {
          maxOutputTokens: 100,
          temperature: 0,
          topP: 1,
          topK: 3,
          seed: 2 ** 40,
          stop: ['a', 'b', 'c', 'd', 'e', 'f'],
          presencePenalty: 1,
          frequencyPenalty: -1,
        },
      },
      'gemini-3-pro',
      50,
    )
    expect(body.generationConfig).toEqual({
      maxOutputTokens: 50,
      temperature: 0,
      topP: 1,
      topK: 3,
      stopSequences: ['a', 'b', 'c', 'd', 'e'],
      presencePenalty: 1,
      frequencyPenalty: -1,
    })
    expect(dropped).toEqual(['stop', 'seed'])
  })

  it('asks for JSON, except beside functions before Gemini 3', () => {
    const replyFormat = { kind: 'schema', name: 'n', schema: '{"type":"object","b":1.0}', strict: true } as const
    expect(write({ replyFormat, tools: [TOOL] }).text).toContain(
      '"responseMimeType":"application/json","responseJsonSchema":{"type":"object","b":1.0}',
    )
    expect(write({ replyFormat, tools: [TOOL] }, 'gemini-2.5-pro').dropped).toEqual(['replyFormat'])
    expect(write({ replyFormat: { kind: 'json' } }).body.generationConfig).toEqual({ responseMimeType: 'application/json' })
  })

  it('says reasoning as each generation hears it', () => {
    const think = (reasoning: ChatRequest['reasoning'], model: string, ceiling: number | null = null) => {
      const { body, dropped, approximated } = write(reasoning === undefined ? {} : { reasoning }, model, ceiling)
      return [body.generationConfig?.thinkingConfig, ...dropped, ...approximated.map((name) => `~${name}`)]
    }
    expect(think({ effort: 'low' }, 'gemini-3-flash')).toEqual([{ thinkingLevel: 'low', includeThoughts: true }])
    expect(think({ effort: 'medium' }, 'gemini-3-pro-preview')).toEqual([{ thinkingLevel: 'high', includeThoughts: true }, '~reasoning'])
    expect(think({ effort: 'medium' }, 'gemini-2.5-flash')).toEqual([{ thinkingBudget: 8192, includeThoughts: true }, '~reasoning'])
    expect(think({ effort: 'high' }, 'gemini-2.5-flash', 10_000)).toEqual([{ thinkingBudget: 8000, includeThoughts: true }, '~reasoning'])
    expect(think({ budgetTokens: 100_000 }, 'gemini-2.5-pro')).toEqual([{ thinkingBudget: 32_768, includeThoughts: true }, '~reasoning'])
    expect(think({ off: true }, 'gemini-2.5-flash')).toEqual([{ thinkingBudget: 0 }])
    expect(think({ off: true }, 'gemini-2.5-pro')).toEqual([undefined, 'reasoning'])
    expect(think({ effort: 'high' }, 'gemini-2.0-flash')).toEqual([undefined, 'reasoning'])
    expect(think({ off: true }, 'gemini-2.0-flash')).toEqual([undefined])
    expect(think(undefined, 'gemini-3-pro')).toEqual([undefined])
  })

  it('names what it cannot say, and says log probabilities', () => {
    const { body, dropped } = write({
      endUserId: 'u',
      logprobs: { top: 2 },
      cacheKey: 'k',
      extras: {
        dialect: 'openai-chat',
        fields: {
          logit_bias: { 1: 2 },
          store: false,
          n: 1,
          stream_options: { include_usage: true },
        },
      },
    })
    expect(body.generationConfig).toEqual({ responseLogprobs: true, logprobs: 2 })
    expect(dropped).toEqual(['logit_bias', 'cacheKey', 'endUserId'])
  })
})

describe('edits', () => {
  it('sets the ceiling where the client has it', () => {
    const edit = (members: Record<string, string>) =>
      geminiUpstream.edits(
        INTENT,
        { model: 'm', maxOutputTokens: 9, habits: { issuer: 'google' } },
        (path) => members[path.join('.')] ?? null,
      )
    expect(edit({})).toEqual([{ path: ['generationConfig', 'maxOutputTokens'], json: '9' }])
    expect(edit({ generation_config: '{}', 'generation_config.max_output_tokens': '5' })).toEqual([
      { path: ['generation_config', 'max_output_tokens'], json: '9' },
    ])
  })
})
