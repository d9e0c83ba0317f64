// Portkey's config in a header as a tree of targets, its queries as conditions, and what is refused rather than ignored.

import { describe, expect, it } from 'vitest'
import { PLAIN_USE, type Branch } from '../../../src/routing/contract.ts'
import { requestFacts } from '../../../src/routing/condition-facts.ts'
import { judgeCondition } from '../../../src/routing/conditions.ts'
import { celOf } from '../../../src/routing/wishes/portkey-query.ts'
import { readPortkey } from '../../../src/routing/wishes/portkey.ts'
import type { JsonValue } from '../../../src/core/canonical.ts'

const read = (config: string, primary: string | null = 'gpt-4o') =>
  readPortkey(new Headers({ 'x-portkey-config': config.replaceAll('\n', ' ') }), primary)
const tree = (config: string, primary: string | null = 'gpt-4o'): Branch => {
  const { tree: made } = read(config, primary)
  if (made === null) throw new Error('no tree')
  return made
}
const target = (name: string, use: object = {}): object => ({ kind: 'target', name, use: { ...PLAIN_USE, ...use } })
const malformed = (at: string): unknown => expect.objectContaining({ code: 'request-malformed', detail: expect.objectContaining({ at }) })
const unsupported = (at: string): unknown => expect.objectContaining({ code: 'request-unsupported', detail: { at } })
const ROOT = 'x-portkey-config'

