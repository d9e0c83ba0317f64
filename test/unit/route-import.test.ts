// Other gateways' configurations become good route documents, and what did not go into them is told.

import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkCondition } from '../../src/routing/conditions.ts'
import { checkRouteDocument } from '../../src/routing/document.ts'
import type { Imported } from '../../src/routing/import/imported.ts'
import { importLitellm } from '../../src/routing/import/litellm.ts'
import { importPreset } from '../../src/routing/import/openrouter-preset.ts'
import { portkeyCondition } from '../../src/routing/import/portkey-query.ts'
import { importPortkey } from '../../src/routing/import/portkey.ts'

/** What was imported, after it was checked. */
function good(imported: Imported): Imported {
  expect(checkRouteDocument(imported.document, checkCondition)).toMatchObject({ kind: 'good' })
  return imported
}
const noted = ({ notes }: Imported): readonly string[] => notes.map(({ path }) => path)

const LITELLM = `
model_list:
  - model_name: gpt-4o
    litellm_params: {model: azure/prod-gpt4o, api_base: https://eu.example.test, api_key: os.environ/AZURE_API_KEY, api_version: "2024-10-21", rpm: 900, tpm: 100000}
    model_info: {id: eu, base_model: azure/gpt-4o}
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 100, temperature: 0.2, timeout: 30, stream_timeout: 8}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-ant-secret-value, order: 1}
  - model_name: claude
    litellm_params: {model: bedrock/anthropic.claude-sonnet-4-5, aws_region_name: us-east-1, order: 2}
  - model_name: claude
    litellm_params: {model: vertex_ai/claude-sonnet-4-5, vertex_project: p, order: 2, weight: 3}
  - model_name: gemini/*
    litellm_params: {model: gemini/*, api_key: os.environ/GEMINI_API_KEY}
  - model_name: small fast
    litellm_params: {model: groq/llama-3.1-8b-instant, api_key: os.environ/GROQ_API_KEY_TEAM, max_parallel_requests: 3}
  - model_name: broken
router_settings:
  routing_strategy: simple-shuffle
  num_retries: 2
  timeout: 60
  cooldown_time: 30
  allowed_fails: 3
  model_group_alias: {gpt-4: gpt-4o, hidden-one: {model: claude, hidden: true}}
  fallbacks: [{gpt-4o: [claude]}, {claude: [gpt-4o]}, {nobody: [claude]}]
  provider_budget_config: {openai: {budget_limit: 10, time_period: 1d}}
litellm_settings:
  context_window_fallbacks: [{gpt-4o: ["gemini/gemini-2.5-pro"]}]
  content_policy_fallbacks: [{claude: ["small fast"]}]
  default_fallbacks: [gpt-4o]
  drop_params: true
  callbacks: [langfuse]
general_settings: {master_key: sk-1234}
`

