// Wishes from arbitrary JSON and arbitrary headers: they are read, or refused with a typed 400, and nothing else ever happens.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Body } from '../../../src/core/body.ts'
import { GatewayError } from '../../../src/core/errors.ts'
import { readSuffixes } from '../../../src/routing/wishes/suffix.ts'
import { readWishes } from '../../../src/routing/wishes/read.ts'

const WORDS =
  'model models provider only order zdr sort by max_price prompt p50 fallbacks a/b * messages strategy mode fallback conditional loadbalance targets query then metadata.a params.b $eq $in $and weight override_params retry attempts conditions default name groq 1 __proto__ constructor'.split(
    ' ',
  )
const word = fc.constantFrom(...WORDS)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.oneof(word, fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 5 }),
  ),
}))
const NAMES =
  'models provider route session_id fallbacks context_window_fallback_dict context_window_fallbacks content_policy_fallbacks disable_fallbacks num_retries timeout stream_timeout mock_response'.split(
    ' ',
  )
const HEADERS =
  'x-litellm-timeout x-litellm-stream-timeout x-litellm-num-retries x-stainless-timeout x-portkey-request-timeout x-portkey-provider x-portkey-retry-count'.split(
    ' ',
  )
const text = fc.stringMatching(/^[!-~]{0,12}$/)

/** Only a typed fault of the client's may come out. */
function tried<T>(run: () => T): T | null {
  try {
    return run()
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError)
    if (error instanceof GatewayError) expect(['request-malformed', 'request-unsupported']).toContain(error.code)
    return null
  }
}

describe('wishes', () => {
  it('of any body and any headers are read or refused', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...NAMES), value),
        fc.dictionary(fc.constantFrom(...HEADERS), text),
        fc.option(word, { nil: null }),
        fc.boolean(),
        (members, headers, primary, isPlain) => {
          const body = new Body(new TextEncoder().encode(JSON.stringify(members)))
          const wishes = tried(() =>
            readWishes({ member: (path) => body.member(path) }, new Headers(headers), isPlain ? 'plain' : 'openrouter', primary),
          )
          if (wishes === null) return
          const models = wishes.fallbacks.map(({ model }) => model)
          expect(new Set(models).size).toBe(models.length)
          if (primary !== null) expect(models).not.toContain(primary)
          for (const path of wishes.removed) expect(Object.keys(members)).toContain(path[0])
          for (const ms of [wishes.deadlineMs, wishes.firstContentMs])
            expect(ms === null || (Number.isSafeInteger(ms) && ms > 0)).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('of any config are read or refused', () => {
    const config = fc
      .dictionary(fc.constantFrom('strategy', 'targets', 'provider', 'override_params', 'retry', 'request_timeout'), value)
      .map((said) => JSON.stringify(said))
    const latin = (said: string): string => said.replaceAll(/[^\u0020-\u007e]/g, '?')
    fc.assert(
      fc.property(
        fc.oneof(
          config,
          value.map((said) => JSON.stringify(said)),
          text,
        ),
        (said) => {
          tried(() => readWishes({ member: () => null }, new Headers({ 'x-portkey-config': latin(said) }), 'plain', 'm'))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('of any name are read or refused', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '/', ':', 'nitro', 'free', 'online', '@preset/', ''), { maxLength: 8 }), (parts) => {
        const said = parts.join('')
        const read = tried(() => readSuffixes(said))
        if (read !== null) expect(said.startsWith(read.plain)).toBe(true)
      }),
    )
  })
})
