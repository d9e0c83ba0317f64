// The client of the bench: so many connections, each sending its next request when the last answer is complete. Bare sockets and only
// as much of HTTP as the three servers speak: `node:http` would take half of the machine for itself.

import { connect, type Socket } from 'node:net'

export type Call = {
  readonly port: number
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** What one slice of load showed. Times in milliseconds, in rising order. */
export type Slice = {
  readonly requests: number
  readonly seconds: number
  readonly totalMs: Float64Array
  /** To the first byte of the body. */
  readonly firstMs: Float64Array
}

const HEAD_END = '\r\n\r\n'
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n')

/** @throws Error when an answer is not 200, or a connection breaks: figures of failures would be worth nothing */
export async function load(call: Call, concurrency: number, forMs: number): Promise<Slice> {
  const request = requestBytes(call)
  const samples: Sample[] = []
  const began = performance.now()
  const until = began + forMs
  await Promise.all(Array.from({ length: concurrency }, () => keepAsking(call, request, until, samples)))
  const seconds = (performance.now() - began) / 1000
  return {
    requests: samples.length,
    seconds,
    totalMs: Float64Array.from(samples, (s) => s.totalMs).toSorted(),
    firstMs: Float64Array.from(samples, (s) => s.firstMs).toSorted(),
  }
}

type Sample = { readonly firstMs: number; readonly totalMs: number }

function requestBytes({ port, path, headers, body }: Call): Buffer {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

function keepAsking(call: Call, request: Buffer, until: number, samples: Sample[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(call.port, '127.0.0.1')
    socket.setNoDelay(true)
    let sentAt = 0
    let firstAt = 0
    let reader = new AnswerReader()
    const ask = (): void => {
      sentAt = performance.now()
      firstAt = 0
      reader = new AnswerReader()
      socket.write(request)
    }
    const fail = (what: string): void => {
      socket.destroy()
      reject(new Error(`${call.path} on port ${call.port}: ${what}`))
    }
    socket.on('connect', ask)
    socket.on('error', (error) => fail(error.message))
    socket.on('close', () => fail('the connection was closed'))
    socket.on('data', (bytes) => {
      const over = reader.take(bytes)
      if (reader.status !== 0 && reader.status !== 200) return fail(`status ${reader.status}: ${bytes.toString().slice(0, 1000)}`)
      if (firstAt === 0 && reader.hasBody) firstAt = performance.now()
      if (!over) return
      const now = performance.now()
      samples.push({ firstMs: firstAt - sentAt, totalMs: now - sentAt })
      if (now < until) return ask()
      socket.removeAllListeners('close')
      socket.end()
      resolve()
    })
  })
}

/** Finds the end of one answer, nothing else. */
class AnswerReader {
  /** 0 until the head is there. */
  status = 0
  hasBody = false
  #head: Buffer | null = null
  /** `null`: the body comes in chunks. */
  #missing: number | null = null
  #tail: Buffer = Buffer.alloc(0)

  /** Is the answer complete with these bytes? */
  take(bytes: Buffer): boolean {
    if (this.status !== 0) return this.#takeBody(bytes)
    const all = this.#head === null ? bytes : Buffer.concat([this.#head, bytes])
    const end = all.indexOf(HEAD_END)
    if (end < 0) {
      this.#head = all
      return false
    }
    const head = all.toString('latin1', 0, end + 2)
    this.status = Number(head.slice(9, 12))
    const length = /^content-length: *(\d+)/im.exec(head)?.[1]
    this.#missing = length === undefined ? null : Number(length)
    return this.#takeBody(all.subarray(end + HEAD_END.length))
  }

  #takeBody(bytes: Buffer): boolean {
    if (bytes.length > 0) this.hasBody = true
    if (this.#missing !== null) {
      this.#missing -= bytes.length
      return this.#missing <= 0
    }
    // Nothing follows an answer before the next request, so the last chunk ends what has come.
    const tail = bytes.length >= LAST_CHUNK.length ? bytes : Buffer.concat([this.#tail, bytes])
    this.#tail = tail.subarray(Math.max(0, tail.length - LAST_CHUNK.length))
    return this.#tail.equals(LAST_CHUNK)
  }
}
