// Which of a client's headers go on to a provider that speaks its language. All others stay here.

import type { DialectId } from '../core/canonical.ts'

const OPENAI = ['openai-beta', 'idempotency-key', 'x-client-request-id'] as const
const ANTHROPIC = ['anthropic-version', 'anthropic-beta', 'idempotency-key'] as const

/** `taken`: what the place takes of them, where it does not take all. */
export function passedOn(dialect: DialectId, headers: Headers, taken?: readonly string[]): { readonly [name: string]: string } {
  const names = taken ?? namesOf(dialect)
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers.get(name)
      return value === null ? [] : [[name, value]]
    }),
  )
}

function namesOf(dialect: DialectId): readonly string[] {
  return dialect.startsWith('openai-') ? OPENAI : dialect.startsWith('anthropic-') ? ANTHROPIC : []
}
