// What a request says of itself for the books: whose customer it is for, and its tags.

import type { Said } from '../core/request-scopes.ts'
import { scopeName } from '../core/scope-names.ts'
import type { Job } from './job.ts'

/** LiteLLM's names of the header; it goes before the body's own member. */
const CUSTOMER_HEADERS = ['x-litellm-customer-id', 'x-litellm-end-user-id'] as const
const MOST_TAGS = 20
/** So many of them count as budgets. */
const MOST_BUDGET_TAGS = 8

/** `null`: it does not say. */
export function customerOf({ headers, intent }: Pick<Job, 'headers' | 'intent'>): string | null {
  for (const name of CUSTOMER_HEADERS) {
    const said = headers.get(name)?.trim() ?? ''
    if (said !== '') return said
  }
  return intent.endUserId
}

export function tagsOf(headers: Headers): readonly string[] {
  const text = headers.get('x-sluice-tags') ?? headers.get('x-litellm-tags') ?? ''
  return text
    .split(',')
    .map((tag) => tag.trim().slice(0, 64))
    .filter((tag) => tag !== '')
    .slice(0, MOST_TAGS)
}

/** The same as names of budgets. */
export async function saidOf(job: Pick<Job, 'headers' | 'intent'>): Promise<Said> {
  const customer = customerOf(job)?.trim() ?? ''
  const tags = tagsOf(job.headers).slice(0, MOST_BUDGET_TAGS)
  return {
    ...(customer === '' ? {} : { customer: await scopeName(customer) }),
    ...(tags.length === 0 ? {} : { tags: await Promise.all(tags.map(scopeName)) }),
  }
}
