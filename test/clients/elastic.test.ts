// Elastic holds over the network: official clients, the gateway as it is started, and a provider that goes on until its connection is closed.

import Anthropic from '@anthropic-ai/sdk'
import { createServer, type Server } from 'node:http'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startGateway, type GatewayProcess } from './gateway-process.ts'

/** gpt-4o-mini: 600 nano-dollars a token out; a hold begins with 1,024 of them. */
const SLICE_NANO_USD = 1024 * 600
const EVERY_MS = 4
/** A frame that the provider sends, as the gateway counts it: a token for three bytes. */
const PIECE = 'word '.repeat(30)
const FRAME_NANO_USD = (PIECE.length / 3) * 600

let provider: { readonly server: Server; readonly origin: string; open: number; closed: number } | null = null
let gateway: GatewayProcess | null = null

beforeAll(async () => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const at = provider
    if (at !== null) at.open++
    const timer = setInterval(() => {
      response.write(
        `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-mini', choices: [{ index: 0, delta: { role: 'assistant', content: PIECE }, finish_reason: null }] })}\n\n`,
      )
    }, EVERY_MS)
    response.on('close', () => {
      clearInterval(timer)
      if (at !== null) at.closed++
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The provider has no port.')
  provider = { server, origin: `http://127.0.0.1:${address.port}`, open: 0, closed: 0 }
  gateway = await startGateway(provider.origin)
}, 120_000)
afterAll(async () => {
  await gateway?.stop()
  provider?.server.close()
  provider?.server.closeAllConnections()
}, 20_000)

describe('two keys in elastic mode that share a nearly empty budget', () => {
  it('are both served, and both answers end as at their output limit, with the provider told', async () => {
    if (gateway === null || provider === null) throw new Error('It is not started.')
    const [at, { base }, started] = [provider, gateway, gateway]
    const admin: GatewayProcess['admin'] = (...asked) => started.admin(...asked)
    const limit = 4 * SLICE_NANO_USD
    expect((await admin('PUT', '/api/v1/budgets/team/short', { limit: limit / 1e9 })).status).toBe(200)
    const key = async (mode: string): Promise<string> => {
      const made = await admin('POST', '/api/v1/keys', { name: mode, sluice: { mode, team: 'short' } })
      return ((await made.json()) as { readonly key: string }).key
    }
    const question = { role: 'user', content: 'Go on for ever.' } as const
    const openai = new OpenAI({ apiKey: await key('elastic'), baseURL: `${base}/v1`, maxRetries: 0 })
    const anthropic = new Anthropic({ apiKey: await key('elastic'), baseURL: base, maxRetries: 0 })
    const first = openai.chat.completions.stream({
      model: 'openai/gpt-4o-mini',
      messages: [question],
      stream_options: { include_usage: true },
    })
    const second = anthropic.messages.stream({ model: 'openai/gpt-4o-mini', messages: [question], max_tokens: 16_000 })
    const [completion, message] = await Promise.all([first.finalChatCompletion(), second.finalMessage()])
    expect([completion.choices[0]?.finish_reason, message.stop_reason]).toEqual(['length', 'max_tokens'])
    const said = completion.choices[0]?.message.content ?? ''
    expect(said.length).toBeGreaterThan(0)
    expect(PIECE.repeat(said.length / PIECE.length)).toBe(said)
    await vi.waitUntil(() => at.closed === 2, { timeout: 5000 })

    const budget = await vi.waitUntil(
      async () => {
        const view = (await (await admin('GET', '/api/v1/budgets/team/short')).json()) as Budget
        return view.data.sluice.leased_nano_usd === 0 ? view.data.sluice : false
      },
      { timeout: 15_000, interval: 200 },
    )
    expect(budget.spent_nano_usd).toBeGreaterThan(0.8 * limit)
    // What a read can bring beyond the hold: a frame, or the few that came while more was asked for.
    expect(budget.spent_nano_usd).toBeLessThanOrEqual(limit + 2 * 8 * FRAME_NANO_USD)
  })
})

type Budget = { readonly data: { readonly sluice: { readonly spent_nano_usd: number; readonly leased_nano_usd: number } } }
