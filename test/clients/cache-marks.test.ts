// Prompt caches through the gateway: the same request is the same bytes each time, breakpoints stand where the provider wants them, and what was
// read from a cache is told in every client language's own member.

import { describe, expect, it } from 'vitest'
import { recordingOf } from '../support/recordings.ts'
import { running } from './running.ts'

type Wire = { readonly [member: string]: unknown }

/** Places whose caches take breakpoints. `family` stands in front of the recording: what a mark may say depends on the model. */
const PLACES: readonly {
  readonly provider: string
  readonly family: string
  /** Whom it answers in this language, where the place has several. */
  readonly speaksTo?: (client: string) => boolean
  readonly whole: string
  readonly stream?: string
  readonly mark: string
  /** Tokens read from the cache and written to it, as the recording tells them. */
  readonly told: (usage: Wire) => readonly [read: unknown, written: unknown]
  /** Where the marks of `MARKED` must stand. */
  readonly at: readonly string[]
}[] = [
  {
    provider: 'anthropic',
    family: 'claude-sonnet-4-5-',
    whole: 'anthropic-messages-65cd073a6b',
    stream: 'anthropic-messages-216631bc92',
    mark: 'cache_control',
    told: (usage) => [usage['cache_read_input_tokens'], usage['cache_creation_input_tokens']],
    at: ['messages.0.content.0', 'system.1', 'tools.0'],
  },
  {
    provider: 'bedrock',
    family: 'us.anthropic.claude-sonnet-4-5-',
    speaksTo: (client) => client !== 'anthropic-messages',
    whole: 'bedrock-converse-26a1e125aa',
    mark: 'cachePoint',
    told: (usage) => [usage['cacheReadInputTokens'], usage['cacheWriteInputTokens']],
    // A point is a block of its own behind what is cached.
    at: ['messages.0.content.1', 'system.2', 'toolConfig.tools.1'],
  },
  {
    // Claude's own format there.
    provider: 'bedrock',
    family: 'us.anthropic.claude-haiku-4-5-',
    speaksTo: (client) => client === 'anthropic-messages',
    whole: 'bedrock-invoke-98a7db7e72',
    mark: 'cache_control',
    told: (usage) => [usage['cache_read_input_tokens'], usage['cache_creation_input_tokens']],
    at: ['messages.0.content.0', 'system.1', 'tools.0'],
  },
  {
    provider: 'vertex',
    family: 'claude-sonnet-4-5-',
    whole: 'anthropic-messages-65cd073a6b',
    stream: 'anthropic-messages-216631bc92',
    mark: 'cache_control',
    told: (usage) => [usage['cache_read_input_tokens'], usage['cache_creation_input_tokens']],
    at: ['messages.0.content.0', 'system.1', 'tools.0'],
  },
]

const MARK = { type: 'ephemeral' }
const SCHEMA = { type: 'object', properties: { b: { type: 'string' }, a: { type: 'number' } } }
const OPENAI_BODY = {
  max_tokens: 100,
  messages: [
    {
      role: 'system',
      content: [
        { type: 'text', text: 'Be brief.' },
        { type: 'text', text: 'The whole handbook.', cache_control: MARK },
      ],
    },
    { role: 'user', content: [{ type: 'text', text: 'A long story.', cache_control: MARK }] },
    { role: 'assistant', content: 'I see.' },
    { role: 'user', content: 'And?' },
  ],
  tools: [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters: SCHEMA }, cache_control: MARK }],
}

/** The same request in the languages that have marks. */
const MARKED: readonly { readonly client: string; readonly path: string; readonly body: Wire }[] = [
  {
    client: 'anthropic-messages',
    path: '/v1/messages',
    body: {
      max_tokens: 100,
      system: [
        { type: 'text', text: 'Be brief.' },
        { type: 'text', text: 'The whole handbook.', cache_control: MARK },
      ],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'A long story.', cache_control: MARK }] },
        { role: 'assistant', content: 'I see.' },
        { role: 'user', content: 'And?' },
      ],
      tools: [{ name: 'look', description: 'Looks.', input_schema: SCHEMA, cache_control: MARK }],
    },
  },
  { client: 'openai-chat', path: '/v1/chat/completions', body: OPENAI_BODY },
  { client: 'openrouter', path: '/api/v1/chat/completions', body: OPENAI_BODY },
]

