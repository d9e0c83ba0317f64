// A provider of pictures and sound for tests: answers model `rec-<id>`, named in JSON or in a form, with that recording's bytes, and keeps
// what it was asked. Loopback only.

import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export type MediaRecording = {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly url: string
  readonly status: number
  readonly streaming: boolean
  readonly request_body?: unknown
  readonly response_headers?: { readonly [name: string]: string }
  readonly response_body?: unknown
  readonly sse_text?: string
  readonly response_base64?: string
}

export type AskedMedia = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly bytes: Buffer }

export type MediaServer = {
  readonly origin: string
  askedFor(id: string): readonly AskedMedia[]
  close(): Promise<void>
}

const FOLDER = join(import.meta.dirname, '../fixtures')

export const MEDIA_RECORDINGS: readonly MediaRecording[] = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((file) => /openai\.(images|audio\.\w+)[/\\][^/\\]+\.json$/.test(file))
  .sort()
  .map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as MediaRecording)

/** The bytes that the provider answered with. */
export function mediaBytes({ response_base64: base64, sse_text: events, response_body: body }: MediaRecording): Buffer {
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  return Buffer.from(events ?? (typeof body === 'string' ? body : JSON.stringify(body)))
}

/** `named`: real models and the recording each is answered with. */
export async function startMediaServer(named: { readonly [model: string]: string } = {}): Promise<MediaServer> {
  const asked: (AskedMedia & { readonly id: string })[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const bytes = Buffer.concat(parts)
      const model =
        /name="?model"?\r\n(?:[^\r\n]+\r\n)*\r\n([^\r]*)\r\n/.exec(bytes.toString('latin1'))?.[1] ??
        /"model"\s*:\s*"([^"]*)"/.exec(bytes.toString('utf8'))?.[1] ??
        ''
      const id = named[model] ?? model.replace(/^rec-/, '')
      const path = request.url ?? '/'
      asked.push({ id, path, headers: request.headers, bytes })
      const recording = MEDIA_RECORDINGS.find((one) => one.id === id && new URL(one.url).pathname.endsWith(path.replace(/^\/v1/, '')))
      if (recording === undefined) {
        response.writeHead(404, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ error: { message: `no recording ${id} at ${path}`, type: 'media_server', param: null, code: null } }))
        return
      }
      response.writeHead(recording.status, {
        'content-type': recording.response_headers?.['content-type'] ?? 'application/json',
      })
      void send(mediaBytes(recording), (piece) => response.write(piece)).then(() => response.end())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The media server has no port.')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    askedFor: (id) => asked.filter((one) => one.id === id),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** In pieces, so that events come one after the other. */
async function send(bytes: Buffer, write: (piece: Buffer) => void): Promise<void> {
  const size = Math.max(64, Math.ceil(bytes.length / 12))
  for (let at = 0; at < bytes.length; at += size) {
    write(bytes.subarray(at, at + size))
    await wait(2)
  }
}
