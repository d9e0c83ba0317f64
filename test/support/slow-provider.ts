// A provider on loopback that takes its time, so that its clients can leave: OpenAI's chat language, and Gemini's. What it does with a
// request is planned by a word in its prompt.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

export type Plan = {
  /** Pieces of content, one every `everyMs`. */
  readonly pieces: number
  readonly everyMs: number
  readonly headersAfterMs?: number
  /** Bytes of a piece. */
  readonly pieceBytes?: number
  /** Breaks the connection before this piece; `silent` says nothing more instead. */
  readonly breaksAt?: number
  readonly silentAt?: number
  readonly status?: number
}

/** What was seen of a request. `left`: the connection was closed before the answer was whole. */
export type Visit = {
  pieces: number
  sent: number
  whole: boolean
  left: boolean
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

export type SlowProvider = { readonly origin: string; readonly visits: Map<string, Visit>; close(): Promise<void> }

/** Of every answer that comes to its end. */
export const INPUT_TOKENS = 20
export const OUTPUT_TOKENS = 40

export async function startSlowProvider(plans: ReadonlyMap<string, Plan>): Promise<SlowProvider> {
  const visits = new Map<string, Visit>()
  const server = createServer((request, response) => void serve(request, response, plans, visits).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port
  return {
    origin: `http://127.0.0.1:${port}`,
    visits,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  plans: ReadonlyMap<string, Plan>,
  visits: Map<string, Visit>,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const name = /\[\[([\w-]+)\]\]/.exec(text)?.[1] ?? ''
  const plan = plans.get(name) ?? { pieces: 3, everyMs: 1 }
  const visit: Visit = { pieces: 0, sent: 0, whole: false, left: false, headers: request.headers, text }
  visits.set(name, visit)
  response.once('close', () => (visit.left = !visit.whole))
  if (plan.headersAfterMs !== undefined) await wait(plan.headersAfterMs)
  if (plan.status !== undefined) {
    response.writeHead(plan.status, { 'content-type': 'application/json' })
    visit.whole = true
    response.end(JSON.stringify({ error: { message: 'It was too much.', type: 'server_error' } }))
    return
  }
  const words =
    request.url?.includes('streamGenerateContent') === true
      ? gemini(request.url.includes('alt=sse'))
      : openai(/"stream":\s*true/.test(text))
  response.writeHead(200, { 'content-type': words.type })
  const put = async (part: string): Promise<void> => {
    visit.sent += part.length
    if (!response.write(part) && !response.destroyed)
      await new Promise((resolve) => {
        response.once('drain', resolve)
        response.once('close', resolve)
      })
  }
  for (let piece = 0; piece < plan.pieces && !response.destroyed; piece++) {
    if (plan.breaksAt === piece) return void response.destroy()
    if (plan.silentAt === piece) return
    await put(words.piece(piece, 'x'.repeat(plan.pieceBytes ?? 5)))
    visit.pieces++
    await wait(plan.everyMs)
  }
  if (response.destroyed) return
  visit.whole = true
  response.end(words.last())
}

type Words = { readonly type: string; piece(at: number, content: string): string; last(): string }

function openai(streams: boolean): Words {
  const usage = { prompt_tokens: INPUT_TOKENS, completion_tokens: OUTPUT_TOKENS, total_tokens: INPUT_TOKENS + OUTPUT_TOKENS }
  const base = { id: 'chatcmpl-slow', created: 1, model: 'slow' }
  if (!streams) {
    return {
      type: 'application/json',
      piece: (at) => (at === 0 ? `{"object":"chat.completion","id":"chatcmpl-slow","created":1,"model":"slow",` : ' '),
      last: () =>
        `"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":${JSON.stringify(usage)}}`,
    }
  }
  const frame = (rest: object): string => `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...rest })}\n\n`
  return {
    type: 'text/event-stream',
    piece: (_, content) => frame({ choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] }),
    last: () => frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) + frame({ choices: [], usage }) + 'data: [DONE]\n\n',
  }
}

function gemini(events: boolean): Words {
  const element = (rest: object): string => JSON.stringify({ modelVersion: 'slow', responseId: 'slow', ...rest })
  const put = (at: number, text: string): string => (events ? `data: ${text}\n\n` : `${at === 0 ? '[' : ',\n'}${text}`)
  const usageMetadata = {
    promptTokenCount: INPUT_TOKENS,
    candidatesTokenCount: OUTPUT_TOKENS,
    totalTokenCount: INPUT_TOKENS + OUTPUT_TOKENS,
  }
  return {
    type: events ? 'text/event-stream' : 'application/json',
    piece: (at, text) => put(at, element({ candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0 }] })),
    last: () =>
      put(
        1,
        element({ candidates: [{ content: { role: 'model', parts: [{ text: '.' }] }, finishReason: 'STOP', index: 0 }], usageMetadata }),
      ) + (events ? '' : ']'),
  }
}
