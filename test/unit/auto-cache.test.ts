import { describe, expect, it } from 'vitest'
import { withBreakpoints } from '../../src/core/auto-cache.ts'
import { Body } from '../../src/core/body.ts'
import type { CacheMark, ChatRequest, Part, Turn } from '../../src/core/canonical.ts'
import type { Orders } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, upstreamDialect } from '../../src/dialects/index.ts'
import { cacheWish } from '../../src/gateway/cache-wish.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const ALL = { tools: true, turns: true }

const text = (said: string, cache?: CacheMark['ttl']): Part => ({
  kind: 'text',
  text: said,
  ...(cache === undefined ? {} : { cache: { ttl: cache } }),
})
const turn = (role: Turn['role'], ...parts: readonly Part[]): Turn => ({ role, parts })
const call: Part = { kind: 'tool-call', id: 'c', name: 'f', arguments: '{}' }
const result: Part = { kind: 'tool-result', callId: 'c', content: [text('42')], isError: false }
const tool = (name: string, cache?: CacheMark['ttl']) =>
  ({ kind: 'function', name, schema: '{"type":"object"}', ...(cache === undefined ? {} : { cache: { ttl: cache } }) }) as const

const request = (turns: readonly Turn[], more: Partial<ChatRequest> = {}): ChatRequest => ({
  turns,
  tools: [tool('f'), tool('g')],
  sampling: {},
  cache: { ttl: '5m' },
  extras: { dialect: 'x', fields: {} },
  ...more,
})

const TALK = [
  turn('system', text('rules')),
  turn('user', text('a'), text('b')),
  turn('assistant', text('c'), call),
  turn('tool', result),
  turn('user', text('d')),
  turn('assistant', text('e')),
  turn('user', text('f'), text(' ')),
]

/** Where marks stand, in prompt order, such as `tool 1 5m`, `4.0 5m`. */
function marks({ tools, turns }: ChatRequest): readonly string[] {
  return [
    ...tools.flatMap((one, i) => (one.kind === 'function' && one.cache !== undefined ? [`tool ${i} ${one.cache.ttl}`] : [])),
    ...turns.flatMap(({ parts }, t) =>
      parts.flatMap((part, p) => ('cache' in part && part.cache !== undefined ? [`${t}.${p} ${part.cache.ttl}`] : [])),
    ),
  ]
}

describe('breakpoints on request', () => {
  it('stand on the last tool, the end of the system and the last two turns of the user, and never on empty text', () => {
    const done = withBreakpoints(request(TALK), ALL)
    expect(marks(done)).toEqual(['tool 1 5m', '0.0 5m', '4.0 5m', '6.0 5m'])
    expect(done.cache).toBeUndefined()
  })

  it('move on with the conversation, so that a turn finds what the one before it wrote', () => {
    const next = withBreakpoints(request([...TALK, turn('assistant', text('g')), turn('user', text('h'))]), ALL)
    expect(marks(next)).toEqual(['tool 1 5m', '0.0 5m', '6.0 5m', '8.0 5m'])
  })

  it('stand on results while tools are run', () => {
    expect(marks(withBreakpoints(request(TALK.slice(0, 4)), ALL))).toEqual(['tool 1 5m', '0.0 5m', '1.1 5m', '3.0 5m'])
  })

  it('are never more than four with the client’s own, which stay where they are', () => {
    const own = [turn('system', text('rules', '5m')), turn('user', text('a', '5m'), text('b', '5m')), turn('user', text('d'))]
    expect(marks(withBreakpoints(request(own), ALL))).toEqual(['0.0 5m', '1.0 5m', '1.1 5m', '2.0 5m'])
    const four = [turn('user', text('a', '5m'), text('b', '5m'), text('c', '5m'), text('d', '5m'), text('e'))]
    expect(marks(withBreakpoints(request(four), ALL))).toEqual(['0.0 5m', '0.1 5m', '0.2 5m', '0.3 5m'])
    const nested: Part = { kind: 'tool-result', callId: 'c', content: [text('1', '5m'), text('2', '5m'), text('3', '5m')], isError: false }
    expect(marks(withBreakpoints(request([turn('user', text('q')), turn('assistant', call), turn('tool', nested)]), ALL))).toEqual([
      '2.0 5m',
    ])
  })

  it('never put five minutes before an hour', () => {
    const own = [turn('system', text('rules')), turn('user', text('a', '1h')), turn('assistant', text('b')), turn('user', text('c'))]
    expect(marks(withBreakpoints(request(own), ALL))).toEqual(['tool 1 1h', '0.0 1h', '1.0 1h', '3.0 5m'])
    const short = [turn('system', text('rules', '5m')), turn('user', text('a'))]
    expect(marks(withBreakpoints(request(short, { cache: { ttl: '1h' } }), ALL))).toEqual(['tool 1 1h', '0.0 5m', '1.0 5m'])
  })

  it('are nothing where nothing was asked', () => {
    const { cache: _, ...plain } = request(TALK)
    expect(withBreakpoints(plain, ALL)).toBe(plain)
  })
})

const CHAT = {
  model: 'm',
  messages: [
    { role: 'system', content: 'rules' },
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
    { role: 'user', content: 'c' },
  ],
  tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
}
const HABITS = { issuer: 'anthropic' }

function written(client: string, upstream: string, model: string, body: object, orders: Partial<Orders> = {}) {
  const from = CLIENT_DIALECTS.find(({ id }) => id === client)
  if (from === undefined) throw new Error(client)
  const bytes = new Body(encoder.encode(JSON.stringify(body)))
  const intent = from.intent({
    path: from.paths[0] ?? '',
    query: new URLSearchParams(),
    headers: new Headers(),
    body: bytes,
    nowSeconds: 0,
  })
  return upstreamDialect(upstream).write(from.read(bytes), intent, { model, maxOutputTokens: null, habits: HABITS, ...orders })
}

