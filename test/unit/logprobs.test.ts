// Log probabilities, cache keys and hidden thoughts between the languages that have them.

import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import type { ChatResponse } from '../../src/core/canonical.ts'
import { replay } from '../../src/core/collect.ts'
import type { ClientDialect, Intent } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, upstreamDialect } from '../../src/dialects/index.ts'

const encoder = new TextEncoder()
const served = {
  requestId: 'gen-1',
  provider: { id: 'p', name: 'P' },
  model: 'm',
  costNanoUsd: () => null,
}

function client(id: string): ClientDialect {
  const found = CLIENT_DIALECTS.find((one) => one.id === id)
  if (found === undefined) throw new Error(id)
  return found
}

function asked(id: string, body: object): { readonly body: Body; readonly intent: Intent } {
  const path = id === 'gemini' ? '/v1beta/models/p/m:generateContent' : (client(id).paths[0] ?? '')
  const bytes = new Body(encoder.encode(JSON.stringify({ model: 'p/m', ...body })))
  return {
    body: bytes,
    intent: client(id).intent({ path, query: new URLSearchParams(), headers: new Headers(), body: bytes, nowSeconds: 0 }),
  }
}

function written(from: string, body: object, to: string, accepts: readonly string[] = []) {
  const { body: bytes, intent } = asked(from, body)
  const orders = { model: 'm', maxOutputTokens: null, habits: { issuer: 'x', accepts: new Set(accepts) } }
  const { text, dropped } = upstreamDialect(to).write(client(from).read(bytes), intent, orders)
  return { body: JSON.parse(text), dropped }
}

const ASKS: readonly (readonly [string, object])[] = [
  ['openai-chat', { messages: [{ role: 'user', content: 'x' }], logprobs: true, top_logprobs: 2 }],
  ['openai-responses', { input: 'x', top_logprobs: 2, include: ['message.output_text.logprobs'] }],
  ['gemini', { contents: [{ parts: [{ text: 'x' }] }], generationConfig: { responseLogprobs: true, logprobs: 2 } }],
]
const NONE_SAID = { messages: [{ role: 'user', content: 'x' }], logprobs: true }
const NAMES: { readonly [client: string]: readonly string[] } = {
  'openai-chat': ['logprobs', 'top_logprobs'],
  'openai-responses': ['include', 'top_logprobs'],
  gemini: ['generationConfig.responseLogprobs', 'generationConfig.logprobs'],
}

describe('log probabilities', () => {
  it.each(ASKS)('asked for in %s are asked for in every language that has them', (from, body) => {
    expect(written(from, body, 'openai-chat').body).toMatchObject({ logprobs: true, top_logprobs: 2 })
    expect(written(from, body, 'openai-responses').body).toMatchObject({ top_logprobs: 2, include: ['message.output_text.logprobs'] })
    expect(written(from, body, 'gemini').body.generationConfig).toMatchObject({ responseLogprobs: true, logprobs: 2 })
    for (const to of ['openai-chat', 'openai-responses', 'gemini']) expect(written(from, body, to).dropped).toEqual([])
  })

  it.each(ASKS)('asked for in %s are named where a language has none', (from, body) => {
    const { names } = client(from)
    for (const to of ['anthropic-messages', 'bedrock-converse', 'cohere-chat']) {
      const told = written(from, body, to).dropped.map((name) => names[name] ?? name)
      expect(told).toEqual(NAMES[from])
    }
  })

  it('say of others only what was said', () => {
    expect(written('openai-chat', NONE_SAID, 'openai-chat').body).not.toHaveProperty('top_logprobs')
    expect(written('openai-chat', NONE_SAID, 'cohere-chat').dropped).toEqual(['logprobs'])
    expect(written('openai-chat', { ...NONE_SAID, top_logprobs: 0 }, 'cohere-chat').dropped).toEqual(['logprobs', 'topLogprobs'])
  })

  const logprobs =
    '{"content":[{"token":"Hi","logprob":-0.5,"bytes":[72,105],"top_logprobs":[{"token":"Hi","logprob":-0.5},{"token":"Yo","logprob":-2}]}]}'
  const response: ChatResponse = {
    id: 'r',
    model: 'm',
    logprobs,
    parts: [{ kind: 'text', text: 'Hi' }],
    finish: { reason: 'stop', native: null },
    usage: null,
    extras: { dialect: 'x', fields: {} },
  }

  it('are told to Gemini’s clients, whole and streamed, as Gemini’s own reader takes them', () => {
    const { intent } = asked('gemini', { contents: [] })
    const whole = client('gemini').write(response, intent, served)
    expect(JSON.parse(whole).candidates[0].logprobsResult).toEqual({
      topCandidates: [
        {
          candidates: [
            { token: 'Hi', logProbability: -0.5 },
            { token: 'Yo', logProbability: -2 },
          ],
        },
      ],
      chosenCandidates: [{ token: 'Hi', logProbability: -0.5 }],
    })
    const told = upstreamDialect('gemini').read(whole).logprobs
    expect(JSON.parse(told ?? '')).toMatchObject({
      content: [{ token: 'Hi', logprob: -0.5, top_logprobs: [{}, { token: 'Yo', logprob: -2 }] }],
    })
    const writer = client('gemini').writer({ ...intent, stream: true }, served)
    const reader = upstreamDialect('gemini').reader()
    const notes = replay(response)
      .flatMap((event) => writer.write(event))
      .flatMap((frame) => reader.read(frame))
      .filter((event) => event.kind === 'block-note')
    expect(notes).toEqual([{ kind: 'block-note', index: 0, logprobs: told }])
  })

  it('are told to Responses clients in the text’s part', () => {
    const { intent } = asked('openai-responses', { input: 'x' })
    expect(JSON.parse(client('openai-responses').write(response, intent, served)).output[0].content[0].logprobs).toEqual(
      JSON.parse(logprobs).content,
    )
    const writer = client('openai-responses').writer({ ...intent, stream: true }, served)
    const frames = replay(response).flatMap((event) => writer.write(event))
    const done = frames.find(({ event }) => event === 'response.output_text.done')
    expect(JSON.parse(done?.data ?? '').logprobs).toEqual(JSON.parse(logprobs).content)
  })
})

