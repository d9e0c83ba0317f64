// What a stream is booked at whose provider breaks the connection off.

import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/core/account.ts'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import type { ClientDialect } from '../../src/dialects/contract.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { anthropic } from '../../src/providers/anthropic.ts'
import type { Provider } from '../../src/providers/contract.ts'
import { groq } from '../../src/providers/groq.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const HOLD = { budgeted: true, nanoUsd: 9_000_000 }
const OPENAI: readonly [ClientDialect, string] = [openaiChatClient, '/v1/chat/completions']
const ANTHROPIC: readonly [ClientDialect, string] = [anthropicMessagesClient, '/v1/messages']

const chunk = (rest: object): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', ...rest })}\n\n`
const CONTENT = chunk({ choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: null }] })
const FINISH = chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
const USAGE = chunk({ choices: [], usage: { prompt_tokens: 20, completion_tokens: 40 } })
const EXACT = 20 * 590 + 40 * 790

const event = (data: { readonly type: string; readonly [name: string]: unknown }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const BEGUN =
  event({ type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], usage: { input_tokens: 20, output_tokens: 1 } } }) +
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
  event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } }) // prettier-ignore

/** The row of a stream that says this and is then broken off. */
async function rowOf(
  provider: Provider,
  model: string,
  [client, path]: readonly [ClientDialect, string],
  text: string,
  hold = HOLD,
): Promise<Row> {
  const settings = { secrets: { GROQ_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' }, baseUrl: 'https://provider.test', region: null }
  let isSaid = false
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (isSaid) controller.error(new Error('reset'))
      else controller.enqueue(new TextEncoder().encode(text))
      isSaid = true
    },
  })
  const gateway = fakeGateway(provider, settings, () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }), hold)
  const answer = await gateway.ask(client, path, { model, max_tokens: 50, stream: true, messages: [{ role: 'user', content: 'Hi' }] })
  await answer.text().catch(() => '')
  for (let i = 0; i < 400 && gateway.settled.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(gateway.settled).toHaveLength(1)
  return gateway.settled[0]?.row as Row
}

describe.each([
  ['forwarded', OPENAI],
  ['translated', ANTHROPIC],
] as const)('a stream of OpenAI’s chat language that breaks off, %s', (_, client) => {
  const booked = (text: string): Promise<Row> => rowOf(groq, 'groq/llama-3.3-70b-versatile', client, text)

  it('is booked exactly behind its finish and usage, although [DONE] never came', async () => {
    expect(await booked(CONTENT + FINISH + USAGE)).toMatchObject({ ended: 'upstream-cut', usageFrom: 'provider', costNanoUsd: EXACT })
  })

  it('is the hold before that', async () => {
    for (const text of [CONTENT, CONTENT + FINISH, CONTENT + USAGE])
      expect(await booked(text)).toMatchObject({ ended: 'upstream-cut', usageFrom: 'hold', costNanoUsd: HOLD.nanoUsd })
  })
})

describe.each([
  ['forwarded', ANTHROPIC],
  ['translated', OPENAI],
] as const)('a stream of Anthropic’s language that breaks off, %s', (_, client) => {
  const booked = (text: string, hold = HOLD): Promise<Row> => rowOf(anthropic, 'anthropic/claude-haiku-4-5', client, text, hold)
  const said = event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 40 } })

  it('is booked exactly behind its finish and usage, the hold before that', async () => {
    expect(await booked(BEGUN + said)).toMatchObject({ usageFrom: 'provider', costNanoUsd: 20 * 1000 + 40 * 5000 })
    expect(await booked(BEGUN)).toMatchObject({ usageFrom: 'hold', costNanoUsd: HOLD.nanoUsd })
  })

  it('is counted without a budget, with the input that was told', async () => {
    expect(await booked(BEGUN, { ...HOLD, budgeted: false })).toMatchObject({ usageFrom: 'counted', usage: { input: 20 } })
  })
})
