import { describe, expect, it } from 'vitest'
import { lookUp } from '../../src/catalogue/index.ts'
import { Body } from '../../src/core/body.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { CLIENT_DIALECTS } from '../../src/dialects/index.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { able } from '../../src/gateway/planning/able.ts'
import type { Candidate } from '../../src/gateway/planning/candidate.ts'
import { PROVIDERS } from '../../src/providers/index.ts'

const encoder = new TextEncoder()

function dialect(id: string): ClientDialect {
  const found = CLIENT_DIALECTS.find((one) => one.id === id)
  if (found === undefined) throw new Error(id)
  return found
}

function place(name: string): Candidate {
  const slash = name.indexOf('/')
  const [id, model] = [name.slice(0, slash), name.slice(slash + 1)]
  const provider = PROVIDERS.find((one) => one.id === id)
  if (provider === undefined) throw new Error(id)
  return { provider, settings: { secrets: {}, baseUrl: null, region: null }, model, entry: lookUp(id, model) }
}

function left(id: string, body: object, ...places: readonly string[]): readonly string[] | GatewayError {
  const client = dialect(id)
  const path = id === 'gemini' ? `/v1beta/models/${places[0]}:generateContent` : (client.paths[0] ?? '')
  const intent = client.intent({
    path,
    query: new URLSearchParams(),
    headers: new Headers(),
    body: new Body(encoder.encode(JSON.stringify({ model: places[0], ...body }))),
    nowSeconds: 0,
  })
  try {
    return able(places.map(place), intent, client).map(({ provider, model }) => `${provider.id}/${model}`)
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
}

const said = (content: readonly object[]) => ({ messages: [{ role: 'user', content }] })
const PICTURE = said([{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }])
const SOUND = said([{ type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }])
const FILE = said([{ type: 'file', file: { file_data: 'data:application/pdf;base64,AA==', filename: 'a.pdf' } }])
const WORDS = { messages: [{ role: 'user', content: 'x' }] }

describe('what a request asks for narrows its candidates', () => {
  it.each([
    ['openai-chat', { ...WORDS, n: 2 }, 'anthropic/claude-sonnet-4-5', 'n'],
    ['openai-chat', { ...WORDS, n: 2 }, 'groq/llama-3.3-70b-versatile', 'n'],
    ['openrouter', { ...WORDS, n: 2 }, 'openai/gpt-4o-mini', 'n'],
    ['gemini', { contents: [], generationConfig: { candidateCount: 2 } }, 'openai/gpt-4o-mini', 'generationConfig.candidateCount'],
    ['openai-chat', SOUND, 'openai/gpt-4o-mini', 'input_audio'],
    ['openai-chat', PICTURE, 'groq/llama-3.3-70b-versatile', 'image_url'],
    ['openai-chat', FILE, 'bedrock/deepseek.v3-v1:0', 'file'],
    ['gemini', { contents: [{ parts: [{ inlineData: { mimeType: 'audio/wav', data: 'AA==' } }] }] }, 'openai/gpt-4o-mini', 'inlineData'],
    [
      'anthropic-messages',
      said([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } }]),
      'openai/o3-mini',
      'image',
    ],
    ['openai-responses', { input: [{ role: 'user', content: [{ type: 'input_audio' }] }] }, 'anthropic/claude-sonnet-4-5', 'input_audio'],
  ])('in %s, what nobody can do is refused by its member and place: %j at %s', (id, body, model, at) => {
    const refusal = left(id, body, model)
    expect(refusal).toBeInstanceOf(GatewayError)
    if (!(refusal instanceof GatewayError)) return
    expect([refusal.code, refusal.status, refusal.detail.at]).toEqual(['request-unsupported', 400, at])
    expect(refusal.message).toContain(model)
    const told = JSON.stringify(dialect(id).writeError(refusal, 'gen-x'))
    expect(told).toContain(at)
  })

  it('those who can are left, in their order', () => {
    expect(left('openrouter', PICTURE, 'groq/llama-3.3-70b-versatile', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5')).toEqual([
      'openai/gpt-4o-mini',
      'anthropic/claude-sonnet-4-5',
    ])
  })

  it.each([
    ['openai-chat', { ...WORDS, n: 2 }, 'openai/gpt-4o-mini'],
    ['gemini', { contents: [], generationConfig: { candidateCount: 2 } }, 'google/gemini-2.5-flash'],
    ['openai-chat', SOUND, 'openai/gpt-audio'],
    ['openai-chat', SOUND, 'openai/a-model-nobody-knows'],
    ['openai-chat', PICTURE, 'openai/ft:gpt-4.1-2025-04-14:us::x'],
    ['openai-chat', PICTURE, 'bedrock/us.mistral.pixtral-large-2502-v1:0'],
    ['openai-chat', PICTURE, 'demo/echo'],
    ['openai-chat', FILE, 'openrouter/deepseek/deepseek-chat'],
    [
      'anthropic-messages',
      said([{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }]),
      'bedrock/deepseek.v3-v1:0',
    ],
  ])('in %s, %j may be asked of %s', (id, body, model) => {
    expect(left(id, body, model)).toEqual([model])
  })
})
