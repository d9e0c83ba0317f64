// The contract of every client dialect's requests: bytes that pass untouched, reading that loses nothing, and reading of spoilt bodies. Names no dialect.

import { describe, expect, it } from 'vitest'
import type { ChatRequest } from '../../src/core/canonical.ts'
import { withBreakpoints } from '../../src/core/auto-cache.ts'
import { Body } from '../../src/core/body.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { Edits } from '../../src/core/json-splice.ts'
import type { ClientDialect, Orders, UpstreamDialect } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/dialects/index.ts'
import { chance, oneOf, whole } from '../support/chance.ts'
import { mutated } from '../support/mutate.ts'
import { oddJson, rawMembers } from '../support/odd-json.ts'
import { recordingsOf, shapeOf } from '../support/recordings.ts'
import { askingOf } from './dialect-asking.ts'
import { incoming, intentFor, issuerOf, ordersFor } from './dialect-play.ts'

const SPOILT_BODIES = 3000
/** What the client languages call the wish for reasoning. */
const REASONING_MEMBERS = ['reasoning_effort', 'reasoning.effort', 'thinking', 'generationConfig.thinkingConfig', 'reasoning']
/** Members that some models of a language refuse though the language has a word for them. */
const MODEL_MAY_REFUSE: ReadonlySet<string> = new Set(['reasoning', 'temperature', 'topP', 'topK'])
/** Stands in a body for a number that no JavaScript value prints as. */
const CEILING = 41_414_143
const encoder = new TextEncoder()
const decoder = new TextDecoder()

