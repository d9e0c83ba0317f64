// Keeps retries from making a storm worse: what is asked again of a provider may add a tenth to what was asked of it, and a handful.

const SHARE = 0.1
const HANDFUL = 4
const MOST_PROVIDERS = 500

/** Of one isolate. Each first call of a provider earns a tenth of a retry; at most a handful are saved up. */
export class RetryBudget {
  readonly #left = new Map<string, number>()

  /** A first call of a provider. */
  earn(provider: string): void {
    const left = this.#left.get(provider) ?? HANDFUL
    this.#left.delete(provider)
    this.#left.set(provider, Math.min(HANDFUL, left + SHARE))
    if (this.#left.size <= MOST_PROVIDERS) return
    const [oldest] = this.#left.keys()
    if (oldest !== undefined) this.#left.delete(oldest)
  }

  /** Whether it may be asked once more; if so, that is paid. */
  spend(provider: string): boolean {
    const left = this.#left.get(provider) ?? HANDFUL
    if (left < 1) return false
    this.#left.set(provider, left - 1)
    return true
  }
}
