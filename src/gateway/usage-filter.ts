// Takes the usage chunk out of a forwarded OpenAI stream for a client that did not ask for it; every other byte stays as it was.

import { joinBytes } from '../core/bytes.ts'
import type { UpstreamDialect } from '../dialects/contract.ts'

const LF = 0x0a
const CR = 0x0d

/** Gives on whole frames only: a frame that is not finished waits here. */
export class UsageFilter {
  readonly #upstream: Pick<UpstreamDialect, 'isUsageOnly'>
  readonly #decoder = new TextDecoder()
  #rest: Uint8Array = EMPTY

  constructor(upstream: Pick<UpstreamDialect, 'isUsageOnly'>) {
    this.#upstream = upstream
  }

  push(bytes: Uint8Array): Uint8Array {
    const all = this.#rest.length === 0 ? bytes : joinBytes([this.#rest, bytes])
    let from = 0
    let keptFrom = 0
    let kept: Uint8Array | null = null
    for (;;) {
      const end = frameEnd(all, from)
      if (end < 0) break
      if (this.#isUsageOnly(all.subarray(from, end))) {
        const before = all.subarray(keptFrom, from)
        kept = kept === null ? before : joinBytes([kept, before])
        keptFrom = end
      }
      from = end
    }
    this.#rest = all.subarray(from)
    const tail = all.subarray(keptFrom, from)
    return kept === null ? tail : joinBytes([kept, tail])
  }

  /** What no blank line closed. */
  end(): Uint8Array {
    return this.#isUsageOnly(this.#rest) ? EMPTY : this.#rest
  }

  #isUsageOnly(frame: Uint8Array): boolean {
    const text = this.#decoder.decode(frame)
    if (!text.includes('"usage"')) return false
    const data = text
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).trim())
      .join('\n')
    return this.#upstream.isUsageOnly({ data })
  }
}

const EMPTY = new Uint8Array(0)

/** Behind the blank line that closes the frame at `from`; -1: it is not closed yet. */
function frameEnd(bytes: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    at = bytes.indexOf(LF, at)
    if (at < 0) return -1
    if (bytes[at + 1] === LF) return at + 2
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3
    at++
  }
}
