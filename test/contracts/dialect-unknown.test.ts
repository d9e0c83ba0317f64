// The contract on what no language knows yet: members, events and parts that a provider or a client has newly learnt survive or are reported, and harm nothing. Names no dialect.

import { describe, expect, it } from 'vitest'
import { collect } from '../../src/core/collect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { Frame } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/dialects/index.ts'
import { answerText, recordingsOf } from '../support/recordings.ts'
import { askingOf } from './dialect-asking.ts'
import { grammarFault } from './dialect-grammar.ts'
import { eventsOf, framesOf, incoming, issuerOf, ordersFor, streamBytes } from './dialect-play.ts'

const NEW = 'x_learnt_tomorrow'
const MARK = 'a value that nobody knows'
/** Whose members are data of the client's or the model's own, where a new one would be no member of the language. */
const DATA = new Set([
  'input',
  'args',
  'arguments',
  'partialArgs',
  'parameters',
  'schema',
  'raw',
  'logprobs',
  'grounding',
  'groundingMetadata',
  'logprobsResult',
])

type Data = { readonly [name: string]: unknown }

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value with a new member in each of its objects that the language itself shapes. */
function withNew(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNew)
  if (!isData(value)) return value
  const members = Object.entries(value).map(([name, member]) => [name, DATA.has(name) ? member : withNew(member)] as const)
  return { ...Object.fromEntries(members), [NEW]: { mark: MARK } }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a reply says, without members that are kept for their own language only. */
function said(events: ReturnType<typeof eventsOf>): unknown {
  const { extras: _, parts, ...rest } = collect(events)
  return {
    ...rest,
    parts: parts.map((part) =>
      part.kind === 'native' ? part.kind : 'citations' in part ? { ...part, citations: part.citations?.length } : part,
    ),
  }
}

describe.each(UPSTREAM_DIALECTS.map((dialect) => ({ id: dialect.id, dialect })))('upstream dialect $id', ({ id, dialect }) => {
  const good = recordingsOf(id).filter(({ status, features }) => status < 400 && !features.includes('error_in_stream'))
  const streams = good.filter(({ streaming }) => streaming)
  const wholes = good.filter(({ streaming }) => !streaming)

  it.each(streams)('reads the same reply of $id when its objects have members that are new', (recording) => {
    const frames = framesOf([streamBytes(recording)])
    const printed = (change: (value: unknown) => unknown): readonly Frame[] =>
      frames.map((frame) => {
        const value = parsed(frame.data)
        return isData(value) ? { ...frame, data: JSON.stringify(change(value)) } : frame
      })
    expect(said(eventsOf(dialect, printed(withNew)))).toEqual(
      said(
        eventsOf(
          dialect,
          printed((value) => value),
        ),
      ),
    )
  })

  it.each(streams)('reads the same reply of $id when events come between that are new', (recording) => {
    const frames = framesOf([streamBytes(recording)])
    const unknown: Frame = { event: NEW, data: JSON.stringify({ type: NEW, [NEW]: MARK }) }
    // Behind the first: nothing may come before the start.
    const [first, ...rest] = frames
    const mixed = first === undefined ? [] : [first, ...rest.flatMap((frame) => [unknown, frame])]
    const events = eventsOf(dialect, mixed)
    expect(grammarFault(events)).toBeNull()
    expect(said(events)).toEqual(said(eventsOf(dialect, frames)))
  })

  it.each(wholes)('reads the same answer of $id when its objects have members that are new', (recording) => {
    const text = answerText(recording)
    const value = parsed(text)
    const { extras: _, parts, ...rest } = dialect.read(JSON.stringify(withNew(value)))
    const { extras: __, parts: partsBefore, ...before } = dialect.read(JSON.stringify(value))
    expect(rest).toEqual(before)
    expect(parts.map(({ kind }) => kind)).toEqual(partsBefore.map(({ kind }) => kind))
  })
})

describe.each(CLIENT_DIALECTS.map((dialect) => ({ id: dialect.id, dialect })))('client dialect $id', ({ id, dialect }) => {
  const asking = askingOf(id, dialect.paths[0] ?? '')
  const requests = recordingsOf(id).flatMap(({ id: name, request, status }) =>
    request === null || status >= 400 || asking.choices(request) > 1 || (asking.namesModel && request['model'] === undefined)
      ? []
      : [{ name, request }],
  )

  /** Where the new thing got to: every upstream must say it or name it. `null`: the body is refused with a 400. */
  const lostAt = (body: Data): readonly string[] | null => {
    try {
      const asked = incoming(asking.path, JSON.stringify(body))
      const intent = dialect.intent(asked)
      const request = dialect.read(asked.body)
      return UPSTREAM_DIALECTS.filter(({ promptsOnly }) => promptsOnly !== true)
        .filter((upstream) => {
          const { text, dropped, approximated } = upstream.write(request, intent, ordersFor(issuerOf(request)))
          const named = [...dropped, ...approximated]
          return !text.includes(MARK) && !named.some((name) => name.includes(NEW) || /^tools(\[\d+\])?$/.test(name))
        })
        .map((upstream) => upstream.id)
    } catch (error) {
      if (error instanceof GatewayError && error.rule.status === 400) return null
      throw error
    }
  }

  it.each(requests)('passes on or names a new member of $name, whoever it is written to', ({ request }) => {
    expect(lostAt({ ...request, [NEW]: { mark: MARK } }) ?? []).toEqual([])
  })

  it.each(requests.slice(0, 20))('passes on or names a new kind of tool in $name, whoever it is written to', ({ request }) => {
    const tools = [request['tools'] ?? []].flat()
    expect(
      lostAt({ ...request, tools: [...tools, id === 'gemini' ? { [NEW]: { mark: MARK } } : { type: NEW, mark: MARK }] }) ?? [],
    ).toEqual([])
  })

  it('takes most of these requests, so that the two above are no empty words', () => {
    const taken = requests.filter(({ request }) => lostAt({ ...request, [NEW]: { mark: MARK } }) !== null)
    expect(taken.length).toBeGreaterThan(requests.length * 0.6)
  })
})
