// A target that a request could go to: a place with its credentials, a model there, and what is known of it.

import type { ModelEntry } from '../catalogue/entry.ts'
import type { Provider, Settings } from '../providers/contract.ts'

export type Candidate = {
  readonly provider: Provider
  readonly settings: Settings
  readonly model: string
  /** `null`: not in the catalogue, so its price is unknown. */
  readonly entry: ModelEntry | null
}