/** Where each client language tells what was read from a cache, and what was written, where it has a member for that. */
const CLIENTS: readonly {
  readonly client: string
  readonly path: (model: string, isStream: boolean) => string
  readonly body: Wire
  readonly told: (answer: Wire) => readonly [read: unknown, written?: unknown]
}[] = [
  {
    client: 'openai-chat',
    path: () => '/v1/chat/completions',
    body: { messages: [{ role: 'user', content: 'Hello.' }], stream_options: { include_usage: true } },
    told: (answer) => [at(answer, 'usage', 'prompt_tokens_details', 'cached_tokens')],
  },
  {
    client: 'openai-responses',
    path: () => '/v1/responses',
    body: { input: 'Hello.', store: false },
    told: (answer) => [
      at(answer, 'usage', 'input_tokens_details', 'cached_tokens') ??
        at(answer, 'response', 'usage', 'input_tokens_details', 'cached_tokens'),
    ],
  },
  {
    client: 'anthropic-messages',
    path: () => '/v1/messages',
    body: { max_tokens: 100, messages: [{ role: 'user', content: 'Hello.' }] },
    told: (answer) => {
      const usage = at(answer, 'usage') ?? at(answer, 'message', 'usage')
      return [at(usage, 'cache_read_input_tokens'), at(usage, 'cache_creation_input_tokens')]
    },
  },
  {
    client: 'gemini',
    path: (model, isStream) => `/v1beta/models/${model}:${isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: { contents: [{ role: 'user', parts: [{ text: 'Hello.' }] }] },
    told: (answer) => [at(answer, 'usageMetadata', 'cachedContentTokenCount')],
  },
  {
    client: 'openrouter',
    path: () => '/api/v1/chat/completions',
    body: { messages: [{ role: 'user', content: 'Hello.' }] },
    told: (answer) => [
      at(answer, 'usage', 'prompt_tokens_details', 'cached_tokens'),
      at(answer, 'usage', 'prompt_tokens_details', 'cache_write_tokens'),
    ],
  },
]

const up = running()

describe.each(PLACES)(
  'a prompt cache at $provider ($whole)',
  ({ provider, family, speaksTo = () => true, whole, stream, mark, told, at: places }) => {
    const clients = CLIENTS.filter(({ client }) => speaksTo(client))

    it.each(MARKED.filter(({ client }) => speaksTo(client)))(
      'is asked for by $client in the same bytes each time, marked where it should be',
      async ({ client, path, body }) => {
        const model = `${family}rec-${whole}--${provider}-${client}`
        for (let turn = 0; turn < 2; turn++) expect((await post(path, { ...body, model: `${provider}/${model}` })).status).toBe(200)
        const asked = up.server.asked
          .filter(({ id, tag }) => id === whole && tag === `${provider}-${client}`)
          .map(({ bytes }) => bytes.toString('utf8'))
        expect(asked).toHaveLength(2)
        expect(asked[0]).toBe(asked[1])
        expect(marksIn(JSON.parse(asked[0] ?? 'null'), mark).toSorted()).toEqual(places)
      },
    )

    it.each(clients)('tells $client what was read from it', async ({ client, path, body, told: toldTo }) => {
      const model = `${provider}/${family}rec-${whole}--${client}-usage`
      const answer = (await (await post(path(model, false), { ...body, stream_options: undefined, model })).json()) as Wire
      const recorded = recordingOf(whole).answer
      expectCounts(toldTo(answer), told('json' in recorded ? (at(recorded.json, 'usage') as Wire) : {}))
    })

    it.each(stream === undefined ? [] : clients)(
      'tells $client what was read from it in a stream',
      async ({ client, path, body, told: toldTo }) => {
        const model = `${provider}/${family}rec-${stream}--${client}-usage`
        const text = await (await post(path(model, true), { ...body, model, ...(client === 'gemini' ? {} : { stream: true }) })).text()
        const recorded = recordingOf(stream ?? '').answer
        const first = 'stream' in recorded ? eventsIn(recorded.stream)[0] : undefined
        const lastTold = eventsIn(text)
          .map(toldTo)
          .findLast(([read]) => typeof read === 'number')
        expectCounts(lastTold ?? [undefined], told((at(first, 'message', 'usage') ?? {}) as Wire))
      },
    )
  },
)

function expectCounts(got: readonly [unknown, unknown?], [read, written]: readonly [unknown, unknown]): void {
  expect(read).toBeGreaterThan(0)
  expect(got[0]).toBe(read)
  if (got.length > 1) expect(got[1]).toBe(written)
}

function post(path: string, body: Wire): Promise<Response> {
  const headers = { authorization: `Bearer ${up.gateway.key}`, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
  return fetch(`${up.gateway.base}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Paths of the objects that have the member. */
function marksIn(value: unknown, mark: string, path: readonly string[] = []): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const below = Object.entries(value).flatMap(([name, member]) => marksIn(member, mark, [...path, name]))
  return mark in value ? [path.join('.'), ...below] : below
}

function eventsIn(text: string): readonly Wire[] {
  return text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6)) as Wire] : []))
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (typeof inner === 'object' && inner !== null ? (inner as Wire)[name] : undefined), value)
}
