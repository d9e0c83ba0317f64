// Citations → `groundingMetadata`: the sources, and the spans of text that rest on them. Offsets come in UTF-16 units and leave in UTF-8 bytes.

import type { Citation } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import { isObject } from './wire.ts'

const encoder = new TextEncoder()

/** Gathers the sources of one reply. */
export class Grounding {
  readonly #chunks = new Map<string, Writable>()
  readonly #supports: Writable[] = []

  /** `text`: all of the text that the citations speak of. */
  add(citations: readonly Citation[], text: string): void {
    for (const citation of citations) {
      const chunk = chunkOf(citation)
      if (chunk === null) continue
      const key = JSON.stringify(chunk)
      if (!this.#chunks.has(key)) this.#chunks.set(key, chunk)
      const index = [...this.#chunks.keys()].indexOf(key)
      const { start, end } = citation
      if (start === null || end === null || end <= start || end > text.length) continue
      const startIndex = encoder.encode(text.slice(0, start)).length
      const words = text.slice(start, end)
      const segment = { startIndex, endIndex: startIndex + encoder.encode(words).length, text: words }
      this.#supports.push({ segment, groundingChunkIndices: [index] })
    }
  }

  metadata(): Writable | undefined {
    if (this.#chunks.size === 0) return undefined
    return {
      groundingChunks: [...this.#chunks.values()],
      groundingSupports: this.#supports.length === 0 ? undefined : this.#supports,
    }
  }
}

/** What this language itself said stands as it was. */
function chunkOf({ raw, url, title }: Citation): { readonly [name: string]: Writable } | null {
  if (isObject(raw) && (isObject(raw['web']) || isObject(raw['retrievedContext']) || isObject(raw['maps']))) return raw
  return url === null ? null : { web: { uri: url, title: title ?? undefined } }
}
