// Which answers can be counted while they run, as admission is told; what cannot is held whole.

import { describe, expect, it } from 'vitest'
import { CLIENT_DIALECTS } from '../../src/dialects/index.ts'
import { Tally } from '../../src/gateway/tally.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

type Case = readonly [why: string, dialect: string, model: string, more: object, countable: boolean]
const CASES: readonly Case[] = [
  ['a stream', 'openai-chat', 'openai/gpt-4o-mini', {}, true],
  ['no stream', 'openai-chat', 'openai/gpt-4o-mini', { stream: false }, false],
  ['several choices', 'openai-chat', 'openai/gpt-4o-mini', { n: 2 }, false],
  ['a model that thinks', 'openai-chat', 'openai/gpt-5', {}, false],
  ['a model without a price', 'openai-chat', 'openai/nobody-knows-it', {}, false],
  ['a model that speaks', 'openai-chat', 'openai/gpt-4o-audio-preview', {}, false],
  ['Claude', 'anthropic-messages', 'anthropic/claude-sonnet-4-5', { max_tokens: 9000 }, true],
  [
    'Claude with a thinking budget',
    'anthropic-messages',
    'anthropic/claude-sonnet-4-5',
    { max_tokens: 9000, thinking: { type: 'enabled', budget_tokens: 2000 } },
    true,
  ],
  [
    'Claude that thinks as it likes',
    'anthropic-messages',
    'anthropic/claude-sonnet-4-5',
    { max_tokens: 9000, thinking: { type: 'adaptive' } },
    false,
  ],
  ['Claude asked for an effort in another language', 'openai-chat', 'anthropic/claude-sonnet-4-5', { reasoning_effort: 'high' }, false],
]

describe('whether an answer can be counted while it runs', () => {
  it.each(CASES)('%s', async (_why, dialect, model, more, countable) => {
    const client = CLIENT_DIALECTS.find(({ id }) => id === dialect)
    const provider = PROVIDERS.find(({ id }) => model.startsWith(`${id}/`))
    if (client === undefined || provider === undefined) throw new Error('There is no such language or place.')
    const settings = { secrets: { OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' }, baseUrl: 'https://provider.test', region: null }
    const gateway = fakeGateway(provider, settings, () => new Response('', { status: 500 }))
    await gateway.ask(client, client.paths[0] ?? '', { model, stream: true, messages: [{ role: 'user', content: 'Hi' }], ...more })
    expect(gateway.asked).toHaveLength(1)
    expect(gateway.asked[0]?.candidates[0]?.isCountable ?? false).toBe(countable)
  })
})

describe('the count of a running answer', () => {
  const said = (...texts: readonly string[]): number => {
    const tally = new Tally()
    for (const text of texts) tally.see({ kind: 'block-delta', index: 0, text })
    return tally.outputTokens
  }
  it('is a token for three bytes, and at least one for each piece', () => {
    expect(said('123456')).toBe(2)
    expect(said('1', '2', '3', '4', '5', '6')).toBe(6)
    expect(said('漢字')).toBe(2)
    expect(said('😀é')).toBe(2)
  })
  it('counts calls, and what else the provider writes', () => {
    const tally = new Tally()
    tally.see({ kind: 'block-start', index: 0, block: { kind: 'tool-call', id: 'c', name: 'get_the_weather' } })
    tally.see({ kind: 'block-delta', index: 0, text: '{"at":"Rome"}' })
    expect(tally.outputTokens).toBe(Math.ceil((15 + 13) / 3))
    tally.see({ kind: 'block-start', index: 1, block: { kind: 'native', dialect: 'd', value: { text: 'x'.repeat(300) } } })
    expect(tally.outputTokens).toBeGreaterThan(100)
  })
})
