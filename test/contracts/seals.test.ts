// A conversation with tools and signed reasoning that is led at one place, goes on at another and comes back: nothing that a place
// would refuse reaches it, and signatures only go home. Every client language that carries reasoning, every pair of places.

import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import type { JsonObject } from '../../src/core/canonical.ts'
import type { ClientDialect, UpstreamDialect } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, upstreamDialect } from '../../src/dialects/index.ts'
import { at, CLIENTS, list, PLACES, text, type Client, type Place } from './seals-cast.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const served = { requestId: 'gen-1', provider: { id: 'p', name: 'P' }, model: 'm', costNanoUsd: () => null }

function dialectOf(id: string): ClientDialect {
  const found = CLIENT_DIALECTS.find((one) => one.id === id)
  if (found === undefined) throw new Error(id)
  return found
}

/** What reaches the place. */
function sent(client: Client, place: Place, request: JsonObject): JsonObject {
  const dialect = dialectOf(client.id)
  const upstream: UpstreamDialect = upstreamDialect(place.upstream)
  const body = new Body(encoder.encode(JSON.stringify(request)))
  const intent = dialect.intent({ path: client.path, query: new URLSearchParams(), headers: new Headers(), body, nowSeconds: 0 })
  const orders = { model: place.model, maxOutputTokens: null, habits: { issuer: place.issuer } }
  if (client.id !== place.upstream) return JSON.parse(upstream.write(dialect.read(body), intent, orders).text) as JsonObject
  const foreign = upstream.withoutForeignSeals?.(body, orders)
  const edits = [...upstream.edits(intent, orders, (path) => body.member(path)), ...(foreign?.edits ?? [])]
  return JSON.parse(decoder.decode(Buffer.concat(body.spliced(edits)))) as JsonObject
}

/** What the client gets: the place's own bytes in its own language. */
function told(client: Client, place: Place, n: number, request: JsonObject): JsonObject {
  const answer = JSON.stringify(place.answer(n))
  if (client.id === place.upstream) return JSON.parse(answer) as JsonObject
  const dialect = dialectOf(client.id)
  const body = new Body(encoder.encode(JSON.stringify(request)))
  const intent = dialect.intent({ path: client.path, query: new URLSearchParams(), headers: new Headers(), body, nowSeconds: 0 })
  return JSON.parse(dialect.write(upstreamDialect(place.upstream).read(answer), intent, served)) as JsonObject
}

const OF_CLAUDE = /^SIG-(OF-ANTHROPIC|BY-BEDROCK)-\d+$/

/** What a place refuses, by its own rules. */
const REFUSED: { readonly [upstream: string]: (body: JsonObject) => readonly string[] } = {
  'openai-responses': ({ input }) =>
    list(input).flatMap((item, i) => {
      if (at(item, 'type') !== 'reasoning') return []
      // Nothing is kept at the provider: an item must bring its own seal, under its own id.
      const isOwn = /^ENC-OF-OPENAI-\d+$/.test(text(at(item, 'encrypted_content'))) && /^rs_a\d+$/.test(text(at(item, 'id') ?? 'rs_a0'))
      return isOwn ? [] : [`input[${i}] is no reasoning of OpenAI's: ${JSON.stringify(item)}`]
    }),
  'anthropic-messages': ({ messages, thinking }) => {
    const said = list(messages)
    const last = said.findLast((message) => at(message, 'role') === 'assistant')
    return [
      ...said.flatMap((message, i) =>
        at(message, 'role') !== 'assistant'
          ? []
          : list(at(message, 'content')).flatMap((block) =>
              at(block, 'type') === 'thinking' && !OF_CLAUDE.test(text(at(block, 'signature')))
                ? [`messages[${i}]: ${JSON.stringify(block)}`]
                : [],
            ),
      ),
      ...said.flatMap((message, i) => (at(message, 'content', 'length') === 0 ? [`messages[${i}] is empty`] : [])),
      ...(at(thinking, 'type') === 'enabled' && said.length > 1 && at(last, 'content', 0, 'type') !== 'thinking'
        ? ['thinking with a call that has none before it']
        : []),
    ]
  },
  gemini: ({ contents }) =>
    list(contents).flatMap((content, i) => {
      const parts = list(at(content, 'parts'))
      const foreign = parts.filter((part) => {
        const signature = at(part, 'thoughtSignature')
        return signature !== undefined && signature !== 'skip_thought_signature_validator' && !/^SIG-OF-GOOGLE-\d+$/.test(text(signature))
      })
      const call = at(content, 'role') === 'model' ? parts.find((part) => at(part, 'functionCall') !== undefined) : undefined
      const isUnsigned = call !== undefined && at(call, 'thoughtSignature') === undefined
      return [...foreign.map((part) => JSON.stringify(part)), ...(isUnsigned ? [`contents[${i}]: the first call is not signed`] : [])]
    }),
  'bedrock-converse': ({ messages }) =>
    list(messages).flatMap((message) =>
      list(at(message, 'content')).flatMap((block) => {
        const signature = at(block, 'reasoningContent', 'reasoningText', 'signature')
        return signature === undefined || OF_CLAUDE.test(text(signature)) ? [] : [JSON.stringify(block)]
      }),
    ),
}

