// Pieces of bytes put together.

const EMPTY = new Uint8Array(0)

/** One array of all pieces; a single one is given back as it is. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const filled = pieces.filter((piece) => piece.length > 0)
  const [only] = filled
  if (only === undefined) return EMPTY
  if (filled.length === 1) return only
  const joined = new Uint8Array(filled.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of filled) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}
