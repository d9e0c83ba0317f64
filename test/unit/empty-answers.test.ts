// What an empty answer, or one that its provider ended in an error, is booked at: nothing where the provider says that it bills nothing.

import { describe, expect, it } from 'vitest'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import type { Row } from '../../src/core/account.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { groq } from '../../src/providers/groq.ts'
import { openrouter } from '../../src/providers/openrouter.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const HOLD = { budgeted: true, nanoUsd: 1_000_000 }
const USAGE = { prompt_tokens: 20, completion_tokens: 0, total_tokens: 20 }
const whole = (finish: string | null, usage: object = USAGE): string =>
  JSON.stringify({
    id: 'c',
    model: 'm',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: '' }, finish_reason: finish }],
    usage,
  })
const chunk = (rest: object): string => `data: ${JSON.stringify({ id: 'c', model: 'm', object: 'chat.completion.chunk', ...rest })}\n\n`
const choice = (delta: object, finish: string | null = null): string => chunk({ choices: [{ index: 0, delta, finish_reason: finish }] })
const END = chunk({ choices: [], usage: USAGE }) + 'data: [DONE]\n\n'

const PLACES = {
  openrouter: { provider: openrouter, model: 'openrouter/meta-llama/llama-3.3-70b-instruct' },
  groq: { provider: groq, model: 'groq/llama-3.3-70b-versatile' },
}
const CLIENTS: { readonly [name: string]: readonly [ClientDialect, string] } = {
  forwarded: [openaiChatClient, '/v1/chat/completions'],
  translated: [anthropicMessagesClient, '/v1/messages'],
}

async function rowOf(place: keyof typeof PLACES, client: string, stream: boolean, text: string): Promise<Row> {
  const { provider, model } = PLACES[place]
  const settings = { secrets: { OPENROUTER_API_KEY: 'k', GROQ_API_KEY: 'k' }, baseUrl: 'https://provider.test/v1', region: null }
  const network = (): Response => new Response(text, { headers: { 'content-type': stream ? 'text/event-stream' : 'application/json' } })
  const gateway = fakeGateway(provider, settings, network, HOLD)
  const [dialect, path] = CLIENTS[client] as readonly [ClientDialect, string]
  const answer = await gateway.ask(dialect, path, { model, max_tokens: 50, stream, messages: [{ role: 'user', content: 'Hi' }] })
  await answer.text().catch(() => '')
  for (let i = 0; i < 100 && gateway.settled.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(gateway.settled).toHaveLength(1)
  return gateway.settled[0]?.row as Row
}

describe.each(['forwarded', 'translated'])('an answer without output and finish, %s', (client) => {
  it('costs nothing where the provider bills nothing for it', async () => {
    expect(await rowOf('openrouter', client, false, whole(null))).toMatchObject({ costNanoUsd: 0, usageFrom: 'provider' })
    expect(await rowOf('openrouter', client, true, choice({ role: 'assistant', content: '' }) + END)).toMatchObject({ costNanoUsd: 0 })
    expect(await rowOf('openrouter', client, true, ': OPENROUTER PROCESSING\n\n')).toMatchObject({ costNanoUsd: 0, usageFrom: 'none' })
  })

  it('costs its input where it has a finish or output, and at any other provider', async () => {
    for (const row of [
      await rowOf('openrouter', client, false, whole('stop')),
      await rowOf('openrouter', client, true, choice({ content: '' }, 'stop') + END),
      await rowOf('openrouter', client, false, whole(null, { ...USAGE, completion_tokens: 3 })),
      await rowOf('groq', client, false, whole(null)),
      await rowOf('groq', client, true, choice({ role: 'assistant', content: '' }) + END),
    ]) {
      expect(row.usageFrom).toBe('provider')
      expect(row.costNanoUsd).toBeGreaterThan(0)
    }
  })

  it('an answer that the provider ended in an error costs the hold, or nothing where it bills nothing', async () => {
    const failing =
      choice({ content: 'Hel' }) +
      chunk({ error: { code: 502, message: 'Overloaded.' }, choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] })
    expect(await rowOf('openrouter', client, true, failing)).toMatchObject({ costNanoUsd: 0 })
    expect(await rowOf('groq', client, true, failing)).toMatchObject({ costNanoUsd: HOLD.nanoUsd, usageFrom: 'hold' })
    expect(await rowOf('openrouter', client, true, choice({ content: 'Hel' }))).toMatchObject({
      costNanoUsd: HOLD.nanoUsd,
      ended: 'upstream-cut',
    })
  })
})