describe.each(CLIENT_DIALECTS.map((dialect) => ({ id: dialect.id, dialect })))('requests of client dialect $id', ({ id, dialect }) => {
  const asking = askingOf(id, dialect.paths[0] ?? '')
  const requests = recordingsOf(id)
    .flatMap((recording) => {
      const { id: name, request, status } = recording
      // A stored prompt may name the model itself; such a request cannot be routed.
      if (request === null || (asking.namesModel && request['model'] === undefined)) return []
      const [path, model, stream] = [asking.pathOf(recording), String(asking.model(recording)), asking.isStream(recording)]
      return [{ name, request, status, path, model, stream }]
    })
    // What a dialect says that it cannot do yet is not held against it; nor is what its provider refused too.
    .filter(({ request, path, status }) => {
      const refused = refusalOf(() => dialect.intent(incoming(path, JSON.stringify(request))))
      return refused !== 'request-unsupported' && !(refused === 'request-malformed' && status >= 400)
    })
  /** Requests that can be translated: the provider took them, they ask for one answer, and they lean on nothing kept at the provider. */
  const readable = requests.filter(({ request, status }) => status < 400 && asking.choices(request) === 1 && !asking.leans(request))
  const own = UPSTREAM_DIALECTS.find((upstream) => upstream.id === shapeOf(id))
  /** Whom its requests may be written to. */
  const others = UPSTREAM_DIALECTS.filter((upstream) => upstream.promptsOnly !== true || upstream === own)

  it('has recorded requests to be held against', () => {
    expect(requests.length).toBeGreaterThan(10)
  })

  it.each(requests)('knows model, stream and ceiling of $name by a scan', ({ name, request, path, model, stream }) => {
    const intent = dialect.intent(incoming(path, oddJson(request, name)))
    expect(intent.model).toBe(model)
    expect(intent.stream).toBe(stream)
    expect(intent.maxOutputTokens).toBe(asking.ceiling(request))
    expect(intent.needs.has('tools')).toBe([request['tools'] ?? []].flat().length > 0)
  })

  it.each(requests)('passes $name on byte for byte outside the members it edits', ({ name, request, path }) => {
    if (own === undefined) throw new Error(`No provider speaks ${id}.`)
    const text = oddJson({ ...request, '10': 1, '9': { b: 1, a: [] } }, name).replace(/\}$/, ', "big": 12345678901234567890, "one" : 1.0 }')
    for (const maxOutputTokens of [null, 77]) {
      const { body, ...rest } = incoming(path, text)
      const edits = own.edits(dialect.intent({ ...rest, body }), { ...ordersFor('nobody'), maxOutputTokens }, (at) => body.member(at))
      const sent = decoder.decode(Buffer.concat(body.spliced(edits)))
      const roots = new Set<string>(edits.map((edit) => edit.path[0]))
      expect(outside(sent, roots)).toEqual(outside(text, roots))
      expect(JSON.parse(sent)).toEqual(edited(JSON.parse(text), edits))
      if (asking.namesModel) expect(JSON.parse(sent)).toMatchObject({ model: 'ordered-model' })
    }
  })

  it.each(readable)('reads $name back the same after its own dialect has written it', ({ name, request, path, model }) => {
    if (own === undefined) throw new Error(`No provider speaks ${id}.`)
    const { body, ...rest } = incoming(path, oddJson(request, name))
    const read = dialect.read(body)
    // To the model it was recorded with: what may be said to a model depends on the model.
    const written = own.write(read, dialect.intent({ ...rest, body }), {
      ...orders(read),
      model: asking.namesModel ? model : model.slice(model.indexOf('/') + 1),
    })
    const again = dialect.read(new Body(encoder.encode(written.text)))
    if (asking.namesModel) expect(JSON.parse(written.text)).toMatchObject({ model })
    // What a model of the language does not take may be left out, but only when it is said.
    const reported = [...written.dropped, ...written.approximated]
    expect(reported.filter((said) => !MODEL_MAY_REFUSE.has(said) && !/[.[]/.test(said))).toEqual([])
    // The wish to cache is written as marks.
    expect(without(again, reported)).toEqual(without(withBreakpoints(read, { tools: true, turns: true }), reported))
  })

  it.each(others.map((upstream) => ({ to: upstream.id, upstream })))(
    'writes every recorded request to $to as JSON for the ordered model',
    ({ to, upstream }) => {
      for (const { name, request, path } of readable) {
        const { body, ...rest } = incoming(path, oddJson(request, name))
        const read = dialect.read(body)
        const written = upstream.write(read, dialect.intent({ ...rest, body }), orders(read))
        expect(typeof JSON.parse(written.text), `${name} to ${to}`).toBe('object')
        const reported = [...written.dropped, ...written.approximated]
        for (const [i, tool] of read.tools.entries())
          if (tool.kind === 'function' && !reported.some((said) => said.startsWith(`tools[${i}].schema`)))
            expect(written.text, `${name} to ${to}`).toContain(tool.schema)
      }
    },
  )

  it.each(others.map((upstream) => ({ to: upstream.id, upstream })))(
    'obeys the ordered ceiling when it is written to $to',
    ({ upstream }) => {
      for (const { name, request, path } of readable) {
        const { body, ...rest } = incoming(path, oddJson(request, name))
        const read = dialect.read(body)
        const written = upstream.write(read, dialect.intent({ ...rest, body }), { ...orders(read), maxOutputTokens: 1234567 })
        expect(written.text, name).toContain('1234567')
      }
    },
  )

  it.each(requests.filter(({ request }) => asking.choices(request) > 1))(
    'counts the answers $name asks for, and refuses to translate more than one',
    ({ name, request, path }) => {
      const { body, ...rest } = incoming(path, oddJson(request, name))
      expect(dialect.intent({ ...rest, body }).choices).toBe(asking.choices(request))
      expect(() => dialect.read(body)).toThrow(expect.objectContaining({ name: 'GatewayError', code: 'request-unsupported' }))
    },
  )

  it.each(requests.filter(({ request }) => asking.leans(request) && asking.choices(request) === 1))(
    'refuses to translate $name, which leans on what its provider keeps',
    ({ name, request }) => {
      const { body } = incoming(asking.path, oddJson(request, name))
      expect(() => dialect.read(body)).toThrow(expect.objectContaining({ name: 'GatewayError', code: 'request-unsupported' }))
    },
  )

  it('throws nothing but GatewayError for bodies that are spoilt, whoever they are written to', () => {
    const random = chance(`bodies ${id}`)
    const bad = new Map<string, string>()
    for (let i = 0; i < SPOILT_BODIES; i++) {
      const { request } = oneOf(random, requests)
      const printed = JSON.stringify(mutated(request, random))
      const text = random() < 0.03 ? printed.slice(0, whole(random, printed.length)) : printed
      const error = faultOf(() => tryAll(dialect, asking.path, text))
      if (error !== null) bad.set(error, text.slice(0, 400))
    }
    expect([...bad].slice(0, 5)).toEqual([])
  })

  it.each([
    '',
    ' ',
    'null',
    '[]',
    '7',
    '"x"',
    '{',
    '{"model":"m"',
    '{"model":"a","model":"b"}',
    '{"model":"a","mod\\u0065l":"b"}',
    '{}',
    '\u0000',
  ])('refuses the body %j as malformed', (text) => {
    expect(() => {
      const { body, ...rest } = incoming(asking.path, text)
      dialect.intent({ ...rest, body })
      dialect.read(body)
    }).toThrow(expect.objectContaining({ name: 'GatewayError', code: 'request-malformed' }))
  })

  // Zero passes: clients send it and providers take it (recorded at Ollama with 200).
  it.each([-1, 1.5, '7', true, -1e308, [], {}])('refuses the ceiling %j as malformed', (ceiling) => {
    const { name, request } = first(requests)
    const text = oddJson(asking.withCeiling(request, ceiling), name)
    expect(() => dialect.intent(incoming(asking.path, text))).toThrow(
      expect.objectContaining({ name: 'GatewayError', code: 'request-malformed' }),
    )
  })

  it.each(['1e15', '9007199254740993', '1e308', '99999999999999999999999999'])(
    'refuses the ceiling %s or counts with a whole number',
    (ceiling) => {
      const { name, request } = first(requests)
      const text = oddJson(asking.withCeiling(request, CEILING), name).replace(String(CEILING), ceiling)
      let said: number | null
      try {
        said = dialect.intent(incoming(asking.path, text)).maxOutputTokens
      } catch (error) {
        return expect(error).toMatchObject({ name: 'GatewayError', code: 'request-malformed' })
      }
      expect(Number.isSafeInteger(said)).toBe(true)
    },
  )

  it('names canonical members as its clients know them', () => {
    expect(REASONING_MEMBERS, id).toContain(dialect.names['reasoning'])
    for (const name of ['replyFormat', 'toolChoice', 'endUserId']) expect([undefined, name], name).not.toContain(dialect.names[name])
  })
})

