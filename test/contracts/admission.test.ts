// Nothing reaches a provider that was not admitted: every language at every path that is mounted, chats and all else. A path without a line here fails.

import { describe, expect, it } from 'vitest'
import type { Refusal } from '../../src/core/account.ts'
import { CLIENT_DIALECTS } from '../../src/dialects/index.ts'
import { chat } from '../../src/gateway/chat.ts'
import { handle } from '../../src/gateway/handle.ts'
import { operation } from '../../src/gateway/operation.ts'
import { OPERATION_CLIENTS } from '../../src/operations/index.ts'
import type { Deps } from '../../src/ports.ts'
import type { Settings } from '../../src/providers/contract.ts'
import { providerById } from '../../src/providers/index.ts'
import { fakeGateway, type FakeGateway } from '../support/fake-gateway.ts'

const HI = [{ role: 'user', content: 'hi' }]
const TURN = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }
const FLASH = '/v1beta/models/google/gemini-2.5-flash'
const RANK = { model: 'cohere/rerank-v3.5', query: 'q', documents: ['d'] }

/** By language and path: where it is asked, if not at the path itself, and what. */
const REQUESTS: { readonly [language: string]: { readonly at?: string; readonly body: object; readonly form?: true } } = {
  'openai-chat': { body: { model: 'openai/gpt-4o-mini', messages: HI } },
  openrouter: { body: { model: 'openai/gpt-4o-mini', messages: HI } },
  'openai-completions': { body: { model: 'openai/gpt-3.5-turbo-instruct', prompt: 'hi' } },
  'openai-responses': { body: { model: 'openai/gpt-4o-mini', input: 'hi' } },
  'anthropic-messages': { body: { model: 'anthropic/claude-haiku-4-5', max_tokens: 9, messages: HI } },
  gemini: { at: `${FLASH}:generateContent`, body: TURN },
  'openai-embeddings': { body: { model: 'openai/text-embedding-3-small', input: 'hi' } },
  rerank: { body: RANK },
  'openai-moderations': { body: { model: 'openai/omni-moderation-latest', input: 'hi' } },
  'openai-image-generations': { body: { model: 'openai/gpt-image-1', prompt: 'a cat' } },
  'openai-image-edits': { body: { model: 'openai/gpt-image-1', prompt: 'a cat', image: 'PNG' }, form: true },
  'openai-image-variations': { body: { model: 'openai/dall-e-2', image: 'PNG' }, form: true },
  'openai-speech': { body: { model: 'openai/tts-1', input: 'hi', voice: 'alloy' } },
  'openai-transcriptions': { body: { model: 'openai/whisper-1', file: 'WAV' }, form: true },
  'openai-translations': { body: { model: 'openai/whisper-1', file: 'WAV' }, form: true },
  'anthropic-count-tokens': { body: { model: 'anthropic/claude-haiku-4-5', messages: HI } },
  'openai-input-tokens': { body: { model: 'openai/gpt-4o-mini', input: 'hi' } },
  'gemini-count-tokens': { at: `${FLASH}:countTokens`, body: TURN },
  'gemini-embeddings': {
    at: '/v1beta/models/google/gemini-embedding-001:batchEmbedContents',
    body: { requests: [{ model: 'models/x', content: { parts: [{ text: 'hi' }] } }] },
  },
  'gemini-embedding': { at: '/v1beta/models/google/gemini-embedding-001:embedContent', body: { content: { parts: [{ text: 'hi' }] } } },
}

type Served = { readonly id: string; readonly path: string; readonly answer: (request: Request, deps: Deps) => Promise<Response> }
const served: readonly Served[] = [
  ...CLIENT_DIALECTS.flatMap((client) =>
    client.paths.map((path) => ({ id: client.id, path, answer: (request: Request, deps: Deps) => handle(request, chat(client), deps) })),
  ),
  ...OPERATION_CLIENTS.flatMap((client) =>
    client.paths.map((path) => ({
      id: client.id,
      path,
      answer: (request: Request, deps: Deps) => handle(request, operation(client), deps),
    })),
  ),
]

const REFUSAL: Refusal = { kind: 'refused', code: 'budget-exceeded', message: 'Spent $1 of $1.' }
const HOSTS = ['openai', 'anthropic', 'google', 'cohere'] as const

function bodyOf({ body, form }: (typeof REQUESTS)[string]): unknown {
  if (form !== true) return body
  const made = new FormData()
  for (const [name, value] of Object.entries(body))
    made.append(name, name === 'file' || name === 'image' ? new File([value], 'x.png') : value)
  return made
}

function gatewayTo(text: string, refusal?: Refusal): FakeGateway {
  const provider = HOSTS.map(providerById).find((one) => text.includes(`${one?.id}/`))
  if (provider === undefined) throw new Error('It names none of the hosts.')
  const secrets = Object.fromEntries(
    ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GOOGLE_API_KEY', 'GEMINI_API_KEY', 'COHERE_API_KEY'].map((name) => [name, 'of-the-operator']),
  )
  const settings: Settings = { secrets, baseUrl: 'https://place.test', region: null }
  return fakeGateway(provider, settings, () => Response.json({}), {}, refusal === undefined ? {} : { refusal })
}

describe.each(served)('$id at $path', ({ id, path, answer }) => {
  const request = REQUESTS[id]
  const ask = (gateway: FakeGateway): Promise<Response> => gateway.askAs(answer, request?.at ?? path, bodyOf(request ?? { body: {} }))
  const text = JSON.stringify(request ?? null)

  it('asks a provider when it is admitted', async () => {
    const gateway = gatewayTo(text)
    const response = await ask(gateway)
    expect([gateway.asked.length, gateway.left.length > 0], await response.text()).toEqual([1, true])
  })

  it('asks nobody when the budget refuses, and says so', async () => {
    const gateway = gatewayTo(text, REFUSAL)
    const response = await ask(gateway)
    expect(await response.text()).toContain('Spent $1 of $1.')
    expect([gateway.asked.length, gateway.left, [402, 429].includes(response.status)]).toEqual([1, [], true])
    expect(gateway.settled).toEqual([])
  })
})