const pairs = CLIENTS.flatMap((client) => PLACES.flatMap((first) => PLACES.map((second) => ({ client, first, second }))))

describe('a conversation with tools and signed reasoning', () => {
  it.each(pairs.map((pair) => ({ ...pair, name: `${pair.client.id}: ${pair.first.upstream}, ${pair.second.upstream}, and back` })))(
    '$name',
    ({ client, first, second }) => {
      const one = client.start()
      const two = client.next(one, told(client, first, 1, one))
      const three = client.next(two, told(client, second, 2, two))
      for (const [place, request] of [
        [first, one],
        [second, two],
        [first, three],
      ] as const) {
        const body = sent(client, place, request)
        expect(REFUSED[place.upstream]?.(body)).toEqual([])
        const bytes = JSON.stringify(body)
        expect(bytes).not.toContain('sluice:')
        for (const other of PLACES) if (other.issuer !== place.issuer) expect(bytes).not.toContain(other.seal)
      }
      // Home again, with all that was said in between.
      const back = JSON.stringify(sent(client, first, three))
      expect(back.match(/seen/g)).toHaveLength(2)
      // Gemini's language has room for Google's signatures alone.
      if (client.id !== 'gemini' || first.issuer === 'google') expect(back).toContain(`${first.seal}-1`)
    },
  )
})

describe('what is taken out of a forwarded conversation', () => {
  it('is named, and its words stay', () => {
    const [client] = CLIENTS
    const anthropic = PLACES.find(({ issuer }) => issuer === 'anthropic')
    if (client === undefined || anthropic === undefined) throw new Error('no such client or place')
    const start = client.start()
    const body = new Body(encoder.encode(JSON.stringify(client.next(start, told(client, anthropic, 1, start)))))
    const orders = { model: 'm', maxOutputTokens: null, habits: { issuer: 'openai' } }
    const foreign = upstreamDialect('openai-responses').withoutForeignSeals?.(body, orders)
    expect(foreign).toMatchObject({ dropped: ['input[1].reasoning.signature'], approximated: ['input[1].reasoning'] })
    expect(foreign?.edits[0]?.json).toContain('claude thought 1')
  })

  it('is an item of ours without a seal too: its id is nobody’s', () => {
    const client = dialectOf('openai-responses')
    const start = CLIENTS[0]?.start() ?? {}
    const body = new Body(encoder.encode(JSON.stringify(start)))
    const intent = client.intent({ path: '/v1/responses', query: new URLSearchParams(), headers: new Headers(), body, nowSeconds: 0 })
    const parts = [
      { kind: 'reasoning', text: 'unsealed thought' },
      { kind: 'text', text: 'Hi' },
    ] as const
    const extras = { dialect: 'x', fields: {} }
    const finish = { reason: 'stop', native: null } as const
    const answer = JSON.parse(client.write({ id: 'r', model: 'm', parts, finish, usage: null, extras }, intent, served)) as JsonObject
    const next = new Body(encoder.encode(JSON.stringify({ ...start, input: answer['output'] })))
    const orders = { model: 'm', maxOutputTokens: null, habits: { issuer: 'openai' } }
    const json = upstreamDialect('openai-responses').withoutForeignSeals?.(next, orders)?.edits[0]?.json ?? ''
    expect(JSON.parse(json)[0]).toEqual({ role: 'assistant', content: '<thinking>\nunsealed thought\n</thinking>\n' })
    expect(JSON.parse(json)[1]).toEqual(list(answer['output'])[1])
  })

  it.each([
    ['openai-responses', { model: 'm', input: [{ type: 'reasoning', id: 'rs_0123', encrypted_content: 'gAAAA', summary: [] }] }],
    [
      'anthropic-messages',
      { model: 'm', messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 'Erq' }] }] },
    ],
    ['openai-responses', { model: 'm', input: 'say "sluice:"' }],
  ])('is nothing in %s where every seal is the place’s own', (id, request) => {
    const orders = { model: 'm', maxOutputTokens: null, habits: { issuer: id === 'openai-responses' ? 'openai' : 'anthropic' } }
    expect(upstreamDialect(id).withoutForeignSeals?.(new Body(encoder.encode(JSON.stringify(request))), orders)).toBeNull()
  })
})
