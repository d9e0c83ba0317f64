// A provider on loopback that knows what it has served: OpenAI's chat language, streamed. What becomes of a call is dealt by a name in
// its prompt, and a call may wait at a gate, so that a crowd of them can be decided before the first is answered.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** What becomes of a call. */
export type Deal = {
  /** Of a whole answer; never more than the call allows. */
  readonly outputTokens: number
  /** Waited for before anything is answered. */
  readonly gate?: Promise<void>
  /** Pieces of content (default 3), one every `everyMs` (default 0). */
  readonly pieces?: number
  readonly everyMs?: number
  /** Breaks the connection before this piece. */
  readonly cutBefore?: number
  /** Refuses with this status. */
  readonly status?: number
}

/** `refused`: by an error status, nothing is billed. Of all others the whole answer is, whether anybody read it or not. */
export type Call = {
  readonly name: string
  readonly maxTokens: number
  readonly outputTokens: number
  ended: 'whole' | 'cut' | 'left' | 'refused' | null
}

export type CountingProvider = {
  readonly origin: string
  readonly calls: Call[]
  /** Deals for names that begin so, up to their first dash. */
  readonly deals: Map<string, Deal | ((name: string) => Deal)>
  /** Told of each call when it has arrived. */
  onCall: ((call: Call) => void) | null
  close(): Promise<void>
}

/** Input of every call, whatever was sent. */
export const INPUT_TOKENS = 20

export async function startCountingProvider(): Promise<CountingProvider> {
  const server = createServer((request, response) => void serve(request, response, provider).catch(() => response.destroy()))
  server.requestTimeout = 0
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, resolve))
  const { port } = server.address() as AddressInfo // it listens on a port
  const provider: CountingProvider = {
    origin: `http://127.0.0.1:${port}`,
    calls: [],
    deals: new Map(),
    onCall: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return provider
}

async function serve(request: IncomingMessage, response: ServerResponse, { calls, deals, onCall }: CountingProvider): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const name = /\[\[([\w-]+)\]\]/.exec(text)?.[1] ?? ''
  const dealt = deals.get(name.slice(0, name.indexOf('-'))) ?? { outputTokens: 5 }
  const deal = typeof dealt === 'function' ? dealt(name) : dealt
  const maxTokens = Number(/"max_(?:completion_)?tokens":\s*(\d+)/.exec(text)?.[1] ?? Number.MAX_SAFE_INTEGER)
  const call: Call = { name, maxTokens, outputTokens: Math.min(deal.outputTokens, maxTokens), ended: null }
  calls.push(call)
  response.on('error', () => undefined)
  response.once('close', () => (call.ended ??= response.writableFinished ? 'whole' : 'left'))
  onCall?.(call)
  await deal.gate
  if (response.destroyed) return
  if (deal.status !== undefined) {
    call.ended = 'refused'
    response.writeHead(deal.status, { 'content-type': 'application/json' })
    response.end('{"error":{"message":"It was too much.","type":"server_error"}}')
    return
  }
  const frame = (rest: object): string =>
    `data: ${JSON.stringify({ id: 'chatcmpl-counted', object: 'chat.completion.chunk', created: 1, model: 'counted', ...rest })}\n\n`
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let piece = 0; piece < (deal.pieces ?? 3); piece++) {
    if (response.destroyed) return
    if (deal.cutBefore === piece) {
      call.ended = 'cut'
      return void response.destroy()
    }
    response.write(frame({ choices: [{ index: 0, delta: { role: 'assistant', content: 'words ' }, finish_reason: null }] }))
    if (deal.everyMs !== undefined) await wait(deal.everyMs)
  }
  if (response.destroyed) return
  const usage = {
    prompt_tokens: INPUT_TOKENS,
    completion_tokens: call.outputTokens,
    total_tokens: INPUT_TOKENS + call.outputTokens,
  }
  response.end(frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) + frame({ choices: [], usage }) + 'data: [DONE]\n\n')
}
