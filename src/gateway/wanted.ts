// Which targets the client's own preferences leave: OpenRouter's `provider`, judged by what is known of each place.

import type { RouteTable } from '../routing/contract.ts'
import type { Job } from './job.ts'
import type { Place } from './model-names.ts'
import type { Target } from './plan.ts'

/** A target that a filter took out, and the filter's word. */
export type Removed = { readonly target: string; readonly by: string }

export function names(slug: string, { provider }: Place): boolean {
  return slug.split('/')[0] === provider
}

export function allowed(targets: readonly Target[], job: Job, _table: RouteTable, removed: Removed[]): readonly Target[] {
  const wish = job.wishes.provider
  if (wish === null) return targets
  return targets.filter(({ leaf }) => {
    const by =
      wish.only !== null && !wish.only.some((slug) => names(slug, leaf.place))
        ? 'only'
        : wish.ignore.some((slug) => names(slug, leaf.place))
          ? 'ignore'
          : null
    if (by !== null) removed.push({ target: `${leaf.place.provider}/${leaf.place.model}`, by })
    return by === null
  })
}
