// Every dialect against frames and bodies in its own words but in no order that a provider or a client would choose.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Body } from '../../../src/core/body.ts'
import { GatewayError } from '../../../src/core/errors.ts'
import type { Frame } from '../../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../../src/dialects/index.ts'
import { grammarFault } from '../../contracts/dialect-grammar.ts'
import { eventsOf, framesOf, intentFor, ordersFor, streamBytes } from '../../contracts/dialect-play.ts'
import { recordingsOf } from '../../support/recordings.ts'
import { holds } from './holds.ts'
import { VALUE_TEXT } from './odd-text.ts'

const MOST_WORDS = 400

/** Names of members and short values that stand in these. */
function wordsIn(values: readonly unknown[]): { readonly names: readonly string[]; readonly values: readonly unknown[] } {
  const names = new Set<string>()
  const seen = new Set<unknown>([null, 0, 1, -1, '', 'x', true, false])
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) {
      if (typeof value !== 'string' || value.length < 40) seen.add(value)
      return
    }
    if (!Array.isArray(value)) for (const name of Object.keys(value)) names.add(name)
    Object.values(value).forEach(visit)
  }
  values.forEach(visit)
  return { names: [...names].slice(0, MOST_WORDS), values: [...seen].slice(0, MOST_WORDS) }
}

/** JSON in these words. */
function sayings(words: ReturnType<typeof wordsIn>): fc.Arbitrary<unknown> {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(...words.values),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...words.names), tie('value'), { maxKeys: 5 }),
    ),
  }))
  return value
}

/** A real value with one place of it said otherwise. */
function grafted(value: unknown, steps: readonly number[], graft: unknown): unknown {
  const [step, ...rest] = steps
  if (step === undefined || typeof value !== 'object' || value === null) return graft
  const names = Object.keys(value)
  const name = names[step % Math.max(1, names.length)]
  if (name === undefined) return graft
  const member: unknown = Object.getOwnPropertyDescriptor(value, name)?.value
  if (Array.isArray(value)) return value.map((item: unknown, i) => (String(i) === name ? grafted(item, rest, graft) : item))
  return { ...value, [name]: grafted(member, rest, graft) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

describe.each(UPSTREAM_DIALECTS.map((dialect) => ({ id: dialect.id, dialect })))('readers of $id', ({ id, dialect }) => {
  const real = recordingsOf(id)
    .filter(({ streaming, status }) => streaming && status < 400)
    .slice(0, 25)
    .flatMap((recording) => framesOf([streamBytes(recording)]).slice(0, 30))
  const words = sayings(wordsIn(real.map(({ data }) => parsed(data))))
  const events = [...new Set(real.map(({ event }) => event))]
  const spoilt = fc
    .tuple(fc.constantFrom(...real), fc.array(fc.nat(9), { maxLength: 6 }), words)
    .map(([frame, steps, graft]): Frame => ({ ...frame, data: JSON.stringify(grafted(parsed(frame.data), steps, graft)) ?? '' }))
  const made = fc
    .tuple(
      fc.constantFrom(...events),
      fc.oneof(
        words.map((said) => JSON.stringify(said) ?? ''),
        VALUE_TEXT,
        fc.string(),
      ),
    )
    .map(([event, data]): Frame => (event === undefined ? { data } : { event, data }))
  const FRAMES = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...real) }, { weight: 3, arbitrary: spoilt }, made), {
    maxLength: 12,
  })

  it('never throw, keep the grammar, and end exactly once', () => {
    holds(
      fc.property(FRAMES, (frames) => {
        expect(grammarFault(eventsOf(dialect, frames))).toBeNull()
        for (const frame of frames) {
          dialect.worthReading(frame.data)
          dialect.isUsageOnly(frame)
        }
      }),
      700,
    )
  })

  it('throw nothing but GatewayError for whole answers', () => {
    const wholes = recordingsOf(id).flatMap(({ answer }) => ('json' in answer ? [answer.json] : []))
    const said = sayings(wordsIn(wholes))
    const ANSWER = fc.oneof(
      fc
        .tuple(fc.constantFrom(...wholes), fc.array(fc.nat(9), { maxLength: 6 }), said)
        .map((args) => JSON.stringify(grafted(...args)) ?? ''),
      said.map((value) => JSON.stringify(value) ?? ''),
      VALUE_TEXT,
      fc.string(),
    )
    holds(
      fc.property(ANSWER, fc.constantFrom(200, 400, 429, 500), (text, status) => {
        for (const call of [() => dialect.read(text), () => dialect.readUsage(text), () => dialect.readError(status, new Headers(), text)])
          onlyGatewayErrors(call)
      }),
      700,
    )
  })
})

describe.each(CLIENT_DIALECTS.map((dialect) => ({ id: dialect.id, dialect })))('the client half of $id', ({ id, dialect }) => {
  it('throws nothing but GatewayError for any body in its words, whoever it is written to', () => {
    const requests = recordingsOf(id).flatMap(({ request }) => (request === null ? [] : [request]))
    const said = sayings(wordsIn(requests))
    const BODY = fc
      .tuple(fc.constantFrom(...requests), fc.array(fc.nat(9), { minLength: 1, maxLength: 7 }), said)
      .map((args) => JSON.stringify(grafted(...args)))
    holds(
      fc.property(BODY, (text) => {
        onlyGatewayErrors(() => {
          const body = new Body(new TextEncoder().encode(text))
          const path = id === 'gemini' ? '/v1beta/models/a/b:generateContent' : (dialect.paths[0] ?? '')
          dialect.intent({ path, query: new URLSearchParams(), headers: new Headers(), body, nowSeconds: 0 })
          const request = dialect.read(body)
          for (const upstream of UPSTREAM_DIALECTS)
            onlyGatewayErrors(() => JSON.parse(upstream.write(request, intentFor(false), ordersFor('nobody')).text))
        })
      }),
      500,
    )
  })
})

function onlyGatewayErrors(call: () => unknown): void {
  try {
    call()
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
  }
}
