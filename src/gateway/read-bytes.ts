// Reads a request's body into one piece of memory, bounded, and unpacks it when it came compressed.

import { joinBytes } from '../core/bytes.ts'
import { GatewayError } from '../core/errors.ts'

const PACKED = new Map<string, 'gzip' | 'deflate'>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
])

/** @throws GatewayError `body-too-large` above `most` bytes (unpacked), `request-malformed` when it does not arrive whole */
export async function readBytes(request: Request, most: number): Promise<Uint8Array> {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  const said = request.headers.get('content-length')
  const length = said === null || !/^\d{1,15}$/.test(said) ? null : Number(said)
  if (length !== null && length > most) throw tooLarge(most)
  if (request.body === null) return new Uint8Array(0)
  if (encoding === 'identity' || encoding === '') {
    if (length === null) return gather(request.body, most)
    return length <= SMALL_BYTES ? readSmall(request) : fill(request.body, length)
  }
  const format = PACKED.get(encoding)
  if (format === undefined)
    throw new GatewayError('request-malformed', 'This content-encoding is not supported; send the body plain, or with gzip or deflate.')
  return gather(request.body.pipeThrough(new DecompressionStream(format) as ReadableWritablePair<Uint8Array, Uint8Array>), most)
}

/** A body whose length is known to be small is read natively: a loop of reads costs more than the copy. */
const SMALL_BYTES = 262_144

async function readSmall(request: Request): Promise<Uint8Array> {
  try {
    return new Uint8Array(await request.arrayBuffer())
  } catch (cause) {
    throw new GatewayError('request-malformed', 'The body did not arrive whole.', { cause })
  }
}

/** Each byte goes into its place once, and nothing else is made: a second copy of a 20 MiB body is 20 MiB of the isolate's 128. */
async function fill(stream: ReadableStream<Uint8Array>, length: number): Promise<Uint8Array> {
  const reader = stream.getReader({ mode: 'byob' })
  let buffer: ArrayBuffer = new ArrayBuffer(length)
  let size = 0
  try {
    while (size < length) {
      const { done, value } = await reader.read(new Uint8Array(buffer, size, Math.min(length - size, SMALL_BYTES)))
      if (done || value === undefined) break
      size += value.length
      buffer = value.buffer as ArrayBuffer
    }
    return new Uint8Array(buffer, 0, size)
  } catch (cause) {
    void reader.cancel().catch(() => undefined)
    throw new GatewayError('request-malformed', 'The body did not arrive whole.', { cause })
  }
}

async function gather(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return joinBytes(chunks)
      size += value.length
      if (size > most) throw tooLarge(most)
      chunks.push(value)
    }
  } catch (cause) {
    void reader.cancel().catch(() => undefined)
    if (cause instanceof GatewayError) throw cause
    throw new GatewayError('request-malformed', 'The body did not arrive whole, or is not packed as its content-encoding says.', { cause })
  }
}

function tooLarge(most: number): GatewayError {
  return new GatewayError('body-too-large', `The body is larger than the limit of ${most} bytes.`)
}