describe('a LiteLLM config', () => {
  const imported = good(importLitellm(parse(LITELLM)))

  it('becomes routes of its model groups', () => {
    const shared = { retries: 2, timeouts: { headers_ms: 60_000 } }
    expect(imported.document).toEqual({
      aliases: { 'gpt-4': 'gpt-4o', 'hidden-one': 'claude' },
      routes: [
        {
          name: 'gpt-4o',
          strategy: 'weighted',
          targets: [
            { model: 'azure/prod-gpt4o', rpm: 900, tpm: 100_000, weight: 900 },
            {
              model: 'gpt-4o',
              rpm: 100,
              weight: 100,
              defaults: { temperature: 0.2 },
              timeouts: { headers_ms: 30_000, first_content_ms: 8000 },
            },
          ],
          fallbacks: ['claude'],
          context_fallbacks: ['gemini/gemini-2.5-pro'],
          ...shared,
        },
        {
          name: 'claude',
          strategy: 'priority',
          targets: [
            { model: 'anthropic/claude-sonnet-4-5', priority: 0 },
            {
              strategy: 'weighted',
              targets: ['bedrock/anthropic.claude-sonnet-4-5', { model: 'vertex/claude-sonnet-4-5', weight: 3 }],
              priority: 1,
            },
          ],
          fallbacks: ['gpt-4o'],
          content_fallbacks: ['small-fast'],
          ...shared,
        },
        { name: 'litellm:gemini/any', match: 'gemini/*', targets: ['google/*'], fallbacks: ['gpt-4o'], ...shared },
        { name: 'small-fast', targets: [{ model: 'groq/llama-3.1-8b-instant', credential: 'TEAM' }], fallbacks: ['gpt-4o'], ...shared },
      ],
    })
  })

  it('tells what was left out, and never a value', () => {
    expect(noted(imported)).toEqual(
      expect.arrayContaining([
        'model_list[0].litellm_params.api_base',
        'model_list[0].litellm_params.api_version',
        'model_list[2].litellm_params.api_key',
        'model_list[3].litellm_params.aws_region_name',
        'model_list[6].model_name',
        'model_list[6].litellm_params.api_key',
        'model_list[6].litellm_params.max_parallel_requests',
        'model_list[7]',
        'fallbacks[2].nobody',
        'router_settings.cooldown_time',
        'router_settings.provider_budget_config',
        'litellm_settings.drop_params',
        'litellm_settings.callbacks',
        'general_settings',
      ]),
    )
    for (const secret of ['sk-ant-secret-value', 'sk-1234', 'eu.example.test']) expect(JSON.stringify(imported)).not.toContain(secret)
  })

  it.each([
    ['least-busy', 'least-busy'],
    ['latency-based-routing', 'fastest'],
    ['usage-based-routing-v2', 'usage'],
    ['cost-based-routing', 'cheapest'],
  ])('has its strategy %s as %s', (theirs, ours) => {
    const two = ['a/b', 'c/d'].map((model) => ({ model_name: 'm', litellm_params: { model } }))
    const { document } = good(importLitellm({ model_list: two, router_settings: { routing_strategy: theirs } }))
    expect(document.routes?.[0]).toEqual({ name: 'm', strategy: ours, targets: ['a/b', 'c/d'] })
  })

  it('that is none is an empty document', () => {
    for (const none of [null, 'x', [], 3]) expect(importLitellm(none).document).toEqual({ routes: [] })
  })
})

const CONDITIONAL = `{
  "strategy": {
    "mode": "conditional",
    "conditions": [
      {"query": {"metadata.plan": {"$eq": "paid"}}, "then": "big"},
      {"query": {"$or": [{"params.temperature": {"$gt": 1}}, {"metadata.region": {"$in": ["eu", "uk"]}}]}, "then": "mid"},
      {"query": {"metadata.plan": {"$like": "x"}}, "then": "mid"}
    ],
    "default": "small"
  },
  "targets": [
    {"name": "small", "provider": "openai", "override_params": {"model": "small"}},
    {"name": "mid", "provider": "openai", "override_params": {"model": "mid"}},
    {"name": "big", "provider": "openai", "override_params": {"model": "big"}}
  ]
}`

