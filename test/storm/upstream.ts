// The stand-in providers of a storm: one server on loopback that tells them apart by their credentials and answers as their weather is.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { illnessAt, type Illness, type Spell } from './weather.ts'

/** One call as it arrived. Milliseconds since the beginning; `wellAt`: when its whole answer was out, `null`: it never was. */
export type Arrival = {
  readonly place: string
  readonly at: number
  readonly isStraight: boolean
  readonly illness: Illness | null
  wellAt: number | null
}

export type Upstream = {
  readonly origin: string
  readonly arrivals: readonly Arrival[]
  /** From now on the weather counts; before, all are well. */
  begin(): void
  close(): void
}

export const TEXT = 'One word follows the other until the answer is whole.'
/** Marks calls that no gateway made. */
export const STRAIGHT = 'x-storm-straight'
const RETRY_AFTER_S = 2
const SLOW_MS = 1200
const WORD_MS = 5

export async function startUpstream(weather: ReadonlyMap<string, readonly Spell[]>): Promise<Upstream> {
  const arrivals: Arrival[] = []
  let beganAt: number | null = null
  const now = (): number => (beganAt === null ? -1 : performance.now() - beganAt)
  const server = createServer((request, response) => {
    void read(request).then(async (body) => {
      const place = /^Bearer test-(\w+)-credential$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
      const at = now()
      const arrival: Arrival = {
        place,
        at,
        isStraight: request.headers[STRAIGHT] !== undefined,
        illness: illnessAt(weather.get(place) ?? [], at),
        wellAt: null,
      }
      arrivals.push(arrival)
      const asked = JSON.parse(body) as { readonly model?: unknown; readonly stream?: unknown }
      if (await answer(response, arrival.illness, String(asked.model), asked.stream === true)) arrival.wellAt = now()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The upstream of the storm has no port.')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    arrivals,
    begin() {
      beganAt = performance.now()
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function read(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of request) text += String(piece)
  return text
}

/** `true`: a whole answer went out. */
async function answer(response: ServerResponse, illness: Illness | null, model: string, stream: boolean): Promise<boolean> {
  const type = { 'content-type': stream ? 'text/event-stream' : 'application/json' }
  switch (illness) {
    case 'status500':
    case 'status503':
      refuse(response, illness === 'status500' ? 500 : 503, {})
      return false
    case 'limited':
      refuse(response, 429, { 'retry-after': String(RETRY_AFTER_S) })
      return false
    case 'stall':
      return false
    case 'reset':
      response.socket?.resetAndDestroy()
      return false
    case 'cut':
      response.writeHead(200, type).flushHeaders()
      await wait(20)
      response.destroy()
      return false
    case 'garbage':
      response.writeHead(200, type).end('\u0001\u0002 this is no answer \u0003')
      return false
    case 'slow':
      await wait(SLOW_MS)
      break
    case 'break':
    case null:
      break
    default:
      illness satisfies never
  }
  if (response.destroyed) return false
  response.writeHead(200, type)
  const words = TEXT.split(' ').map((word, index) => (index === 0 ? word : ` ${word}`))
  if (!stream) {
    const whole = JSON.stringify(wholeAnswer(model))
    if (illness !== 'break') return ended(response, whole)
    response.write(whole.slice(0, whole.length / 2))
    await wait(20)
    response.destroy()
    return false
  }
  for (const [index, content] of words.entries()) {
    if (response.destroyed) return false
    if (illness === 'break' && index === words.length >> 1) {
      response.destroy()
      return false
    }
    response.write(chunk(model, { delta: index === 0 ? { role: 'assistant', content } : { content }, finish_reason: null }))
    await wait(WORD_MS)
  }
  response.write(chunk(model, { delta: {}, finish_reason: 'stop' }))
  response.write(`data: ${JSON.stringify({ ...CHUNK, model, choices: [], usage: USAGE })}\n\n`)
  return ended(response, 'data: [DONE]\n\n')
}

function ended(response: ServerResponse, text: string): boolean {
  response.end(text)
  return true
}

function refuse(response: ServerResponse, status: number, headers: { readonly [name: string]: string }): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ error: { message: 'The storm.', type: 'server_error', code: null, param: null } }))
}

const USAGE = { prompt_tokens: 5, completion_tokens: 10, total_tokens: 15 }
const CHUNK = { id: 'chatcmpl-storm', object: 'chat.completion.chunk', created: 1_700_000_000 }

function chunk(model: string, choice: object): string {
  return `data: ${JSON.stringify({ ...CHUNK, model, choices: [{ index: 0, ...choice }] })}\n\n`
}

function wholeAnswer(model: string): object {
  const message = { role: 'assistant', content: TEXT }
  return { ...CHUNK, object: 'chat.completion', model, choices: [{ index: 0, message, finish_reason: 'stop' }], usage: USAGE }
}
