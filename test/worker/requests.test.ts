import { describe, expect, it } from 'vitest'
import { ADMIN, bindings, call, echo, makeKey, until } from './bindings.ts'

type Generation = {
  readonly data: {
    readonly total_cost: number | null
    readonly sluice: { readonly ended: string; readonly usage: { readonly input: number; readonly output: number } }
  }
}

describe('a request', () => {
  it('is answered, and booked in D1 once with its usage', async () => {
    const { key, hash } = await makeKey()
    const response = await call('POST', '/v1/chat/completions', key, echo('one two three'))
    expect(response.status).toBe(200)
    expect(response.headers.get('x-sluice-provider')).toBe('demo')
    expect(response.headers.get('x-sluice-cost-usd')).toBe('0')
    const body = await response.json<{
      readonly choices: readonly { readonly message: { readonly content: string } }[]
      readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number }
    }>()
    expect(body.choices[0]?.message.content).toContain('one two three')
    const id = response.headers.get('x-sluice-request-id') ?? ''
    const rows = await until(
      () => bindings.DB.prepare('SELECT * FROM requests WHERE id = ?1').bind(id).all<Record<string, unknown>>(),
      (found) => found.results.length > 0,
    )
    expect(rows.results).toHaveLength(1)
    expect(rows.results[0]).toMatchObject({
      provider: 'demo',
      model: 'echo',
      dialect: 'openai-chat',
      streamed: 0,
      ended: 'complete',
      usage_from: 'provider',
      cost_nano_usd: 0,
      input: body.usage.prompt_tokens,
      output: body.usage.completion_tokens,
    })
    const listed = await (
      await call('GET', `/api/v1/generations?api_key_hash=${hash}`, ADMIN)
    ).json<{ readonly data: readonly unknown[] }>()
    expect(listed.data).toHaveLength(1)
  })

  it('is streamed with its usage to a client that asks for it', async () => {
    const { key } = await makeKey()
    const asks = { stream: true, stream_options: { include_usage: true } }
    const text = await (await call('POST', '/v1/chat/completions', key, echo('a b c', asks))).text()
    expect(text).toContain('"usage":{')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(text).not.toContain('"error"')
  })

  it('is streamed in both client dialects, with its usage booked', async () => {
    const { key } = await makeKey()
    const chat = await call('POST', '/v1/chat/completions', key, echo('a b c', { stream: true }))
    expect(chat.headers.get('content-type')).toContain('text/event-stream')
    const text = await chat.text()
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(text).not.toContain('"usage":{')
    const messages = await call('POST', '/v1/messages', null, { ...echo('a b c', { stream: true }), max_tokens: 100 }, { 'x-api-key': key })
    const events = await messages.text()
    expect(events).toContain('event: message_start')
    expect(events.trimEnd().endsWith('data: {"type":"message_stop"}')).toBe(true)
    for (const response of [chat, messages]) {
      const id = response.headers.get('x-sluice-request-id') ?? ''
      const found = await until(
        async () => {
          const answer = await call('GET', `/api/v1/generation?id=${id}`, key)
          return { status: answer.status, body: await answer.json<Generation>() }
        },
        (answer) => answer.status === 200,
      )
      expect(found.body.data).toMatchObject({ total_cost: 0, sluice: { ended: 'complete' } })
      expect(found.body.data.sluice.usage.output).toBeGreaterThan(2)
    }
  })

  it('of another key is not to be seen, and is told apart from none by nothing', async () => {
    const [mine, theirs] = [await makeKey(), await makeKey()]
    const id = (await call('POST', '/v1/chat/completions', mine.key, echo('x'))).headers.get('x-sluice-request-id') ?? ''
    await until(
      () => call('GET', `/api/v1/generation?id=${id}`, mine.key),
      (answer) => answer.status === 200,
    )
    const [foreign, none] = [
      await call('GET', `/api/v1/generation?id=${id}`, theirs.key),
      await call('GET', '/api/v1/generation?id=gen-none', theirs.key),
    ]
    expect([foreign.status, none.status]).toEqual([404, 404])
    expect(await foreign.text()).toBe(await none.text())
  })

  it('repeated under one Idempotency-Key is answered from what is kept, and booked once', async () => {
    const { key, hash } = await makeKey()
    const headers = { 'idempotency-key': 'once' }
    const first = await call('POST', '/v1/chat/completions', key, echo('x'), headers)
    const firstText = await first.text()
    await call('GET', '/v1/key', key) // what is not told yet is told now
    const second = await call('POST', '/v1/chat/completions', key, echo('x'), headers)
    expect(await second.text()).toBe(firstText)
    expect(second.headers.get('x-sluice-idempotency')).toBe('replayed')
    expect((await call('POST', '/v1/chat/completions', key, echo('y'), headers)).status).toBe(400)
    const listed = await (
      await call('GET', `/api/v1/generations?api_key_hash=${hash}`, ADMIN)
    ).json<{ readonly data: readonly unknown[] }>()
    expect(listed.data).toHaveLength(1)
  })

  it('leaves in its record what became of it on its way: forwarded, or said otherwise member by member', async () => {
    const { key } = await makeKey()
    const recordOf = async (response: Response): Promise<unknown> => {
      const id = response.headers.get('x-sluice-request-id') ?? ''
      await response.text()
      const found = await until(
        () => call('GET', `/api/v1/generation?id=${id}`, key),
        (answer) => answer.status === 200,
      )
      return (await found.json<{ readonly data: { readonly sluice: { readonly fidelity: unknown } } }>()).data.sluice.fidelity
    }
    const forwarded = await call('POST', '/v1/chat/completions', key, echo('x'))
    expect(await recordOf(forwarded)).toEqual({ way: 'forwarded', mapped: [], approximated: [], dropped: [] })
    const translated = await call('POST', '/v1/messages', key, {
      ...echo('x'),
      max_tokens: 50,
      top_k: 3,
      thinking: { type: 'enabled', budget_tokens: 1024 },
      stop_sequences: ['END'],
    })
    expect(translated.headers.get('x-sluice-dropped')).toBe('top_k')
    expect(translated.headers.get('x-sluice-approximated')).toBe('thinking')
    expect(await recordOf(translated)).toEqual({
      way: 'translated',
      mapped: ['stop_sequences → stop'],
      approximated: ['thinking'],
      dropped: ['top_k'],
    })
  })

  it('for what its place cannot do is refused with the member and the place, and nothing is held or booked', async () => {
    const { key, hash } = await makeKey({ limit: 1 })
    const refused = await call('POST', '/api/v1/chat/completions', key, echo('x', { n: 2 }))
    expect(refused.status).toBe(400)
    const { error } = await refused.json<{ readonly error: { readonly message: string } }>()
    expect(error.message).toMatch(/'n'.*demo\/echo/)
    const listed = await (
      await call('GET', `/api/v1/generations?api_key_hash=${hash}`, ADMIN)
    ).json<{ readonly data: readonly unknown[] }>()
    expect(listed.data).toHaveLength(0)
  })

  it('is answered on OpenRouter’s mount by an ordinary key, whose generation is the answer’s id', async () => {
    const { key } = await makeKey()
    const path = '/api/v1/chat/completions'
    const whole = await call('POST', path, key, echo('one two', { usage: { include: true } }))
    expect(whole.status).toBe(200)
    const body = await whole.json<{ readonly id: string; readonly provider: string; readonly usage: { readonly cost: number } }>()
    expect(body).toMatchObject({ id: whole.headers.get('x-generation-id'), model: 'demo/echo', usage: { cost: 0 } })
    const generation = await until(
      () => call('GET', `/api/v1/generation?id=${body.id}`, key),
      (response) => response.status === 200,
    )
    expect(await generation.json()).toMatchObject({ data: { id: body.id } })
    const stream = await (await call('POST', path, key, echo('one two', { stream: true }))).text()
    expect(stream).toContain('"usage":{')
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true)
    const refused = await call('POST', path, key, echo('one', { plugins: [{ id: 'web' }] }))
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: { code: 400, metadata: { error_type: 'invalid_request', at: 'plugins[0]' } } })
  })

  it('finds the models of OpenRouter’s mount without a key, and all else there closed', async () => {
    const models = await call('GET', '/api/v1/models', null)
    expect(models.status).toBe(200)
    expect(await models.json()).toMatchObject({ links: { next: null } })
    const { key } = await makeKey()
    const places = await (await call('GET', '/api/v1/models/demo/echo/endpoints', key)).json()
    expect(places).toMatchObject({
      data: { id: 'demo/echo', endpoints: [{ tag: 'demo', model_id: 'demo/echo', pricing: { prompt: '0' } }] },
    })
    expect(await (await call('GET', '/api/v1/endpoints/zdr', key)).json()).toMatchObject({ data: [{ tag: 'demo' }] })
    expect(await (await call('GET', '/api/v1/model/demo/echo', null)).json()).toMatchObject({ data: { id: 'demo/echo' } })
    expect((await call('GET', '/api/v1/models/openai/gpt-4o-mini/endpoints', key)).status).toBe(404)
    for (const path of ['/api/v1/keys', '/api/v1/models/x']) expect((await call('GET', path, key)).status).toBe(403)
    expect((await call('GET', '/api/v1/chat/completions', key)).status).toBe(405)
  })

  it('that is no good is refused in its own dialect, with nothing booked', async () => {
    const { key, hash } = await makeKey()
    const cases: readonly (readonly [string, unknown, number])[] = [
      ['not json', '{', 400],
      ['two models', '{"model":"demo/echo","model":"demo/echo","messages":[]}', 400],
      ['no model', { messages: [] }, 400],
      ['unknown model', { model: 'nowhere/nothing', messages: [] }, 404],
      ['a place without credentials', { model: 'openai/gpt-4o-mini', messages: [] }, 400],
      ['an odd ceiling', echo('x', { max_tokens: -1 }), 400],
    ]
    for (const [name, body, status] of cases) {
      const chat = await call('POST', '/v1/chat/completions', key, body)
      expect([name, chat.status]).toEqual([name, status])
      expect(await chat.json()).toMatchObject({ error: { message: expect.any(String), type: expect.any(String), code: expect.anything() } })
      const messages = await call('POST', '/v1/messages', key, body)
      expect([name, messages.status]).toEqual([name, status])
      expect(await messages.json()).toMatchObject({ type: 'error', error: { type: expect.any(String), message: expect.any(String) } })
    }
    const big = await call('POST', '/v1/chat/completions', key, `{"model":"demo/echo","x":"${'a'.repeat(21 * 1024 * 1024)}"}`)
    expect(big.status).toBe(413)
    const listed = await (
      await call('GET', `/api/v1/generations?api_key_hash=${hash}`, ADMIN)
    ).json<{ readonly data: readonly unknown[] }>()
    expect(listed.data).toHaveLength(0)
  })

  it('names the missing credential', async () => {
    const { key } = await makeKey()
    const response = await call('POST', '/v1/chat/completions', key, { model: 'anthropic/claude-haiku-4-5', messages: [] })
    expect(await response.text()).toContain('ANTHROPIC_API_KEY')
  })
})

describe('models', () => {
  it('are those of configured places that the key may use', async () => {
    const { key } = await makeKey()
    const list = await (await call('GET', '/v1/models', key)).json<{ readonly data: readonly { readonly id: string }[] }>()
    expect(list.data.map((row) => row.id)).toEqual(['demo/echo'])
    expect((await call('GET', '/v1/models/demo/echo', key)).status).toBe(200)
    expect((await call('GET', '/v1/models/openai/gpt-4o-mini', key)).status).toBe(404)
    const narrow = await makeKey({ sluice: { models: ['openai/*'] } })
    expect((await (await call('GET', '/v1/models', narrow.key)).json<{ readonly data: readonly unknown[] }>()).data).toEqual([])
  })
})