describe('a prompt cache’s key', () => {
  it('goes to places that take it, and is named elsewhere', () => {
    const body = { messages: [{ role: 'user', content: 'x' }], prompt_cache_key: 'k' }
    expect(written('openai-chat', body, 'openai-chat', ['prompt_cache_key']).body.prompt_cache_key).toBe('k')
    expect(written('openai-chat', body, 'openai-responses').body.prompt_cache_key).toBe('k')
    expect(
      written('openai-responses', { input: 'x', prompt_cache_key: 'k' }, 'openai-chat', ['prompt_cache_key']).body.prompt_cache_key,
    ).toBe('k')
    for (const to of ['openai-chat', 'anthropic-messages', 'gemini', 'bedrock-converse', 'cohere-chat'])
      expect(written('openai-chat', body, to).dropped).toEqual(['cacheKey'])
  })

  it('Gemini’s cached content goes nowhere else, and is named', () => {
    const body = { contents: [{ parts: [{ text: 'x' }] }], cachedContent: 'cachedContents/1' }
    for (const to of ['openai-chat', 'anthropic-messages', 'openai-responses', 'bedrock-converse', 'cohere-chat'])
      expect(written('gemini', body, to).dropped).toEqual(['cachedContent'])
  })
})

describe('a Gemini client that wants no thoughts', () => {
  const hidden = { contents: [], generationConfig: { thinkingConfig: { includeThoughts: false, thinkingBudget: 100 } } }
  const response: ChatResponse = {
    id: 'r',
    model: 'm',
    parts: [
      { kind: 'reasoning', text: 'secret thought', seal: { issuer: 'google', value: 'SEAL' } },
      { kind: 'text', text: 'Hi' },
    ],
    finish: { reason: 'stop', native: null },
    usage: null,
    extras: { dialect: 'x', fields: {} },
  }

  it('is told none, whole or streamed, but keeps what signs them', () => {
    const { intent } = asked('gemini', hidden)
    const whole = client('gemini').write(response, intent, served)
    const writer = client('gemini').writer({ ...intent, stream: true }, served)
    const streamed = replay(response)
      .flatMap((event) => writer.write(event))
      .map(({ data }) => data)
      .join('\n')
    for (const said of [whole, streamed]) {
      expect(said).not.toContain('secret')
      expect(said).toContain('"thoughtSignature":"SEAL"')
      expect(said).toContain('"text":"Hi"')
    }
  })

  it('asks for nothing that cannot be said', () => {
    expect(written('gemini', { ...hidden, contents: [{ parts: [{ text: 'x' }] }] }, 'openai-chat').dropped).toEqual([])
  })
})