describe('a Portkey config', () => {
  it('that falls back becomes a route by priority, with its codes and what targets inherit', () => {
    const imported = good(
      importPortkey(
        {
          strategy: { mode: 'fallback', on_status_codes: [429, 503] },
          request_timeout: 10_000,
          override_params: { temperature: 0 },
          retry: { attempts: 3, on_status_codes: [429] },
          cache: { mode: 'simple' },
          targets: [
            { provider: 'openai', api_key: 'sk-secret', override_params: { model: 'gpt-4o', max_tokens: 100 } },
            {
              strategy: { mode: 'loadbalance' },
              targets: [
                { virtual_key: 'anthropic-eu-1', provider: 'anthropic', weight: 0.7, override_params: { model: 'claude-sonnet-4-5' } },
                { provider: 'mistral-ai', weight: 0.3, override_params: { model: 'mistral-large-latest' }, drop_params: ['top_k'] },
              ],
            },
          ],
        },
        'chat',
        checkCondition,
      ),
    )
    expect(imported.document).toEqual({
      routes: [
        {
          name: 'chat',
          strategy: 'priority',
          retries: 3,
          timeouts: { headers_ms: 10_000 },
          overrides: { temperature: 0 },
          targets: [
            { model: 'openai/gpt-4o', overrides: { max_tokens: 100 } },
            {
              strategy: 'weighted',
              on_status: [429, 503],
              targets: [
                { model: 'anthropic/claude-sonnet-4-5', weight: 0.7, credential: 'anthropic-eu-1' },
                { model: 'mistral/mistral-large-latest', weight: 0.3, drop: ['top_k'] },
              ],
            },
          ],
        },
      ],
    })
    expect(noted(imported).toSorted()).toEqual([
      'cache',
      'retry.on_status_codes',
      'targets[0].api_key',
      'targets[1].targets[0].virtual_key',
    ])
    expect(JSON.stringify(imported)).not.toContain('sk-secret')
  })

  it('with conditions asks the first whose condition holds and nobody else', () => {
    const imported = good(importPortkey(parse(CONDITIONAL), 'chat', checkCondition))
    expect(imported.document.routes).toEqual([
      {
        name: 'chat',
        strategy: 'priority',
        single: true,
        targets: [
          { model: 'openai/big', when: 'metadata["plan"] == "paid"' },
          { model: 'openai/mid', when: '(params["temperature"] > 1 || metadata["region"] in ["eu", "uk"])' },
          'openai/small',
        ],
      },
    ])
    expect(noted(imported)).toEqual(['strategy.conditions[2].query'])
  })

  it('without a model takes the client’s', () => {
    const { document, notes } = good(importPortkey({ provider: 'openai', weight: 2 }, 'through', checkCondition))
    expect(document.routes).toEqual([{ name: 'through', match: 'through/*', targets: [{ model: 'openai/*', weight: 2 }] }])
    expect(notes).toHaveLength(1)
  })

  it.each([
    [{ 'metadata.a': 'x' }, 'metadata["a"] == "x"'],
    [{ 'params.n': { $gte: 1, $lt: 3 } }, '(params["n"] >= 1 && params["n"] < 3)'],
    [{ 'url.pathname': { $ne: '/v1/x' }, 'params.model': { $eq: 'm' } }, '(path != "/v1/x" && model == "m")'],
    [{ 'metadata.a': { $nin: [1, true] } }, '!(metadata["a"] in [1, true])'],
    [{ 'metadata.a': { $regex: '^x' } }, 'metadata["a"].matches("^x")'],
    [{ $and: [{ 'metadata.a': 1 }, { 'other.b': 2 }] }, null],
    [{}, null],
    ['x', null],
  ])('says the query %j as %j', (query, wanted) => {
    expect(portkeyCondition(query)).toBe(wanted)
  })
})

describe('an OpenRouter preset', () => {
  it('becomes a route of the name that its clients use', () => {
    const imported = good(
      importPreset(
        {
          data: {
            slug: 'email-copywriter',
            designated_version: {
              version: 3,
              system_prompt: 'You write letters.',
              config: { model: 'openai/gpt-4o', models: ['openai/gpt-4o', 'anthropic/claude-sonnet-4.5'], temperature: 0.7, provider: { sort: 'price', only: ['azure'], zdr: true }, plugins: [] }, // prettier-ignore
            },
          },
        },
        'other',
      ),
    )
    expect(imported.document).toEqual({
      routes: [
        {
          name: '@preset/email-copywriter',
          strategy: 'cheapest',
          targets: ['openai/gpt-4o', 'anthropic/claude-sonnet-4.5'],
          defaults: { temperature: 0.7 },
        },
      ],
    })
    expect(noted(imported)).toEqual(['system_prompt', 'config.plugins', 'config.provider.only', 'config.provider.zdr'])
  })

  it('may be its config alone', () => {
    expect(good(importPreset({ model: 'x/y', top_p: 0.5 }, 'mine')).document.routes).toEqual([
      { name: '@preset/mine', targets: ['x/y'], defaults: { top_p: 0.5 } },
    ])
  })
})