describe('what is sent', () => {
  const asked = { ...CHAT, cache_control: { type: 'ephemeral' } }

  it('has the marks where Anthropic wants them, the same bytes each time', () => {
    const first = written('openrouter', 'anthropic-messages', 'claude-sonnet-4-5', asked)
    expect(written('openrouter', 'anthropic-messages', 'claude-sonnet-4-5', asked).text).toBe(first.text)
    const cache_control = { type: 'ephemeral' }
    expect(JSON.parse(first.text)).toMatchObject({
      system: [{ type: 'text', text: 'rules', cache_control }],
      tools: [{ name: 'f', cache_control }],
      messages: [
        { role: 'user', content: [{ text: 'a', cache_control }] },
        { role: 'assistant' },
        { role: 'user', content: [{ text: 'c', cache_control }] },
      ],
    })
    expect(first.dropped).toEqual([])
  })

  it('has cache points where Bedrock’s families take them', () => {
    const point = { cachePoint: { type: 'default' } }
    const claude = written('anthropic-messages', 'bedrock-converse', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', {
      model: 'm',
      max_tokens: 10,
      system: 'rules',
      messages: [{ role: 'user', content: 'a' }],
      tools: [{ name: 'f', input_schema: { type: 'object' } }],
      cache_control: { type: 'ephemeral' },
    })
    expect(JSON.parse(claude.text)).toMatchObject({
      system: [{ text: 'rules' }, point],
      messages: [{ content: [{ text: 'a' }, point] }],
      toolConfig: { tools: [{ toolSpec: { name: 'f' } }, point] },
    })
    const nova = written('openai-chat', 'bedrock-converse', 'amazon.nova-pro-v1:0', asked)
    expect(JSON.parse(nova.text).toolConfig.tools).toHaveLength(1)
    expect(JSON.parse(nova.text).system).toEqual([{ text: 'rules' }, point])
    expect(nova.dropped).toEqual([])
  })

  it.each(['gemini', 'openai-responses', 'openai-chat', 'cohere-chat'])('names the wish of the body where %s has no marks', (upstream) => {
    expect(
      written('anthropic-messages', upstream, 'm', {
        ...CHAT,
        tools: [],
        messages: CHAT.messages.slice(1),
        max_tokens: 9,
        cache_control: { type: 'ephemeral' },
      }).dropped,
    ).toContain('cache')
    const cache = { ttl: '5m' } as const
    expect(written('openai-chat', upstream, 'm', CHAT, { cache }).dropped).not.toContain('cache')
  })

  it('is asked for by header too, beside any body', () => {
    const cache = cacheWish(new Headers({ 'x-sluice-cache': 'auto; ttl=1h' }))
    expect(cache).toEqual({ ttl: '1h' })
    if (cache === undefined) return
    const { text: sent } = written('openai-chat', 'anthropic-messages', 'claude-sonnet-4-5', CHAT, { cache })
    expect(sent.match(/"cache_control":\{"type":"ephemeral","ttl":"1h"\}/g)).toHaveLength(4)
    expect(() => cacheWish(new Headers({ 'x-sluice-cache': 'always' }))).toThrow('x-sluice-cache')
  })
})

describe('a forwarded Messages request', () => {
  const forwarded = (body: object, orders: Partial<Orders>): string => {
    const bytes = new Body(encoder.encode(JSON.stringify(body)))
    const client = CLIENT_DIALECTS.find(({ id }) => id === 'anthropic-messages')
    if (client === undefined) throw new Error('no client')
    const intent = client.intent({ path: '', query: new URLSearchParams(), headers: new Headers(), body: bytes, nowSeconds: 0 })
    const habits = { issuer: 'anthropic', accepts: new Set(['cache_control']) }
    const edits = upstreamDialect('anthropic-messages').edits(intent, { model: 'm', maxOutputTokens: null, habits, ...orders }, (path) =>
      bytes.member(path),
    )
    return decoder.decode(Buffer.concat(bytes.spliced(edits)))
  }
  const mark = (ttl?: '1h') => ({ type: 'ephemeral', ...(ttl === undefined ? {} : { ttl }) })
  const marked = (n: number, ttl?: '1h') => ({
    model: 'm',
    max_tokens: 9,
    messages: [
      { role: 'user', content: Array.from({ length: n }, () => ({ type: 'text', text: 'say "cache_control"', cache_control: mark(ttl) })) },
    ],
  })
  const cache = { ttl: '5m' } as const

  it('asks for the provider’s own automatic caching, once and where there is room', () => {
    expect(JSON.parse(forwarded(marked(0), { cache }))).toMatchObject({ cache_control: mark() })
    expect(JSON.parse(forwarded(marked(0), { cache: { ttl: '1h' } }))).toMatchObject({ cache_control: mark('1h') })
    expect(JSON.parse(forwarded(marked(3), { cache }))).toMatchObject({ cache_control: mark() })
    expect(JSON.parse(forwarded(marked(4), { cache }))).not.toHaveProperty('cache_control')
    expect(JSON.parse(forwarded(marked(1, '1h'), { cache }))).not.toHaveProperty('cache_control')
    expect(JSON.parse(forwarded({ ...marked(0), cache_control: mark('1h') }, { cache }))).toMatchObject({ cache_control: mark('1h') })
  })

  it('stays as it is at a place that does not cache by itself, and without the wish', () => {
    expect(forwarded(marked(1), {})).toBe(JSON.stringify(marked(1)))
    expect(forwarded(marked(1), { cache, habits: { issuer: 'anthropic' } })).toBe(JSON.stringify(marked(1)))
  })
})
