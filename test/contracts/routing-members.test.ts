// What a request says to routing is for us: no provider ever sees it, on no API that has a JSON body. An API without a line here fails.

import { describe, expect, it } from 'vitest'
import { CLIENT_DIALECTS } from '../../src/dialects/index.ts'
import { OPERATION_CLIENTS } from '../../src/operations/index.ts'
import { fakePlaces } from '../support/fake-places.ts'

const HI = [{ role: 'user', content: 'hi' }]
const TURN = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }
const FLASH = '/v1beta/models/google/gemini-2.5-flash'

/** Of each language, a request that a place of its own language gets as it is, and one that is translated where there is such a place. */
const REQUESTS: { readonly [language: string]: readonly { readonly at?: string; readonly body: object }[] } = {
  'openai-chat': [{ body: { model: 'openai/gpt-4o-mini', messages: HI } }, { body: { model: 'anthropic/claude-haiku-4-5', messages: HI } }],
  openrouter: [{ body: { model: 'openai/gpt-4o-mini', messages: HI } }, { body: { model: 'anthropic/claude-haiku-4-5', messages: HI } }],
  'openai-completions': [{ body: { model: 'openai/gpt-3.5-turbo-instruct', prompt: 'hi' } }, { body: { model: 'groq/x', prompt: 'hi' } }],
  'openai-responses': [{ body: { model: 'openai/gpt-4o-mini', input: 'hi' } }, { body: { model: 'groq/x', input: 'hi' } }],
  'anthropic-messages': [
    { body: { model: 'anthropic/claude-haiku-4-5', max_tokens: 9, messages: HI } },
    { body: { model: 'groq/x', max_tokens: 9, messages: HI } },
  ],
  gemini: [
    { at: `${FLASH}:generateContent`, body: TURN },
    { at: '/v1beta/models/groq/x:generateContent', body: TURN },
  ],
  'openai-embeddings': [{ body: { model: 'openai/text-embedding-3-small', input: 'hi' } }],
  rerank: [{ body: { model: 'cohere/rerank-v3.5', query: 'q', documents: ['d'] } }],
  'openai-moderations': [{ body: { model: 'openai/omni-moderation-latest', input: 'hi' } }],
  'openai-image-generations': [{ body: { model: 'openai/gpt-image-1', prompt: 'a cat' } }],
  'openai-image-edits': [
    { body: { model: 'openai/gpt-image-1', prompt: 'a cat', images: [{ image_url: 'https://pictures.test/a.png' }] } },
  ],
  'openai-speech': [{ body: { model: 'openai/tts-1', input: 'hi', voice: 'alloy' } }],
  'anthropic-count-tokens': [{ body: { model: 'anthropic/claude-haiku-4-5', messages: HI } }],
  'openai-input-tokens': [{ body: { model: 'openai/gpt-4o-mini', input: 'hi' } }],
  'gemini-count-tokens': [{ at: `${FLASH}:countTokens`, body: TURN }],
  'gemini-embeddings': [
    {
      at: '/v1beta/models/google/gemini-embedding-001:batchEmbedContents',
      body: { requests: [{ model: 'models/x', content: { parts: [{ text: 'hi' }] } }] },
    },
  ],
  'gemini-embedding': [{ at: '/v1beta/models/google/gemini-embedding-001:embedContent', body: { content: { parts: [{ text: 'hi' }] } } }],
}

const MARK = 'for-the-gateway'
/** Every member that is ours, with a value that would be seen. */
const MEMBERS: { readonly [member: string]: unknown } = {
  models: [`openai/${MARK}`],
  fallbacks: [`openai/${MARK}`],
  context_window_fallback_dict: { [MARK]: `openai/${MARK}` },
  context_window_fallbacks: [{ [MARK]: [`openai/${MARK}`] }],
  content_policy_fallbacks: [{ [MARK]: [`openai/${MARK}`] }],
  disable_fallbacks: false,
  num_retries: 1,
  timeout: 299.25,
  stream_timeout: 288.25,
  provider: { ignore: [MARK] },
  route: MARK,
  session_id: MARK,
  mock_response: null,
}

const HOSTS = ['openai', 'anthropic', 'google', 'cohere', 'groq']

const languages = [...new Set([...CLIENT_DIALECTS, ...OPERATION_CLIENTS.filter(({ takes }) => takes.includes('json'))].map(({ id }) => id))]

describe.each(languages)('%s', (language) => {
  const requests = REQUESTS[language] ?? []

  it('has a line here', () => expect(requests.length).toBeGreaterThan(0))

  it.each(requests)('keeps what is said to routing from the provider: $body.model $at', async ({ at, body }) => {
    const places = fakePlaces(HOSTS, () => Response.json({}))
    const sent = at === undefined ? {} : { at }
    await places.ask(language, body, sent)
    const tried = places.calls.length // what it answers is not understood everywhere, so it may be asked again
    await places.ask(language, { ...body, ...MEMBERS }, sent)
    const [plain, all] = [places.calls[0], places.calls[tried]]
    expect(
      [tried, places.calls.length - tried].every((times) => times > 0),
      'both went out',
    ).toBe(true)
    expect([all?.provider, all?.model, all?.path]).toEqual([plain?.provider, plain?.model, plain?.path])
    expect(JSON.parse(all?.text ?? '')).toEqual(JSON.parse(plain?.text ?? ''))
    expect(`${all?.text} ${JSON.stringify([...(all?.headers ?? [])])}`).not.toContain(MARK)
  })
})
