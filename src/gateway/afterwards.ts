// Keeps a request's context alive from before its hold until its settle. A client that leaves takes everything along that nobody waits
// for: without this a hold would stay until it expires, and an answer that was paid for would have no row until then.

import type { Deps } from '../ports.ts'

export class Afterwards {
  readonly #resolve: (work: Promise<unknown> | undefined) => void

  /** Registered at once: after the client has left nothing can be. */
  constructor(later: Deps['later']) {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.#resolve = resolve
    later(promise)
  }

  /** The first work that is named is waited for. */
  until(work: Promise<unknown>): void {
    this.#resolve(work)
  }

  /** Nothing is left to do, unless something was named before. */
  end(): void {
    this.#resolve(undefined)
  }
}
