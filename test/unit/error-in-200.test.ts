// A provider that says 200 and means an error: the client is told an error with a status of one, and nothing is taken for an answer.

import { describe, expect, it } from 'vitest'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { groq } from '../../src/providers/groq.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const HOLD = { budgeted: true, nanoUsd: 1_000_000 }
const SETTINGS = { secrets: { GROQ_API_KEY: 'k' }, baseUrl: 'https://provider.test/v1', region: null }
const ERROR = JSON.stringify({ error: { message: 'The model fell over.', code: 503 } })
const ANSWERS: readonly (readonly [string, boolean, string, string])[] = [
  ['as a whole answer', false, 'application/json', ERROR],
  ['to a request for a stream, as JSON', true, 'application/json', ERROR],
  ['as the first event of a stream', true, 'text/event-stream', `data: ${ERROR}\n\n`],
]
const CLIENTS: readonly (readonly [string, ClientDialect, string])[] = [
  ['forwarded', openaiChatClient, '/v1/chat/completions'],
  ['translated', anthropicMessagesClient, '/v1/messages'],
]

describe.each(CLIENTS)('an error in a 200, %s', (_, client, path) => {
  it.each(ANSWERS)('is an error to the client: %s', async (_said, stream, type, text) => {
    const gateway = fakeGateway(groq, SETTINGS, () => new Response(text, { headers: { 'content-type': type } }), HOLD)
    const body = { model: 'groq/llama-3.3-70b-versatile', max_tokens: 50, stream, messages: [{ role: 'user', content: 'Hi' }] }
    const answer = await gateway.ask(client, path, body)
    const told = await answer.text()
    expect(answer.status, told).toBeGreaterThanOrEqual(500)
    expect(told).toContain('The model fell over.')
    await expect.poll(() => gateway.settled).toHaveLength(1)
    expect(gateway.settled[0]?.row).toMatchObject({ ended: 'failed', errorCode: 'upstream-overloaded' })
  })
})
