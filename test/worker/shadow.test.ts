// Shadows in the Worker: a row of their own in D1, paid by the key, shown to administrators only, and never sent where they would be missed.

import { beforeEach, expect, it } from 'vitest'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { forgetRoutes } from '../../src/platform/routes.ts'
import { groq } from '../../src/providers/groq.ts'
import { compileRoutes } from '../../src/routing/compile.ts'
import { fakeGateway } from '../support/fake-gateway.ts'
import { ADMIN, bindings, call, echo, makeKey, until, type Made } from './bindings.ts'

type Stored = { readonly id: string; readonly shadow_of: string | null; readonly comparison: string | null; readonly tags: string }

const rows = async ({ id, hash }: Made): Promise<readonly Stored[]> => {
  await call('GET', `/api/v1/generations?api_key_hash=${hash}`, ADMIN) // what waits is written first
  const { results } = await bindings.DB.prepare('SELECT * FROM requests WHERE key_id = ?1').bind(id).all<Stored>()
  return results
}
const told = async (id: string, key: string): Promise<Response> => call('GET', `/api/v1/generation?id=${id}`, key)

beforeEach(async () => {
  forgetRoutes()
  const shadow = { share: 1, model: 'demo/echo', overrides: { max_tokens: 2 } }
  const put = await call('PUT', '/api/v1/routes', ADMIN, { routes: [{ name: 'shadowed', targets: ['demo/echo'], shadow }] })
  expect(put.status).toBe(200)
})

it.each([false, true])('is a row of its own, for administrators only (stream: %s)', async (stream) => {
  const made = await makeKey()
  const response = await call('POST', '/v1/chat/completions', made.key, { ...echo('one two three'), model: 'shadowed', stream })
  expect([response.status, (await response.text()).includes('three')]).toEqual([200, true])
  const found = await until(() => rows(made), (all) => all.length === 2) // prettier-ignore
  const shadow = found.find(({ shadow_of }) => shadow_of !== null)
  const main = found.find(({ shadow_of }) => shadow_of === null)
  expect([shadow?.shadow_of, main?.id, JSON.parse(shadow?.tags ?? '')]).toEqual([
    main?.id,
    response.headers.get('x-sluice-request-id'),
    ['shadow'],
  ])
  expect([(await told(main?.id ?? '', made.key)).status, (await told(shadow?.id ?? '', made.key)).status]).toEqual([200, 404])
  const data = (await (await told(shadow?.id ?? '', ADMIN)).json<{ readonly data: { readonly sluice: unknown } }>()).data
  expect(data.sluice).toMatchObject({
    shadow_of: main?.id,
    comparison: {
      same_text: false,
      same_finish: false,
      main: { model: 'demo/echo', ended: 'complete', finish: 'stop' },
      shadow: { model: 'demo/echo', ended: 'complete', finish: 'length', characters: 9 },
    },
  })
  expect(JSON.stringify(found)).not.toContain('said')
})

it('is not sent where little is left, and leaves no refusal behind', async () => {
  const made = await makeKey({ sluice: { requests_per_minute: 3 } })
  expect((await call('POST', '/v1/chat/completions', made.key, { ...echo('one'), model: 'shadowed' })).status).toBe(200)
  expect(await until(() => rows(made), (all) => all.length === 1)).toHaveLength(1) // prettier-ignore
  const refusals = await (
    await call('GET', `/api/v1/refusals?api_key_hash=${made.hash}`, ADMIN)
  ).json<{ readonly data: readonly unknown[] }>()
  expect(refusals.data).toEqual([])
  for (const status of [200, 200, 429])
    expect((await call('POST', '/v1/chat/completions', made.key, { ...echo('one'), model: 'shadowed' })).status).toBe(status)
  expect(await rows(made)).toHaveLength(3)
})

it('hears a stream that passes natively, to its end', async () => {
  const chunk = (rest: object): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', ...rest })}\n\n`
  const words = Array.from({ length: 3000 }, (_, n) =>
    chunk({ choices: [{ index: 0, delta: { content: `word${n} ` }, finish_reason: null }] }),
  )
  const end =
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) +
    chunk({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } })
  const text = `${words.join('')}${end}data: [DONE]\n\n`
  const table = compileRoutes(1, { routes: [{ name: 'r', targets: ['groq/big'], shadow: { share: 1, model: 'groq/small' } }] })
  const source = {
    type: 'bytes' as const,
    start(sink: ReadableByteStreamController) {
      sink.enqueue(new TextEncoder().encode(text))
      sink.close()
    },
  }
  const network = (): Response => new Response(new ReadableStream(source), { headers: { 'content-type': 'text/event-stream' } })
  const settings = { secrets: { GROQ_API_KEY: 'k' }, baseUrl: 'https://groq.invalid/v1', region: null }
  const world = { routes: () => Promise.resolve(table), random: () => 0.5 }
  const gateway = fakeGateway(groq, settings, network, {}, world, () => new IdentityTransformStream())
  const body = { model: 'r', stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: 'Hi' }] }
  const response = await gateway.ask(openaiChatClient, '/v1/chat/completions', body)
  expect(await response.text()).toBe(text)
  await until(() => Promise.resolve(gateway.settled), (all) => all.length === 2) // prettier-ignore
  const shadow = gateway.settled.find(({ row }) => row?.shadowOf !== undefined)?.row
  const characters = Array.from({ length: 3000 }, (_, n) => `word${n} `).join('').length
  expect(shadow?.comparison).toMatchObject({
    sameText: characters > 32_768 ? null : true,
    sameFinish: true,
    similarity: 1,
    main: { characters },
    shadow: { characters },
  })
})
