// Routers' names by the official OpenAI SDK, in front of the gateway as its README starts it: the answer's model, the record's reasons, the books.

import { createServer, type Server } from 'node:http'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setTimeout as wait } from 'node:timers/promises'
import { startGateway, type GatewayProcess } from './gateway-process.ts'

/** A place that speaks OpenAI's chat language and answers with the model that it was asked for. */
function startPlace(): Promise<{ readonly server: Server; readonly origin: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (piece: Buffer) => (text += piece.toString()))
    request.on('end', () => {
      const { model, stream } = JSON.parse(text) as { readonly model: string; readonly stream?: boolean }
      asked.push(model)
      const usage = { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 }
      const head = { id: 'c', created: 1, model }
      if (stream !== true) {
        response.setHeader('content-type', 'application/json')
        const message = { role: 'assistant', content: 'Hi' }
        return response.end(
          JSON.stringify({ ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }),
        )
      }
      response.setHeader('content-type', 'text/event-stream')
      const chunk = (choices: readonly object[], more: object = {}): string =>
        `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`
      const delta = { role: 'assistant', content: 'Hi' }
      return response.end(
        `${chunk([{ index: 0, delta, finish_reason: null }])}${chunk([{ index: 0, delta: {}, finish_reason: 'stop' }])}${chunk([], { usage })}data: [DONE]\n\n`,
      )
    })
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ server, origin: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, asked })
    })
  })
}

type Stage = { readonly place: Awaited<ReturnType<typeof startPlace>>; readonly gateway: GatewayProcess }
let stage: Stage | null = null
const running = (): Stage => {
  if (stage === null) throw new Error('It is not up yet.')
  return stage
}

beforeAll(async () => {
  const place = await startPlace()
  stage = { place, gateway: await startGateway(place.origin) }
}, 120_000)
afterAll(async () => {
  await stage?.gateway.stop()
  stage?.place.server.close()
}, 20_000)

type Record = {
  readonly model: string
  readonly sluice: {
    readonly requested_model: string
    readonly cost_nano_usd: number
    readonly decision: {
      readonly judged?: { readonly task_type: string }
      readonly targets: readonly { readonly id: string; readonly why: string }[]
    }
  }
}

async function recordOf(id: string): Promise<Record> {
  for (let i = 0; ; i++) {
    const response = await running().gateway.admin('GET', `/api/v1/generation?id=${id}`)
    if (response.status === 200 || i > 200) return ((await response.json()) as { readonly data: Record }).data
    await wait(50)
  }
}

/** Places that speak this one language; the others are there too, and would not understand. */
const provider = { only: ['openai', 'groq', 'deepseek'] }

describe.each([
  ['sluice/auto', '/v1'],
  ['sluice/balanced', '/v1'],
  ['openrouter/auto', '/v1'],
  ['openrouter/auto', '/api/v1'],
  ['sluice/aggressive', '/api/v1'],
] as const)('%s on %s', (model, mount) => {
  it.each([false, true])('says which model was used and why, and books it (stream: %s)', async (stream) => {
    const { gateway, place } = running()
    const sdk = new OpenAI({
      apiKey: gateway.key,
      baseURL: `${gateway.base}${mount}`,
      maxRetries: 0,
      defaultHeaders: { 'x-sluice-route': 'explain' },
    })
    const before = place.asked.length
    const messages = [{ role: 'user' as const, content: 'Prove that there are infinitely many primes congruent to 3 modulo 4.' }]
    const params = { model, messages, max_tokens: 200, provider }
    let told = ''
    let headers = new Headers()
    if (stream) {
      const { data, response } = await sdk.chat.completions.create({ ...params, stream: true }).withResponse()
      headers = response.headers
      for await (const chunk of data) told = chunk.model
    } else {
      const { data, response } = await sdk.chat.completions.create({ ...params, stream: false }).withResponse()
      headers = response.headers
      told = data.model
    }
    const asked = place.asked.slice(before)
    expect(asked).toHaveLength(1)
    expect(told).not.toBe(model)
    expect(headers.get('x-sluice-model')).toBe(asked[0])
    if (mount === '/v1') expect(told).toBe(asked[0])
    else expect(told).toMatch(/^[a-z0-9-]+\/.+/)
    const { model: booked, sluice } = await recordOf(headers.get('x-sluice-request-id') ?? '')
    expect(booked).toBe(`${headers.get('x-sluice-provider')}/${asked[0]}`)
    expect(sluice.requested_model).toBe(model)
    expect(sluice.cost_nano_usd).toBeGreaterThan(0)
    expect(sluice.decision.judged?.task_type).toBeTypeOf('string')
    expect(sluice.decision.targets[0]).toMatchObject({ id: booked, why: expect.stringMatching(/^[a-z-]+$/) })
  })
})

describe('the lists of models', () => {
  it('have the routers', async () => {
    const { gateway } = running()
    const v1 = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.base}/v1` })
    const names = (await v1.models.list()).data.map(({ id }) => id)
    expect(names).toEqual(expect.arrayContaining(['sluice/auto', 'sluice/balanced', 'sluice/aggressive', 'openrouter/auto']))
    const { data } = (await (await fetch(`${gateway.base}/api/v1/models`)).json()) as {
      readonly data: readonly { readonly id: string; readonly pricing: object }[]
    }
    expect(data.length).toBe(new Set(data.map(({ id }) => id)).size)
    expect(data.find(({ id }) => id === 'openrouter/auto')).toMatchObject({ pricing: { prompt: '-1', completion: '-1' } })
    for (const id of ['sluice/auto', 'openrouter/auto']) {
      const one = async (path: string): Promise<unknown> => (await (await fetch(`${gateway.base}/api/v1/${path}`)).json()) as unknown
      expect(await one(`model/${id}`)).toEqual({ data: data.find((row) => row.id === id) })
      expect(await one(`models/${id}/endpoints`)).toMatchObject({ data: { id, endpoints: [] } })
    }
  })
})