/** Intent, reading, and writing to everybody: as far as the gateway goes with a body before it sends anything. */
function tryAll(dialect: ClientDialect, path: string, text: string): void {
  const { body, ...rest } = incoming(path, text)
  const intent = dialect.intent({ ...rest, body })
  const request = dialect.read(body)
  for (const upstream of UPSTREAM_DIALECTS) {
    for (const edit of upstream.edits(intent, ordersFor('nobody'), (at) => body.member(at))) if (edit.json !== null) JSON.parse(edit.json)
    JSON.parse(written(upstream, request))
  }
}

function written(upstream: UpstreamDialect, request: ChatRequest): string {
  return upstream.write(request, intentFor(true), orders(request)).text
}

function refusalOf(call: () => void): string | null {
  try {
    call()
  } catch (error) {
    if (error instanceof GatewayError) return error.code
  }
  return null
}

function faultOf(call: () => void): string | null {
  try {
    call()
    return null
  } catch (error) {
    if (error instanceof GatewayError) return null
    const at = error instanceof Error ? (error.stack?.split('\n').find((line) => line.includes('/src/')) ?? '').trim() : ''
    return `${String(error).slice(0, 100)} ${at}`
  }
}

function orders(request: ChatRequest): Orders {
  return ordersFor(issuerOf(request))
}

function outside(text: string, roots: ReadonlySet<string>): readonly (readonly [string, string])[] {
  return rawMembers(text).filter(([name]) => !roots.has(name))
}

/** The edits carried out on data: what the spliced text must say. */
function edited(value: { [name: string]: unknown }, edits: Edits): unknown {
  for (const { path, json } of edits) {
    let at = value
    for (const step of path.slice(0, -1)) {
      const next = at[step]
      if (json === null && (typeof next !== 'object' || next === null)) break
      if (typeof next !== 'object' || next === null || Array.isArray(next)) at[step] = {}
      at = at[step] as { [name: string]: unknown }
    }
    const last = path.at(-1) ?? ''
    if (json === null) delete at[last]
    else at[last] = JSON.parse(json)
  }
  return value
}

/** A request without the members reported (of tools and turns all, where one is reported), and without where its turns stood: turns may be joined or parted on the way. */
function without(request: ChatRequest, reported: readonly string[]): unknown {
  const gone = (name: string): boolean => reported.some((said) => said === name || said.startsWith(`${name}[`))
  const members = Object.entries(request).filter(([name]) => !gone(name))
  const sampling = Object.entries(request.sampling).filter(([name]) => !gone(name))
  const fields = Object.entries(request.extras.fields).filter(([name]) => !reported.includes(name))
  const turns = reported.some((said) => /^(messages|system|input|instructions)\b/.test(said))
    ? []
    : request.turns.map(({ role, parts }) => ({ role, parts }))
  return { ...Object.fromEntries(members), extras: Object.fromEntries(fields), sampling: Object.fromEntries(sampling), turns }
}

function first<T>(list: readonly T[]): T {
  const found = list[0]
  if (found === undefined) throw new Error('The list is empty.')
  return found
}
