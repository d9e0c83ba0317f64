// A target that a request could go to: a place with its credentials, a model there, what is known of it, and how a route wants it used.

import type { ModelEntry } from '../../catalogue/entry.ts'
import type { Intent } from '../../dialects/contract.ts'
import type { Provider, Settings } from '../../providers/contract.ts'
import type { ModelName } from '../../routing/choosing/contract.ts'
import type { Timeouts } from '../../routing/contract.ts'
import type { HealthTarget } from '../../routing/health.ts'
import type { RequestBody } from '../job.ts'
import type { Retirement } from './retirement.ts'

export type Candidate = {
  readonly provider: Provider
  readonly settings: Settings
  readonly model: string
  /** `null`: not in the catalogue, so its price is unknown. */
  readonly entry: ModelEntry | null
  /** Its end is known. */
  readonly retires?: Retirement
  /** The account; absent: the provider's own. */
  readonly credential?: string
  readonly timeouts?: Timeouts
  /** The request as this target gets it, where its route changes it. */
  readonly variant?: { readonly body: RequestBody; readonly intent: Intent }
}

/** What its name is made of. */
export type Named = Pick<Candidate, 'model' | 'credential'> & { readonly provider: Pick<Provider, 'id'> }

/** `provider/model`, with the account where it is not the provider's own. */
export function targetId({ provider, model, credential }: Named): string {
  return credential === undefined ? `${provider.id}/${model}` : `${provider.id}/${model}@${credential}`
}

export function healthTarget({ provider, settings, model, credential }: Candidate): HealthTarget {
  return { provider: provider.id, region: settings.region, model, credential: credential ?? null }
}

/** What the capability table calls its model: OpenRouter's `author/slug`, else `provider/model`. */
export function modelName({
  provider,
  model,
  entry,
}: Pick<Named, 'provider' | 'model'> & { readonly entry: { readonly openrouterId?: string } | null }): ModelName {
  return entry?.openrouterId ?? `${provider.id}/${model}`
}
