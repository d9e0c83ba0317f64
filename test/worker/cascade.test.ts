// A second answer under a real key's budget: it goes out if both fit, to the nano-dollar, and the ledger has both.

import { createExecutionContext } from 'cloudflare:test'
import { beforeEach, expect, it } from 'vitest'
import { makeDeps } from '../../src/deps.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { chat } from '../../src/gateway/chat.ts'
import { handle } from '../../src/gateway/handle.ts'
import type { Env } from '../../src/platform/env.ts'
import { forgetRoutes } from '../../src/platform/routes.ts'
import type { Deps } from '../../src/ports.ts'
import { NO_HEALTH } from '../../src/routing/health.ts'
import { ADMIN, bindings, call, makeKey, until, type Made } from './bindings.ts'

/** Nano-dollars of three tokens in and two out. */
const SMALL = 3 * 150 + 2 * 600
const LARGE = 3 * 2500 + 2 * 10_000
const FORMAT = {
  type: 'json_schema',
  json_schema: { name: 'n', schema: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } } },
}
const SAYS: { readonly [model: string]: string } = { 'gpt-4o-mini': 'One.', 'gpt-4o': '{"n":1}' }

function fetchOf(_: string, init: RequestInit): Promise<Response> {
  const read = new Response(init.body ?? null).json<{ readonly model: string }>()
  return read.then(({ model }) =>
    Response.json({
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model,
      choices: [{ index: 0, message: { role: 'assistant', content: SAYS[model] }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    }),
  )
}

function send(key: string): Promise<Response> {
  const deps: Deps = {
    ...makeDeps(bindings as unknown as Env, createExecutionContext()),
    settings: (provider) => ({ secrets: Object.fromEntries(provider.needs.map((name) => [name, 'sk'])), values: {}, baseUrl: 'http://up.test', region: null }), // prettier-ignore
    fetch: fetchOf,
    health: NO_HEALTH,
  }
  const request = new Request('http://sluice.test/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-sluice-route': 'explain' },
    body: JSON.stringify({ model: 'two', messages: [{ role: 'user', content: 'How many?' }], max_tokens: 50, response_format: FORMAT }),
  })
  return handle(request, chat(openaiChatClient), deps)
}

const spent = async ({ key }: Made): Promise<number> => {
  const { data } = await (await call('GET', '/v1/key', key)).json<{ readonly data: { readonly usage: number } }>()
  return Math.round(data.usage * 1e9)
}

type Decision = { readonly targets: readonly { readonly model: string; readonly worst_usd: string }[]; readonly cascade?: object }
const decisionIn = (response: Response): Decision =>
  JSON.parse(decodeURIComponent(response.headers.get('x-sluice-decision') ?? '')) as Decision

beforeEach(async () => {
  forgetRoutes()
  const put = await call('PUT', '/api/v1/routes', ADMIN, {
    routes: [{ name: 'two', targets: ['openai/gpt-4o-mini', 'openai/gpt-4o'], cascade: {} }],
  })
  expect(put.status).toBe(200)
})

it('goes out if both fit, to the nano-dollar', async () => {
  const free = await makeKey()
  const whole = await send(free.key)
  expect([(await whole.text()).includes('{\\"n\\":1}'), whole.headers.get('x-sluice-cascade')]).toEqual([true, 'schema; given=second'])
  const decision = decisionIn(whole)
  expect(decision.cascade).toEqual({ unfit: 'schema', given: 'second' })
  const worst = Math.round(Number(decision.targets.find(({ model }) => model === 'gpt-4o')?.worst_usd) * 1e9)
  expect(worst).toBeGreaterThan(LARGE)

  const poor = await makeKey({ limit: (worst + SMALL - 1) / 1e9 })
  const kept = await send(poor.key)
  expect([(await kept.text()).includes('One.'), kept.headers.get('x-sluice-cascade')]).toEqual([
    true,
    'schema; given=first; because=unpaid',
  ])
  expect(await until(() => spent(poor), (sum) => sum > 0)).toBe(SMALL) // prettier-ignore

  const able = await makeKey({ limit: (worst + SMALL) / 1e9 })
  const paid = await send(able.key)
  expect([(await paid.text()).includes('{\\"n\\":1}'), paid.headers.get('x-sluice-cost-usd')]).toEqual([
    true,
    String((SMALL + LARGE) / 1e9),
  ])
  expect(await until(() => spent(able), (sum) => sum > 0)).toBe(SMALL + LARGE) // prettier-ignore
  const id = paid.headers.get('x-sluice-request-id') ?? ''
  const told = await (
    await call('GET', `/api/v1/generation?id=${id}`, able.key)
  ).json<{ readonly data: { readonly [name: string]: unknown } }>()
  expect(told.data).toMatchObject({
    total_cost: (SMALL + LARGE) / 1e9,
    sluice: {
      attempts: [
        { model: 'gpt-4o-mini', outcome: 'unfit', unfit: 'schema', costNanoUsd: SMALL },
        { model: 'gpt-4o', outcome: 'committed', costNanoUsd: LARGE },
      ],
      decision: { cascade: { unfit: 'schema', given: 'second' } },
    },
  })
})
