// A model that ends: what its answers say of it, and what a client hears once it is gone.

import { describe, expect, it } from 'vitest'
import { createCatalogue, type Catalogue } from '../../src/catalogue/index.ts'
import { parseOverlay } from '../../src/catalogue/overlay.ts'
import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { anthropic } from '../../src/providers/anthropic.ts'
import { groq } from '../../src/providers/groq.ts'
import { retirementOf } from '../../src/gateway/planning/retirement.ts'
import { fakeGateway, type FakeGateway } from '../support/fake-gateway.ts'

const DAY_MS = 86_400_000
const day = (inDays: number): string => new Date(Date.now() + inDays * DAY_MS).toISOString().slice(0, 10)
const http = (date: string): string => new Date(`${date}T00:00:00Z`).toUTCString()

/** `old-model-1` ends after so many days; `old-model-2` goes on. */
function catalogueWith(ends: string): Catalogue {
  const model = (more: object): object => ({ mode: 'chat', contextTokens: 1000, maxOutputTokens: 100, abilities: [], ...more })
  const models = Object.fromEntries(
    ['groq', 'anthropic'].flatMap((provider) => [
      [`${provider}/old-model-1`, model({ releasedOn: '2024-01-01', deprecatedOn: ends, deprecatedSince: '2026-01-01' })],
      [`${provider}/old-model-2`, model({ releasedOn: '2025-01-01' })],
      [`${provider}/lonely-model`, model({ releasedOn: '2025-01-01', deprecatedOn: ends })],
    ]),
  )
  return createCatalogue(parseOverlay(JSON.stringify({ version: 'test', models })))
}

const ANSWER = {
  id: 'c',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
}
const SETTINGS = { secrets: { GROQ_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' }, baseUrl: 'https://place.invalid', region: null }
const at = (catalogue: Catalogue, answer: () => Response, provider = groq): FakeGateway =>
  fakeGateway(provider, SETTINGS, answer, {}, { catalogue: () => Promise.resolve(catalogue) })
const ask = (gateway: FakeGateway, model: string): Promise<Response> =>
  gateway.ask(openaiChatClient, '/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hi' }] })
const told = ({ headers }: Response): readonly (string | null)[] =>
  ['deprecation', 'sunset', 'x-sluice-substitute'].map((name) => headers.get(name))
const gone = (): Response =>
  Response.json({ error: { message: 'The model does not exist.', type: 'x', code: 'model_not_found' } }, { status: 404 })

describe('a model that is about to end', () => {
  it('says so in its answers, with the day and what may take its place', async () => {
    const ends = day(30)
    const catalogue = catalogueWith(ends)
    const since = `@${Date.UTC(2026, 0, 1) / 1000}`
    expect(
      told(
        await ask(
          at(catalogue, () => Response.json(ANSWER)),
          'groq/old-model-1',
        ),
      ),
    ).toEqual([since, http(ends), 'groq/old-model-2'])
    expect(
      told(
        await ask(
          at(catalogue, () => Response.json(ANSWER)),
          'groq/lonely-model',
        ),
      ),
    ).toEqual([null, http(ends), null])
    expect(
      told(
        await ask(
          at(catalogue, () => Response.json(ANSWER)),
          'groq/old-model-2',
        ),
      ),
    ).toEqual([null, null, null])
  })

  it('says nothing when its end is more than 400 days away', async () => {
    expect(
      told(
        await ask(
          at(catalogueWith(day(500)), () => Response.json(ANSWER)),
          'groq/old-model-1',
        ),
      ),
    ).toEqual([null, null, null])
  })

  it('is looked up once for a catalogue', () => {
    const catalogue = catalogueWith(day(30))
    let lists = 0
    const counting: Catalogue = {
      ...catalogue,
      list: () => {
        lists++
        return catalogue.list()
      },
    }
    const entry = catalogue.lookUp('groq', 'old-model-1')
    const found = [1, 2, 3].map(() => retirementOf(entry, counting, Date.now())?.substitute)
    expect([found, lists]).toEqual([['groq/old-model-2', 'groq/old-model-2', 'groq/old-model-2'], 1])
  })
})

describe('a model whose day has passed', () => {
  it('is answered with its substitute where its place does not have it', async () => {
    const ends = day(-3)
    const response = await ask(at(catalogueWith(ends), gone), 'groq/old-model-1')
    const { error } = (await response.json()) as { readonly error: { readonly message: string; readonly code: string } }
    expect([response.status, error.code, told(response)[2]]).toEqual([404, 'model_not_found', 'groq/old-model-2'])
    expect(error.message).toBe(`groq ended old-model-1 on ${ends}. groq/old-model-2 may take its place; its price and its answers differ.`)
  })

  it('is told in the client’s language, also where the place speaks it', async () => {
    const answer = (): Response =>
      Response.json({ type: 'error', error: { type: 'not_found_error', message: 'model: old-model-1' } }, { status: 404 })
    const gateway = at(catalogueWith(day(-3)), answer, anthropic)
    const body = { model: 'anthropic/old-model-1', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] }
    const response = await gateway.ask(anthropicMessagesClient, '/v1/messages', body)
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { type: 'error', error: { type: 'not_found_error', message: expect.stringContaining('anthropic/old-model-2 may take its place') } },
    ])
    expect(gateway.settled[0]?.row).toMatchObject({ errorCode: 'upstream-refused', costNanoUsd: 0 })
  })

  it('says so too where none is known', async () => {
    const { error } = (await (await ask(at(catalogueWith(day(-3)), gone), 'groq/lonely-model')).json()) as {
      readonly error: { readonly message: string }
    }
    expect(error.message).toContain('No substitute is known')
  })

  it.each([
    ['its day is still to come', day(3), gone],
    [
      'the place refuses it for another reason',
      day(-3),
      () => Response.json({ error: { message: 'The model is too long.' } }, { status: 400 }),
    ],
  ] as const)('hears the provider’s own words where %s', async (_what, ends, answer) => {
    const { error } = (await (await ask(at(catalogueWith(ends), answer), 'groq/old-model-1')).json()) as {
      readonly error: { readonly message: string }
    }
    expect(error.message).toContain('The model ')
    expect(error.message).not.toContain('take its place')
  })
})
