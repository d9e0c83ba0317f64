// Streams as this platform has them: native identity pipes, and uploads of known length.

import { joinBytes } from '../core/bytes.ts'

/** Below this, pieces are joined: one small copy is cheaper than a stream. */
const JOINED_BYTES = 262_144

/** Bytes pass natively from the writer to the reader. */
export function pipe(): { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> } {
  return new IdentityTransformStream()
}

/** A request body from pieces; a large one is never copied. */
export function upload(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> | Uint8Array {
  const [first] = pieces
  if (pieces.length === 1 && first !== undefined) return first
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (size <= JOINED_BYTES) return joinBytes(pieces)
  const { readable, writable } = new FixedLengthStream(size)
  void feed(writable.getWriter(), pieces)
  return readable
}

async function feed(writer: WritableStreamDefaultWriter<Uint8Array>, pieces: readonly Uint8Array[]): Promise<void> {
  try {
    for (const piece of pieces) await writer.write(piece)
    await writer.close()
  } catch {
    // the call was ended: fetch has reported it
  }
}
