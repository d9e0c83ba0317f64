// Workers AI by its binding: a stand-in that answers as Cloudflare's documentation and clients show. The real binding needs the network.

import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/core/canonical.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { cloudflare } from '../../src/providers/cloudflare.ts'
import { boundTo, isWorkersAi, type WorkersAi } from '../../src/providers/workers-ai.ts'
import { fakeGateway } from '../support/fake-gateway.ts'

const MODEL = '@cf/meta/llama-3.1-8b-instruct'
const USAGE = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 }

function bound(answer: (inputs: JsonObject) => Response) {
  const runs: { readonly model: string; readonly inputs: JsonObject }[] = []
  const ai: WorkersAi = {
    async run(model, inputs) {
      runs.push({ model, inputs })
      return answer(inputs)
    },
  }
  const gateway = fakeGateway(boundTo(ai, cloudflare), { secrets: {}, baseUrl: 'https://workers-ai.invalid/v1', region: null }, () => {
    throw new Error('the network was asked')
  })
  const ask = (body: object) =>
    gateway.ask(openaiChatClient, '/v1/chat/completions', {
      model: `cloudflare/${MODEL}`,
      messages: [{ role: 'user', content: 'hi' }],
      ...body,
    })
  return { runs, ask, gateway }
}

const events = (...data: readonly string[]): Response =>
  new Response(data.map((one) => `data: ${one}\n\n`).join(''), { headers: { 'content-type': 'text/event-stream' } })
const framesOf = (text: string): readonly string[] =>
  text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => frame.slice('data: '.length))

describe('the binding', () => {
  it('is given the model apart from its inputs', async () => {
    const { runs, ask } = bound(() => Response.json({ response: 'Hello', usage: USAGE }))
    await ask({ temperature: 0.5 })
    expect(runs).toEqual([{ model: MODEL, inputs: { messages: [{ role: 'user', content: 'hi' }], temperature: 0.5 } }])
  })

  it('is told from what is none', () => {
    expect([{ run: () => null }, {}, null, 'on', undefined].map(isWorkersAi)).toEqual([true, false, false, false, false])
  })
})

describe('a whole answer', () => {
  it('in OpenAI’s shape passes as it is', async () => {
    const text = '{"id":"x", "object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"1.0"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}' // prettier-ignore
    const { ask } = bound(() => new Response(text, { headers: { 'content-type': 'application/json' } }))
    expect(await (await ask({})).text()).toBe(text)
  })

  it('in the native shape is told in OpenAI’s, and booked', async () => {
    const { ask, gateway } = bound(() => Response.json({ response: 'Hello', usage: USAGE }))
    expect(await (await ask({})).json()).toMatchObject({
      object: 'chat.completion',
      model: MODEL,
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage: USAGE,
    })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(gateway.settled[0]?.row).toMatchObject({ ended: 'complete', usage: { input: 5, output: 3 } })
  })

  it('keeps arguments and JSON replies as the text they are', async () => {
    const body = '{"response":null,"tool_calls":[{"name":"f","arguments":{"b":1.0,"10":12345678901234567890}}]}'
    const calls = bound(() => new Response(body, { headers: { 'content-type': 'application/json' } }))
    const told = await (await calls.ask({})).json()
    expect(told).toMatchObject({
      choices: [
        { finish_reason: 'tool_calls', message: { tool_calls: [{ type: 'function', function: { name: 'f', arguments: '{"b":1.0,"10":12345678901234567890}' } }] } },
      ],
    }) // prettier-ignore
    const json = bound(() => new Response('{"response":{"z":1.0}}', { headers: { 'content-type': 'application/json' } }))
    expect(await (await json.ask({})).json()).toMatchObject({ choices: [{ message: { content: '{"z":1.0}' } }] })
  })

  it('as long as was allowed was cut', async () => {
    const { ask } = bound(() => Response.json({ response: 'Hello', usage: USAGE }))
    expect(await (await ask({ max_tokens: 3 })).json()).toMatchObject({ choices: [{ finish_reason: 'length' }] })
  })
})

describe('a stream', () => {
  it('in the native shape becomes chunks with a finish and usage', async () => {
    const { ask } = bound(() =>
      events(
        '{"response":"Hel","p":"abc"}',
        '{"response":"lo"}',
        '{"response":"","tool_calls":[{"name":"f","arguments":{"a":1.0}}]}',
        JSON.stringify({ response: '', usage: USAGE }),
        '[DONE]',
      ),
    )
    const frames = framesOf(await (await ask({ stream: true, stream_options: { include_usage: true } })).text())
    expect(frames.at(-1)).toBe('[DONE]')
    const chunks = frames.slice(0, -1).map((frame) => JSON.parse(frame))
    expect(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('')).toBe('Hello')
    expect(chunks[2].choices[0].delta.tool_calls).toMatchObject([{ index: 0, function: { name: 'f', arguments: '{"a":1.0}' } }])
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }], usage: USAGE })
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1)
  })

  it('in OpenAI’s shape passes, frame for frame', async () => {
    const chunk = '{"id":"a","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}' // prettier-ignore
    const { ask } = bound(() => events(chunk, '[DONE]'))
    expect(framesOf(await (await ask({ stream: true })).text())).toEqual([chunk, '[DONE]'])
  })

  it('that stops before its end is an error, not a finish', async () => {
    const { ask } = bound(() => events('{"response":"Hel"}'))
    const text = await (await ask({ stream: true })).text()
    expect(text).toContain('Hel')
    expect(text).toContain('"error"')
    expect(text).not.toContain('"finish_reason":"stop"')
  })
})

describe('a refusal', () => {
  it.each([
    [400, { internalCode: 5006, name: 'AiError', description: 'bad input' }, 'bad input'],
    [404, { errors: [{ code: 5007, message: 'No such model' }] }, 'No such model'],
  ])('of %i keeps its words', async (status, body, words) => {
    const { ask } = bound(() => Response.json(body, { status }))
    const response = await ask({})
    expect([response.status, await response.json()]).toMatchObject([status, { error: { message: words } }])
  })
})
