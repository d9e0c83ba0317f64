// What the languages beside chat hold and book: searches, prompts, ceilings that nobody may put there, vectors as bytes.

import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import { costNanoUsd } from '../../src/core/price.ts'
import { lookUp } from '../../src/catalogue/index.ts'
import { openaiCompletionsClient } from '../../src/dialects/openai-completions/client.ts'
import { ANTHROPIC_COUNT, COUNTING_CLIENTS, COUNTING_UPSTREAMS } from '../../src/operations/counters.ts'
import { openaiModerationsClient } from '../../src/operations/openai-moderations.ts'
import { base64Of, floatsOf } from '../../src/operations/reading.ts'
import { rerankClient, rerankUpstream } from '../../src/operations/rerank.ts'
import { incoming, ordersFor } from '../contracts/dialect-play.ts'
import { SERVED } from '../support/served.ts'

function asked(path: string, value: object) {
  const { body, ...rest } = incoming(path, JSON.stringify(value))
  return { ...rest, body, json: body satisfies Body, form: null }
}

describe('reranking', () => {
  const documents = (count: number, text: string) => Array.from({ length: count }, () => text)
  const intent = (count: number, text: string) =>
    rerankClient.intent(asked('/v1/rerank', { model: 'm', query: 'q', documents: documents(count, text) }))

  it('holds a search for each hundred documents, and long ones as several', () => {
    expect(intent(100, 'short').units).toEqual({ searches: 1 })
    expect(intent(101, 'short').units).toEqual({ searches: 2 })
    expect(intent(100, 'x'.repeat(100_000)).units).toEqual({ searches: 9 })
    expect(intent(100, 'x'.repeat(100_000)).likelyUnits).toEqual({ searches: 1 })
  })

  it('books the searches that are told, at the price of one', () => {
    const usage = rerankUpstream.readUsage('{"results":[],"meta":{"billed_units":{"search_units":3}}}', intent(1, 'x'))
    const price = lookUp('cohere', 'rerank-v3.5')?.price
    if (usage === null || price == null) throw new Error('Nothing is told.')
    expect(costNanoUsd(usage, price)).toBe(6_000_000)
  })

  it('books what is likely where only tokens are told', () => {
    expect(rerankUpstream.readUsage('{"results":[],"usage":{"total_tokens":7}}', intent(1, 'x'))).toMatchObject({
      input: 7,
      units: { searches: 1 },
    })
    expect(rerankUpstream.readUsage('{"results":[]}', intent(1, 'x'))).toBeNull()
  })
})

describe('a ranking told to a client', () => {
  const told = (answer: string): unknown => {
    const response = rerankUpstream.read(answer)
    return JSON.parse(rerankClient.write?.(response, rerankClient.intent(asked('/v1/rerank', ASKED)), SERVED) ?? '{}')
  }
  const ASKED = { model: 'm', query: 'q', documents: ['d'] }

  it('has the searches or the tokens that were told, and no zero for what was not', () => {
    const searched = told('{"results":[],"meta":{"billed_units":{"search_units":3}}}')
    expect(searched).toMatchObject({ meta: { billed_units: { search_units: 3 } } })
    expect(searched).not.toHaveProperty('usage')
    expect(told('{"results":[],"usage":{"total_tokens":7}}')).toMatchObject({ usage: { total_tokens: 7 } })
  })
})

describe('a count of tokens', () => {
  it('names no ceiling as put there: the call has none', () => {
    const client = COUNTING_CLIENTS.find(({ id }) => id === ANTHROPIC_COUNT)
    const upstream = COUNTING_UPSTREAMS.find(({ id }) => id === ANTHROPIC_COUNT)
    const incoming = asked('/v1/messages/count_tokens', { model: 'm', messages: [{ role: 'user', content: 'Hi' }] })
    if (client?.read === undefined || upstream?.write === undefined) throw new Error('Nobody counts.')
    const written = upstream.write(client.read(incoming.json), ordersFor('anthropic'), client.intent(incoming))
    expect(written).toMatchObject({ dropped: [], approximated: [] })
    expect(JSON.parse(written.text)).not.toHaveProperty('max_tokens')
  })
})

describe('old completions', () => {
  const intent = (value: object) => openaiCompletionsClient.intent(asked('/v1/completions', { model: 'm', ...value }))

  it('counts every answer that is billed', () => {
    expect(intent({ prompt: 'a' }).choices).toBe(1)
    expect(intent({ prompt: [1, 2, 3] }).choices).toBe(1)
    expect(intent({ prompt: ['a', 'b'], n: 2 }).choices).toBe(4)
    expect(intent({ prompt: [[1], [2], [3]], n: 1, best_of: 5 }).choices).toBe(15)
  })

  it('holds nothing for a prompt that is only told back, and puts no ceiling there', () => {
    expect(intent({ prompt: 'a', echo: true, max_tokens: 0 })).toMatchObject({ maxOutputTokens: 0, isCeilingFixed: true })
    expect(intent({ prompt: 'a', max_tokens: 0 })).toMatchObject({ maxOutputTokens: null })
    expect(intent({ prompt: 'a', max_tokens: 0 }).isCeilingFixed).toBeUndefined()
  })
})

it('asks for OpenAI’s own moderation where no model is named', () => {
  expect(openaiModerationsClient.intent(asked('/v1/moderations', { input: 'x' })).model).toBe('omni-moderation-latest')
})

it('writes vectors as OpenAI does, float32 from the low byte up', () => {
  expect(base64Of([1, -2])).toBe('AACAPwAAAMA=')
  expect(floatsOf('AACAPwAAAMA=')).toEqual([1, -2])
  expect(floatsOf('AAA=')).toBeNull()
  expect(floatsOf('§')).toBeNull()
})