describe('a config', () => {
  it('of one provider is that target', () => {
    expect(tree('{"provider":"openai"}')).toEqual(target('openai/gpt-4o'))
    expect(tree('{"provider":"@openai","override_params":{"model":"o3"}}')).toEqual(target('openai/o3'))
    expect(tree('{"provider":"mistral-ai"}', 'mistral/large')).toEqual(target('mistral/large'))
    expect(tree('{"provider":"openrouter"}', 'openai/gpt-4o')).toEqual(target('openrouter/openai/gpt-4o'))
    expect(tree('{"default_params":{"model":"x/y"}}', null)).toEqual(target('x/y'))
    expect(tree('{"override_params":{"model":"@groq/llama"}}')).toEqual(target('groq/llama'))
  })

  it('may be a provider alone, in a header of its own', () => {
    expect(readPortkey(new Headers({ 'x-portkey-provider': '@together-ai' }), 'llama').tree).toEqual(target('together/llama'))
    expect(readPortkey(new Headers(), 'llama')).toEqual({ tree: null, retries: null })
    expect(() => readPortkey(new Headers({ 'x-portkey-provider': 'a/b' }), 'llama')).toThrow(malformed('x-portkey-provider'))
  })

  it('single: the first target and nobody else', () => {
    expect(tree('{"strategy":{"mode":"single"},"targets":[{"provider":"openai"},{"provider":"groq"}]}')).toEqual({
      kind: 'group',
      strategy: 'priority',
      settings: {},
      single: true,
      use: PLAIN_USE,
      branches: [target('openai/gpt-4o')],
    })
  })

  it('loadbalance: by weight, one of them, never one that weighs nothing', () => {
    expect(
      tree(
        '{"strategy":{"mode":"loadbalance"},"targets":[{"provider":"openai","weight":0.7},{"provider":"groq"},{"provider":"xai","weight":0}]}',
      ),
    ).toMatchObject({
      strategy: 'weighted',
      single: true,
      branches: [target('openai/gpt-4o', { weight: 0.7 }), target('groq/gpt-4o')],
    })
    expect(() => tree('{"strategy":{"mode":"loadbalance"},"targets":[{"provider":"openai","weight":0}]}')).toThrow(
      malformed(`${ROOT}.strategy`),
    )
  })

  it('fallback: in order, after what is not the client’s own fault, or after the statuses it names', () => {
    const targets = '"targets":[{"provider":"openai"},{"provider":"groq"}]'
    const plain = tree(`{"strategy":{"mode":"fallback"},${targets}}`)
    expect(plain).toMatchObject({
      strategy: 'priority',
      branches: [target('openai/gpt-4o'), target('groq/gpt-4o', { priority: 1, on: ['outage', 'context', 'content'] })],
    })
    expect(plain).not.toHaveProperty('single')
    expect(tree(`{"strategy":{"mode":"fallback","on_status_codes":[429,529]},${targets}}`)).toMatchObject({
      branches: [target('openai/gpt-4o'), target('groq/gpt-4o', { priority: 1, onStatus: [429, 529] })],
    })
  })

  it('conditional: the first whose query holds, else the default', () => {
    const made = tree(
      '{"strategy":{"mode":"conditional","conditions":[{"query":{"metadata.plan":"pro"},"then":"good"}],"default":"cheap"},"targets":[{"name":"cheap","provider":"groq"},{"name":"good","provider":"openai"}]}',
    )
    expect(made).toMatchObject({
      single: true,
      branches: [
        target('openai/gpt-4o', { when: '(("plan" in metadata && metadata["plan"] == "pro"))' }),
        target('groq/gpt-4o', { priority: 1 }),
      ],
    })
  })

  it('nests, and what is above counts below unless it says otherwise', () => {
    const made = tree(
      `{"provider":"openai","retry":{"attempts":2},"request_timeout":9000,"override_params":{"temperature":1.0,"seed":12345678901234567890},"drop_params":["user"],
        "strategy":{"mode":"fallback"},
        "targets":[{"override_params":{"model":"a","seed":1}},
                   {"strategy":{"mode":"loadbalance"},"request_timeout":100,"targets":[{"provider":"groq","override_params":{"model":"b, \\"]}"}},{"default_params":{"top_p":0.50}}]}]}`,
    )
    const timeouts = { headersMs: 9000 }
    expect(made).toEqual({
      kind: 'group',
      strategy: 'priority',
      settings: {},
      use: PLAIN_USE,
      branches: [
        target('openai/a', { overrides: { temperature: '1.0', seed: '1' }, drop: ['user'], timeouts }),
        {
          kind: 'group',
          strategy: 'weighted',
          settings: {},
          single: true,
          use: { ...PLAIN_USE, priority: 1, on: ['outage', 'context', 'content'] },
          branches: [
            target('groq/b, "]}', {
              overrides: { temperature: '1.0', seed: '12345678901234567890' },
              drop: ['user'],
              timeouts: { headersMs: 100 },
            }),
            target('openai/gpt-4o', {
              overrides: { temperature: '1.0', seed: '12345678901234567890' },
              defaults: { top_p: '0.50' },
              drop: ['user'],
              timeouts: { headersMs: 100 },
            }),
          ],
        },
      ],
    })
    expect(
      read('{"provider":"openai","retry":{"attempts":2,"on_status_codes":[504,429,500,502,503],"use_retry_after_header":true}}').retries,
    ).toBe(2)
  })

  it.each<readonly [string, unknown]>([
    ['pc-my-config-1234', malformed(ROOT)],
    ['{"provider":', malformed(ROOT)],
    ['{"provider":"openai","provider":"groq"}', malformed(ROOT)],
    ['{"provider":"openai","api_key":"sk-x"}', unsupported(`${ROOT}.api_key`)],
    ['{"virtual_key":"vk"}', unsupported(`${ROOT}.virtual_key`)],
    ['{"provider":"openai","custom_host":"http://10.0.0.1"}', unsupported(`${ROOT}.custom_host`)],
    ['{"provider":"openai","cache":{"mode":"simple"}}', unsupported(`${ROOT}.cache`)],
    ['{"provider":"openai","forward_headers":["x"]}', unsupported(`${ROOT}.forward_headers`)],
    ['{"provider":"openai","before_request_hooks":[]}', unsupported(`${ROOT}.before_request_hooks`)],
    ['{"provider":"openai","input_guardrails":[]}', unsupported(`${ROOT}.input_guardrails`)],
    ['{"provider":"openai","aws_secret_access_key":"x"}', unsupported(`${ROOT}.aws_secret_access_key`)],
    [
      '{"strategy":{"mode":"fallback"},"targets":[{"provider":"openai"},{"provider":"groq","virtual_key":"x"}]}',
      unsupported(`${ROOT}.targets[1].virtual_key`),
    ],
    ['{"strategy":{"mode":"fallback","cb_config":{}},"targets":[{"provider":"openai"}]}', unsupported(`${ROOT}.strategy.cb_config`)],
    [
      '{"strategy":{"mode":"loadbalance","sticky":{"enabled":true}},"targets":[{"provider":"openai"}]}',
      unsupported(`${ROOT}.strategy.sticky`),
    ],
    ['{"targets":[{"provider":"openai"},{"provider":"groq","api_key":"x"}]}', unsupported(`${ROOT}.targets[1].api_key`)],
    ['{"strategy":{"mode":"best"},"targets":[{"provider":"openai"}]}', malformed(`${ROOT}.strategy.mode`)],
    ['{"strategy":{"mode":"fallback"}}', malformed(`${ROOT}.targets`)],
    ['{"targets":[]}', malformed(`${ROOT}.targets`)],
    ['{"targets":["openai"]}', malformed(`${ROOT}.targets[0]`)],
    [
      '{"strategy":{"mode":"fallback","on_status_codes":[200]},"targets":[{"provider":"openai"}]}',
      malformed(`${ROOT}.strategy.on_status_codes[0]`),
    ],
    ['{"provider":"openai","retry":{"attempts":6}}', malformed(`${ROOT}.retry.attempts`)],
    ['{"provider":"openai","retry":{"attempts":1,"on_status_codes":[400]}}', unsupported(`${ROOT}.retry.on_status_codes`)],
    [
      '{"targets":[{"provider":"openai","retry":{"attempts":1}},{"provider":"groq"}],"strategy":{"mode":"fallback"}}',
      unsupported(`${ROOT}.retry`),
    ],
    ['{"provider":"openai","override_params":{"stream":true}}', unsupported(`${ROOT}.override_params.stream`)],
    ['{"provider":"openai","override_params":{"models":["x"]}}', unsupported(`${ROOT}.override_params.models`)],
    ['{"provider":"openai","override_params":{"a.b":1}}', malformed(`${ROOT}.override_params`)],
    ['{"provider":"openai","override_params":{"model":5}}', malformed(`${ROOT}.override_params.model`)],
    ['{"provider":"openai","drop_params":["model"]}', unsupported(`${ROOT}.drop_params`)],
    ['{"provider":"openai","request_timeout":0}', malformed(`${ROOT}.request_timeout`)],
    [
      '{"strategy":{"mode":"conditional","conditions":[{"query":{"metadata.a":"b"},"then":"nobody"}]},"targets":[{"provider":"openai"}]}',
      malformed(`${ROOT}.strategy.conditions[0].then`),
    ],
  ])('%s is refused', (config, error) => expect(() => read(config)).toThrow(error as Error))

  it('has no query that could not be judged', () => {
    const long = JSON.stringify({ 'metadata.a': { $in: Array.from({ length: 60 }, () => 'x'.repeat(60)) } })
    expect(() =>
      read(`{"strategy":{"mode":"conditional","conditions":[{"query":${long},"then":"a"}]},"targets":[{"name":"a","provider":"openai"}]}`),
    ).toThrow(malformed(`${ROOT}.strategy.conditions[0].query`))
  })

  it('is bounded in depth and in targets', () => {
    const nested = Array.from({ length: 9 }).reduce<string>((inner) => `{"targets":[${inner}]}`, '{"provider":"openai"}')
    expect(() => read(nested)).toThrow(expect.objectContaining({ code: 'request-malformed' }))
    expect(() => read(`{"targets":[${Array.from({ length: 65 }, () => '{"provider":"openai"}').join()}]}`)).toThrow(
      malformed(`${ROOT}.targets`),
    )
  })
})

