// Tools that a provider runs: their calls, and what is read anew after each of them, are held; what nothing bounds is refused by its name.

import { describe, expect, it } from 'vitest'
import { lookUp } from '../../src/catalogue/index.ts'
import type { Admission, Ask, CandidateAsk } from '../../src/core/account.ts'
import { Book } from '../../src/core/book.ts'
import { EVERYTHING } from '../../src/core/permits.ts'
import { feesNanoUsd } from '../../src/core/price.ts'
import { NO_LIMITS } from '../../src/core/rates.ts'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { geminiClient } from '../../src/dialects/gemini/client.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { openaiResponsesClient } from '../../src/dialects/openai-responses/client.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const SETTINGS = { baseUrl: 'https://provider.test', secrets: { key: 'sk-test' }, values: {}, region: null }

async function asked(client: ClientDialect, path: string, provider: string, body: object): Promise<Ask> {
  const place = PROVIDERS.find(({ id }) => id === provider)
  if (place === undefined) throw new Error(provider)
  const gateway = fakeGateway(place, SETTINGS as never, () => new Response('{}', { status: 500 }))
  await gateway.ask(client, path, body)
  const [ask] = gateway.asked
  if (ask === undefined) throw new Error('Nothing was asked.')
  return ask
}

const MODELS = { anthropic: 'claude-sonnet-4-5', openai: 'gpt-5', google: 'gemini-2.5-flash' } as const
const windowOf = (provider: keyof typeof MODELS): number => lookUp(provider, MODELS[provider])?.contextTokens ?? Number.NaN
const messages = (tools: readonly object[], more: object = {}): Promise<Ask> =>
  asked(anthropicMessagesClient, '/v1/messages', 'anthropic', {
    model: `anthropic/${MODELS.anthropic}`,
    max_tokens: 100,
    messages: [{ role: 'user', content: 'x' }],
    tools,
    ...more,
  })
const responses = (tools: readonly object[], more: object = {}): Promise<Ask> =>
  asked(openaiResponsesClient, '/v1/responses', 'openai', { model: `openai/${MODELS.openai}`, input: 'x', tools, ...more })
const first = ({ candidates }: Ask): CandidateAsk => candidates[0] as CandidateAsk

/** By a key with a dollar. */
function admit(ask: Ask): Admission {
  const book = new Book({ holdMs: 1000, defaultCeiling: 1000 })
  const secrets = [{ hash: ask.secretHash, until: null }]
  const key = { keyId: 'k', version: 1, label: '', name: '', createdAt: 0, secrets, disabled: false, deleted: false, expiresAt: null }
  book.hydrate({ ...EVERYTHING, ...key, limitNanoUsd: 1e9, limitReset: null, limits: NO_LIMITS, scopes: [] })
  return book.admit(ask, 1)
}

describe('tools that a provider runs', () => {
  it('are held by the uses that the request allows, and by all that may be read before and after each', async () => {
    const plain = await messages([{ name: 'f', input_schema: { type: 'object' } }])
    const search = await messages([{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }, { type: 'web_fetch_20250910', name: 'web_fetch', max_uses: 1 }]) // prettier-ignore
    expect(first(search).inputTokens).toBe(4 * windowOf('anthropic'))
    const price = lookUp('anthropic', MODELS.anthropic)?.price
    if (price == null) throw new Error('no price')
    expect(first(search).worst?.feesNanoUsd).toBe(feesNanoUsd(undefined, price, 3))
    expect(first(plain).inputTokens).toBeLessThan(10_000)
    expect(first(await responses([{ type: 'web_search' }], { max_tool_calls: 3 })).inputTokens).toBe(4 * windowOf('openai'))
  })

  it('are held by the turns of the provider’s loop where no call has a price', async () => {
    const ask = await messages([{ type: 'code_execution_20250825', name: 'code_execution' }])
    expect(first(ask).inputTokens).toBe(11 * windowOf('anthropic'))
  })

  it('cost as many calls as may be made', () => {
    expect(feesNanoUsd(undefined, { input: 1, output: 1, perRequestNanoUsd: 5, perToolCallNanoUsd: 10, source: 't' }, 3)).toBe(35)
  })

  it.each([
    [
      'tools[1].max_uses',
      () =>
        messages([
          { name: 'f', input_schema: { type: 'object' } },
          { type: 'web_search_20250305', name: 'web_search' },
        ]),
    ],
    ['mcp_servers', () => messages([], { mcp_servers: [{ type: 'url', url: 'https://mcp.test', name: 'm' }] })],
    [
      'max_tool_calls',
      () =>
        responses([
          { type: 'function', name: 'f', parameters: {} },
          { type: 'file_search', vector_store_ids: ['v'] },
        ]),
    ],
    [
      'tools[0].googleSearch',
      () =>
        asked(geminiClient, `/v1beta/models/google/${MODELS.google}:generateContent`, 'google', {
          contents: [{ role: 'user', parts: [{ text: 'x' }] }],
          tools: [{ googleSearch: {} }],
        }),
    ],
  ] as const)('are refused under a budget without %s, which is named', async (name, make) => {
    // prettier-ignore
    const ask = await make()
    expect([ask.unbounded, first(ask).inputTokens]).toEqual([name, null])
    const refusal = admit(ask)
    expect(refusal).toMatchObject({ kind: 'refused', code: 'request-unboundable' })
    expect(refusal.kind === 'refused' ? refusal.message : '').toContain(name)
  })

  it('are the client’s where it runs them: computers, its own functions, and calls that were made before', async () => {
    for (const ask of [
      await responses([{ type: 'computer_use_preview', display_width: 1, display_height: 1, environment: 'browser' }]),
      await responses([{ type: 'function', name: 'web_search', parameters: {} }]),
      await messages([{ type: 'computer_20250124', name: 'computer', display_width_px: 1, display_height_px: 1 }]),
      await asked(openaiChatClient, '/v1/chat/completions', 'openai', { model: 'openai/gpt-5', messages: [{ role: 'user', content: 'x' }], tools: [{ type: 'function', function: { name: 'web_search' } }] }), // prettier-ignore
    ])
      expect(ask.unbounded).toBeUndefined()
  })
})
