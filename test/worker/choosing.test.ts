// Routers' names against real keys, books and records: budgets and policies are above any prompt, and a choice can be made again from its record.

import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { makeDeps } from '../../src/deps.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { chat } from '../../src/gateway/chat.ts'
import { handle } from '../../src/gateway/handle.ts'
import { ModelMemory } from '../../src/gateway/planning/model-memory.ts'
import type { Env } from '../../src/platform/env.ts'
import type { Deps } from '../../src/ports.ts'
import { NO_HEALTH } from '../../src/routing/health.ts'
import { capability, readingClassifier } from '../support/choosing.ts'
import { ADMIN, bindings, call, makeKey, until } from './bindings.ts'

const ROWS = { 'openai/gpt-5-nano': 0.62, 'openai/gpt-5-mini': 0.75, 'openai/gpt-5': 0.88, 'deepseek/deepseek-r1': 0.8 }
const HARD = 'score=0.98 prove it'
const WHOLE = { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1000, completion_tokens: 10, total_tokens: 1010 } } // prettier-ignore

/** The gateway as it is, with accounts at two places, a classifier that reads its verdict in the prompt, and a made-up table. */
async function send(
  key: string,
  model: string,
  prompt: string,
  more: object = {},
): Promise<{ readonly response: Response; readonly asked: readonly string[] }> {
  const asked: string[] = []
  const deps: Deps = {
    ...makeDeps(bindings as unknown as Env, createExecutionContext()),
    settings: (provider) =>
      ['openai', 'deepseek'].includes(provider.id)
        ? { secrets: Object.fromEntries(provider.needs.map((name) => [name, 'sk-upstream-secret'])), values: {}, baseUrl: `http://${provider.id}.test/v1`, region: null } // prettier-ignore
        : null,
    fetch: async (_, init) => {
      const { model: asks } = JSON.parse(await new Response(init.body ?? null).text()) as { readonly model: string }
      asked.push(asks)
      return Response.json({ ...WHOLE, model: asks })
    },
    health: NO_HEALTH,
    classifier: readingClassifier(),
    abilities: { capability: capability(ROWS), models: Object.keys(ROWS) },
    modelMemory: new ModelMemory(),
  }
  const request = new Request(`http://sluice.test${openaiChatClient.paths[0]}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-sluice-route': 'explain' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: prompt }], max_tokens: 2000, ...more }),
  })
  const answer = await handle(request, chat(openaiChatClient), deps)
  return { response: new Response(await answer.text(), answer), asked }
}

type Record = { readonly model: string; readonly total_cost: number; readonly sluice: { readonly decision: object } }

async function recordOf(response: Response): Promise<Record> {
  const path = `/api/v1/generation?id=${response.headers.get('x-sluice-request-id')}`
  const record = await until(async () => call('GET', path, ADMIN), ({ status }) => status === 200) // prettier-ignore
  return (await record.json<{ readonly data: Record }>()).data
}

it('makes nothing for a request that never asks: deps are copied for each call', () => {
  const deps = makeDeps(bindings as unknown as Env, createExecutionContext())
  const members = Object.entries(Object.getOwnPropertyDescriptors(deps))
  expect(members.flatMap(([name, of]) => ('get' in of ? [name] : []))).toEqual([])
})

describe('a router’s name', () => {
  it('with a budget that is too small for the dear model asks one that fits, and books it', async () => {
    // 2,000 tokens of output are 2 cents at gpt-5, 0.4 at the mini one, 0.08 at the nano one.
    const { key } = await makeKey({ limit: 0.006 })
    const { response, asked } = await send(key, 'sluice/auto', HARD)
    expect([response.status, asked]).toEqual([200, [expect.stringMatching(/^(gpt-5-mini|deepseek-)/)]])
    expect(((await response.json()) as { readonly model: string }).model).toBe(asked[0])
    expect((await recordOf(response)).model).toContain(asked[0] ?? 'nobody')
    const tiny = await makeKey({ limit: 0.001 })
    expect((await send(tiny.key, 'sluice/auto', HARD)).asked).toEqual(['gpt-5-nano'])
    const none = await makeKey({ limit: 0.00001 })
    const refused = await send(none.key, 'sluice/auto', HARD)
    expect([refused.response.status, refused.asked]).toEqual([429, []])
  })

  it('asks only what the key may use, and says so in its decision', async () => {
    const { key } = await makeKey({ sluice: { models: ['openai/gpt-5-nano'] } })
    const { response, asked } = await send(key, 'sluice/balanced', HARD)
    expect([response.status, asked]).toEqual([200, ['gpt-5-nano']])
    const decision = decodeURIComponent(response.headers.get('x-sluice-decision') ?? '')
    expect(JSON.parse(decision)).toMatchObject({ judged: { difficulty: 'hard', score: 0.98 } })
    expect(decision).not.toContain('prove it')
    const other = await makeKey({ sluice: { models: ['anthropic/*'] } })
    const refused = await send(other.key, 'sluice/balanced', HARD)
    expect([refused.response.status, refused.asked]).toEqual([403, []])
  })

  it('leaves a record from which an administrator makes the choice again', async () => {
    const { key } = await makeKey({ limit: 1 })
    for (const name of ['sluice/auto', 'sluice/aggressive', 'openrouter/auto']) {
      const { response } = await send(key, name, 'score=0.5 task=law')
      const { sluice } = await recordOf(response)
      const again = await call('POST', '/api/v1/routes/explain', ADMIN, { decision: sluice.decision })
      expect(await again.json()).toMatchObject({ data: { same: true } })
    }
  })
})
