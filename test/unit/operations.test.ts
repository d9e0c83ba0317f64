// What the languages beside chat hold and book: searches, prompts, ceilings that nobody may put there, vectors as bytes.

import { describe, expect, it } from 'vitest'
import { Body } from '../../src/core/body.ts'
import { costNanoUsd } from '../../src/core/price.ts'
import { lookUp } from '../../src/catalogue/index.ts'
import { openaiCompletionsClient } from '../../src/dialects/openai-completions/client.ts'
import { openaiModerationsClient } from '../../src/operations/openai-moderations.ts'
import { base64Of, floatsOf } from '../../src/operations/reading.ts'
import { rerankClient, rerankUpstream } from '../../src/operations/rerank.ts'
import { incoming } from '../contracts/dialect-play.ts'

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
