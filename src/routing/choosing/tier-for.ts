// Owns which tier of a vendor answers what: the table behind Morph's endpoints, which know no tenant, no prices of a request and no traffic.

import type { Verdict } from '../../classifier/contract.ts'
import type { Tier } from './tiers.ts'

/** `balanced` keeps the quality; `aggressive` goes a tier down; `capable` goes a tier up. */
export type Leaning = 'balanced' | 'aggressive' | 'capable'

const TABLE = {
  balanced: { easy: 'cheap', medium: 'middle', hard: 'strong' },
  aggressive: { easy: 'cheap', medium: 'cheap', hard: 'middle' },
  capable: { easy: 'middle', medium: 'strong', hard: 'strong' },
} as const satisfies { readonly [leaning in Leaning]: { readonly [difficulty in Verdict['difficulty']]: Tier } }

/** Whoever would have to ask back asks cheaply; of what the classifier does not know it is not said that it is easy. */
export function tierFor({ needsInfo, abstains, difficulty }: Verdict, leaning: Leaning): Tier {
  if (needsInfo !== null) return 'cheap'
  return TABLE[leaning][abstains && difficulty === 'easy' ? 'medium' : difficulty]
}
