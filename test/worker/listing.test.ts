// What a key may use and what is listed for it are one thing, whether its policy names models as `provider/model` or as `author/slug`.

import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { app } from '../../src/app.ts'
import { bindings, makeKey } from './bindings.ts'

/** Places that are all away: who gets that far was admitted. */
const PLACES = Object.fromEntries(
  ['OPENAI', 'GROQ', 'TOGETHER'].flatMap((name) => [
    [`${name}_API_KEY`, 'of-the-operator'],
    [`${name}_BASE_URL`, 'http://127.0.0.1:9'],
  ]),
)
const env = { ...bindings, SLUICE_KEY_SECRET: 'test-signing-secret', SLUICE_ADMIN_KEY: 'sk-admin-test', SLUICE_LOG: 'off', ...PLACES }

async function asked(method: 'GET' | 'POST', path: string, key: string, body?: object): Promise<Response> {
  const context = createExecutionContext()
  const request = new Request(`http://sluice.test${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const response = await app.fetch(request, env as never, context)
  const copy = new Response(await response.text(), response)
  await waitOnExecutionContext(context)
  return copy
}

async function listed(key: string): Promise<readonly string[]> {
  const { data } = await (await asked('GET', '/v1/models', key)).json<{ readonly data: readonly { readonly id: string }[] }>()
  return data.map(({ id }) => id).sort()
}

/** Models of both kinds that some of the policies allow and some do not. */
const MODELS = [
  'groq/llama-3.3-70b-versatile',
  'groq/openai/gpt-oss-120b',
  'openai/gpt-4o',
  'openai/gpt-4o-mini',
  'together/meta-llama/Llama-3.3-70B-Instruct-Turbo',
  'together/openai/gpt-oss-120b',
]

beforeAll(() => {
  vi.stubGlobal('fetch', async (_url: string, { body }: RequestInit) => {
    await new Response(body ?? null).text()
    return Response.json({ error: { message: 'away' } }, { status: 503 })
  })
})
afterAll(() => void vi.unstubAllGlobals())

describe('a key that may use', () => {
  it.each<readonly [readonly string[], readonly string[]]>([
    [['meta-llama/llama-3.3-70b-instruct'], ['groq/llama-3.3-70b-versatile', 'together/meta-llama/Llama-3.3-70B-Instruct-Turbo']],
    [['groq/llama-3.3-70b-versatile'], ['groq/llama-3.3-70b-versatile']],
    [['openai/gpt-oss-120b'], ['groq/openai/gpt-oss-120b', 'together/openai/gpt-oss-120b']],
    [
      ['groq/openai/gpt-oss-120b', 'openai/gpt-4o-mini'],
      ['groq/openai/gpt-oss-120b', 'openai/gpt-4o-mini'],
    ],
    [['openai/gpt-4o*'], ['openai/gpt-4o', 'openai/gpt-4o-mini']],
    [['no-such/model'], []],
  ])('%j is shown what it may use, and may use what it is shown', async (models, expected) => {
    const { key } = await makeKey({ sluice: { models } })
    const all = await listed(key)
    expect(MODELS.filter((model) => all.includes(model))).toEqual(expected)
    for (const model of MODELS) {
      const response = await asked('POST', '/v1/chat/completions', key, {
        model,
        messages: [{ role: 'user', content: 'hi' }],
        num_retries: 0,
      })
      expect([model, response.status === 403], await response.text()).toEqual([model, !expected.includes(model)])
    }
  })
})