describe('a query', () => {
  type Said = { readonly [name: string]: JsonValue }
  const factsOf = (metadata: Said, params: Said) =>
    requestFacts({
      model: 'm',
      path: '/v1/chat/completions',
      member: (name) => (Object.hasOwn(params, name) ? JSON.stringify(params[name]) : null),
      headers: () => [],
      metadata,
      tags: [],
      user: null,
      session: null,
      keyId: 'k',
      promptTokens: 1,
      maxTokens: null,
      stream: false,
      budgetUsed: null,
      now: 0,
    })
  const holds = (query: JsonValue, metadata: Said = {}, params: Said = {}): boolean =>
    judgeCondition(celOf(query, 'q'), factsOf(metadata, params)) === 'holds'

  it.each<readonly [JsonValue, Said, Said, boolean]>([
    [{}, {}, {}, true],
    [{ 'metadata.plan': 'pro' }, { plan: 'pro' }, {}, true],
    [{ 'metadata.plan': 'pro' }, { plan: 'free' }, {}, false],
    [{ 'metadata.plan': 'pro' }, {}, {}, false],
    [{ 'metadata.plan': { $ne: 'pro' } }, {}, {}, true],
    [{ 'metadata.plan': { $ne: 'pro' } }, { plan: 'pro' }, {}, false],
    [{ 'metadata.plan': { $in: ['a', 5, null, 'pro'] } }, { plan: 'pro' }, {}, true],
    [{ 'metadata.plan': { $nin: ['a', 'pro'] } }, { plan: 'pro' }, {}, false],
    [{ 'metadata.plan': { $nin: ['a'] } }, {}, {}, true],
    [{ 'params.max_tokens': { $gt: 50, $lte: 100 } }, {}, { max_tokens: 100 }, true],
    [{ 'params.max_tokens': { $gte: 50, $lt: 100 } }, {}, { max_tokens: 100 }, false],
    [{ 'params.temperature': { $gt: -0.5 } }, {}, { temperature: 0.5 }, true],
    [{ 'params.reasoning.effort': 'high' }, {}, { reasoning: { effort: 'high' } }, true],
    [{ 'params.reasoning.effort': 'high' }, {}, {}, false],
    [{ 'params.stream': true }, {}, { stream: true }, true],
    [{ 'url.pathname': '/v1/chat/completions' }, {}, {}, true],
    [{ $or: [{ 'metadata.a': 'x' }, { 'metadata.b': 'y' }] }, { b: 'y' }, {}, true],
    [{ $and: [{ 'metadata.a': 'x' }, { 'metadata.b': 'y' }] }, { b: 'y' }, {}, false],
    [{ 'metadata.n': { $gt: 5 } }, { n: 'five' }, {}, false],
  ])('%j of %j %j: %s', (query, metadata, params, result) => expect(holds(query, metadata, params)).toBe(result))

  it.each(['" || true || "', '\\', '"] == 1 || metadata["x', '\n', '\u2028', '${1}', "'"])(
    'takes %j as a word and never as code',
    (word) => {
      expect(holds({ 'metadata.plan': word }, { plan: 'pro' })).toBe(false)
      expect(holds({ 'metadata.plan': word }, { plan: word })).toBe(true)
      if (!word.includes('.')) expect(holds({ [`metadata.${word}`]: 'pro' }, { plan: 'pro' })).toBe(false)
    },
  )

  it.each<readonly [JsonValue, string]>([
    [{ 'metadata.a': { $regex: '(a+)+$' } }, 'request-unsupported'],
    [{ 'metadata.a': { $where: '1' } }, 'request-malformed'],
    [{ $nor: [] }, 'request-malformed'],
    [{ 'headers.authorization': 'x' }, 'request-malformed'],
    [{ metadata: 'x' }, 'request-malformed'],
    [{ 'metadata..a': 'x' }, 'request-malformed'],
    [{ 'metadata.a': { $gt: true } }, 'request-malformed'],
    [{ 'metadata.a': { $eq: {} } }, 'request-malformed'],
    [{ 'metadata.a': 'half \ud800' }, 'request-malformed'],
    [{ $or: [] }, 'request-malformed'],
    ['x', 'request-malformed'],
  ])('%j is a %s', (query, code) => expect(() => celOf(query, 'q')).toThrow(expect.objectContaining({ code })))
})
