// The provider of the bench: a process of its own that answers from memory over bare sockets. `node:http` would cost about as much as
// the Worker that is measured. It knows only as much of HTTP as workerd and the bench's own client send.

import { createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { streamAnswer, wholeAnswer, type Language, type StreamAnswer } from './answers.ts'

const HEAD_END = Buffer.from('\r\n\r\n')
const KEPT_BYTES = 65_536
const LANGUAGES: readonly Language[] = ['openai-chat', 'anthropic-messages', 'gemini']

const whole = new Map(LANGUAGES.map((language) => [language, wholeAnswer(language)]))
const streams = new Map(
  [true, false].flatMap((usage) => LANGUAGES.map((language) => [`${language} ${usage}`, streamAnswer(language, usage)] as const)),
)

/** Streams under way, by their gap in milliseconds: one timer writes the next event of each. */
const running = new Map<number, Set<Running>>()
type Running = { readonly socket: Socket; readonly answer: StreamAnswer; next: number }

/** Reads requests one after the other. Of a large body only the beginning is kept. */
class Connection {
  readonly #socket: Socket
  #held: Buffer[] = []
  #size = 0
  /** Bytes of the body that are still to come; `null`: the head is not complete. */
  #missing: number | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', () => socket.destroy())
  }

  #take(bytes: Buffer): void {
    if (this.#size < KEPT_BYTES || this.#missing === null) this.#held.push(bytes)
    this.#size += bytes.length
    if (this.#missing === null) {
      const all = this.#held.length === 1 ? bytes : Buffer.concat(this.#held)
      this.#held = [all]
      const at = all.indexOf(HEAD_END)
      if (at < 0) return
      const length = /^content-length: *(\d+)/im.exec(all.toString('latin1', 0, at + 2))?.[1]
      if (length === undefined) throw new Error('The bench upstream needs a content-length.')
      this.#missing = at + HEAD_END.length + Number(length) - all.length
    } else this.#missing -= bytes.length
    if (this.#missing > 0) return
    const request = Buffer.concat(this.#held).toString('latin1', 0, KEPT_BYTES)
    this.#held = []
    this.#size = 0
    this.#missing = null
    void answer(this.#socket, request)
  }
}

/** The request says by words in its text how it wants to be answered: `gap=2` between events, `wait=1000` before a whole answer. */
async function answer(socket: Socket, request: string): Promise<void> {
  const path = request.slice(request.indexOf(' ') + 1, request.indexOf(' ', request.indexOf(' ') + 1))
  const language: Language = path.endsWith('/messages') ? 'anthropic-messages' : path.includes(':') ? 'gemini' : 'openai-chat'
  const isStream = path.includes(':stream') || request.includes('"stream":true')
  if (!isStream) {
    const waitMs = Number(/wait=(\d+)/.exec(request)?.[1] ?? 0)
    if (waitMs > 0) await wait(waitMs)
    socket.write(whole.get(language) ?? '')
    return
  }
  const stream = streams.get(`${language} ${request.includes('"include_usage":true')}`)
  if (stream === undefined) return
  socket.write(stream.head)
  play({ socket, answer: stream, next: 0 }, Number(/gap=(\d+)/.exec(request)?.[1] ?? 0))
}

function play(stream: Running, gapMs: number): void {
  const group = running.get(gapMs) ?? new Set()
  running.set(gapMs, group)
  group.add(stream)
  if (group.size > 1) return
  if (gapMs > 0) {
    const timer = setInterval(() => {
      step(group)
      if (group.size === 0) clearInterval(timer)
    }, gapMs)
  } else setImmediate(race, group)
}

function race(group: Set<Running>): void {
  step(group)
  if (group.size > 0) setImmediate(race, group)
}

/** One event each, and each in a write of its own. */
function step(group: Set<Running>): void {
  for (const stream of group) {
    const { socket, answer } = stream
    const chunk = answer.chunks[stream.next++]
    if (socket.destroyed) group.delete(stream)
    else if (chunk !== undefined) socket.write(chunk)
    else {
      group.delete(stream)
      socket.write(answer.end)
    }
  }
}

const server = createServer((socket) => void new Connection(socket))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port })
})
process.on('disconnect', () => process.exit())
