// Routers' names on the whole path of a request: which model is called, what can never be called whatever the prompt says, what is told and booked.

import { describe, expect, it } from 'vitest'
import { createCatalogue } from '../../../src/catalogue/index.ts'
import { EVERYTHING, type Permits } from '../../../src/core/permits.ts'
import type { Decision } from '../../../src/gateway/telling/decision.ts'
import { ModelMemory } from '../../../src/gateway/planning/model-memory.ts'
import { isSameOrder, replay } from '../../../src/gateway/telling/replay.ts'
import type { Deps } from '../../../src/ports.ts'
import { NOTHING_LEARNED, type Learned } from '../../../src/routing/choosing/contract.ts'
import { NO_LEARNING } from '../../../src/routing/choosing/port.ts'
import { CacheMemory } from '../../../src/gateway/planning/cache-memory.ts'
import { capability, readingClassifier, scoresAround } from '../../support/choosing.ts'
import { failing, fakePlaces, said, type Places, type PlacesWorld } from '../../support/fake-places.ts'

const NANO = 'openai/gpt-5-nano'
const MINI = 'openai/gpt-5-mini'
const FULL = 'openai/gpt-5'
const LLAMA = 'meta-llama/llama-3.3-70b-instruct'
const ROWS = { [NANO]: 0.62, [MINI]: 0.75, [FULL]: { else: 0.88, law: 0.7 }, [LLAMA]: { else: 0.66, law: 0.9 }, 'qwen/qwen3-32b': 0.7 }
const MODELS = [...Object.keys(ROWS), 'nobody/has-this-one']
const OPENAI = '/v1/chat/completions'

type World = PlacesWorld & { readonly learned?: Partial<Learned>; readonly places?: readonly string[]; readonly answer?: () => Response }

function gateway({ learned, places = ['openai', 'groq'], answer = () => said('Hi'), ...world }: World = {}): Places & {
  readonly classifier: ReturnType<typeof readingClassifier>
} {
  // prettier-ignore
  const classifier = readingClassifier()
  const deps: Partial<Deps> = {
    classifier,
    abilities: { capability: capability(ROWS), models: MODELS },
    ...(learned === undefined ? {} : { learning: { ...NO_LEARNING, of: () => ({ ...NOTHING_LEARNED, ...learned }) } }),
    ...world.deps,
  }
  const made = fakePlaces(places, answer, { ...world, deps })
  return Object.assign(made, { classifier })
}

const chat = (model: string, prompt: string, more: object = {}): object => ({
  model,
  messages: [{ role: 'user', content: prompt }],
  ...more,
})
const HARD = 'score=0.98 prove it'
const EASY = 'score=0.02 hi'

async function ask(places: Places, model: string, prompt: string, more: object = {}, language = 'openai-chat'): Promise<Response> {
  return places.ask(language, chat(model, prompt, more), language === 'openai-chat' ? { at: OPENAI } : {})
}

async function called(world: World, model: string, prompt: string, more: object = {}, language = 'openai-chat'): Promise<string> {
  const places = gateway(world)
  const response = await ask(places, model, prompt, more, language)
  const text = await response.text()
  return response.status === 200 ? (places.called[0] ?? '') : `${response.status} ${text}`
}

describe('a router’s name', () => {
  it('whose whole pool is down asks eight of it and no more; a route’s own targets are all asked', async () => {
    const models = [...createCatalogue(null).list()]
      .filter(({ provider, mode, price }) => provider === 'openai' && mode === 'chat' && price !== null)
      .flatMap(({ openrouterId }) => (openrouterId === undefined ? [] : [openrouterId]))
      .filter((id, index, all) => all.indexOf(id) === index)
      .slice(0, 12)
    expect(models).toHaveLength(12)
    const down = (): Response => failing(500)
    const deps: Partial<Deps> = { abilities: { capability: capability({}), models } }
    const pool = gateway({ places: ['openai'], answer: down, deps })
    expect((await ask(pool, 'sluice/auto', HARD)).status).toBeGreaterThanOrEqual(500)
    expect(new Set(pool.called).size).toBe(8)
    const routes = { routes: [{ name: 'all', strategy: 'auto' as const, targets: models }] }
    const route = gateway({ places: ['openai'], answer: down, deps, routes })
    expect((await ask(route, 'all', HARD)).status).toBeGreaterThanOrEqual(500)
    expect(new Set(route.called).size).toBe(12)
  })

  it('is the strongest or the cheapest that will do, on every mount and in every language', async () => {
    for (const [model, easy, hard] of [
      ['sluice/auto', 'openai/gpt-5', 'openai/gpt-5'],
      ['sluice/balanced', 'openai/gpt-5-nano', 'openai/gpt-5'],
      ['sluice/aggressive', 'openai/gpt-5-nano', 'openai/gpt-5'],
    ] as const) {
      for (const language of ['openai-chat', 'openrouter']) {
        expect(await called({}, model, EASY, {}, language)).toBe(easy)
        expect(await called({}, model, HARD, {}, language)).toBe(hard)
      }
    }
    const places = gateway()
    await places.ask('anthropic-messages', { ...chat('sluice/balanced', HARD), max_tokens: 100 })
    await places.ask('openai-responses', { model: 'sluice/balanced', input: HARD })
    await places.ask(
      'gemini',
      { contents: [{ role: 'user', parts: [{ text: HARD }] }] },
      { at: '/v1beta/models/sluice/balanced:generateContent' },
    )
    expect(places.called).toEqual(['openai/gpt-5', 'openai/gpt-5', 'openai/gpt-5'])
    expect(places.classifier.asked.map(({ prompt }) => prompt)).toEqual([HARD, HARD, HARD])
  })

  it('of OpenRouter’s is our own router, and chooses by the task', async () => {
    for (const name of ['openrouter/auto', 'openrouter/auto-beta', 'sluice/auto']) {
      expect(await called({ places: ['openai', 'groq', 'openrouter'] }, name, 'task=law score=0.6')).toBe('groq/llama-3.3-70b-versatile')
      expect(await called({}, name, 'task=law score=0.6', {}, 'openrouter')).toBe('groq/llama-3.3-70b-versatile')
    }
    // OpenRouter's own is still to be had, at its place.
    expect(await called({ places: ['openai', 'openrouter'] }, 'openrouter/openrouter/auto', EASY)).toBe('openrouter/openrouter/auto')
  })

  it('is the operator’s own where he gives it a meaning, and may be a target of his', async () => {
    const routes = { aliases: { 'sluice/auto': 'groq/llama-3.3-70b-versatile' } }
    expect(await called({ routes }, 'sluice/auto', HARD)).toBe('groq/llama-3.3-70b-versatile')
    const named = { routes: [{ name: 'smart', targets: ['sluice/balanced'] }] }
    expect(await called({ routes: named }, 'smart', HARD)).toBe('openai/gpt-5')
  })

  it('takes its default where nobody judges, and is nobody’s where nothing is known of models', async () => {
    expect(await called({ deps: { classifier: null } }, 'sluice/aggressive', EASY)).toBe('openai/gpt-5')
    expect(await called({}, 'sluice/aggressive', 'abstain score=0')).toBe('openai/gpt-5')
    expect(await called({}, 'sluice/balanced', 'needs-info score=0.99')).toBe('openai/gpt-5-nano')
    expect(await called({ deps: { abilities: null } }, 'sluice/auto', EASY)).toMatch(/^404 .*sluice\/auto/)
    expect(await called({ places: ['anthropic'] }, 'sluice/auto', EASY)).toContain('is set up here')
  })

  it('falls back upwards when the cheap one is out', async () => {
    const places = gateway({ answer: () => (places.calls.length === 1 ? failing(404) : said('Hi')) })
    const response = await ask(places, 'sluice/balanced', EASY)
    expect([response.status, places.called[0]]).toEqual([200, 'openai/gpt-5-nano'])
    expect(places.called.at(-1)).not.toBe('openai/gpt-5-nano')
  })

  it('is no embedding, and no free model where none is', async () => {
    const places = gateway()
    for (const [language, model, at] of [
      ['openai-embeddings', 'sluice/auto', '/v1/embeddings'],
      ['openai-embeddings', 'openrouter/auto', '/v1/embeddings'],
      ['openai-image-generations', 'openrouter/auto', '/v1/images/generations'],
      ['openai-speech', 'sluice/balanced', '/v1/audio/speech'],
    ] as const) {
      const said = gateway({ places: ['openai', 'groq', 'openrouter', 'together', 'xai'] })
      const refused = await said.ask(language, { model, input: 'a', prompt: 'a', voice: 'alloy' }, { at })
      expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(`${model} chooses between models for chats`)])
      expect(said.called).toEqual([])
    }
    expect(await called({}, 'openrouter/free', EASY)).toContain('is set up here')
    expect(places.called).toEqual([])
    const free = gateway({ places: ['openai', 'openrouter'] })
    await ask(free, 'openrouter/free', EASY, {}, 'openrouter')
    for (const one of free.asked[0]?.candidates ?? []) expect(one.worst).toMatchObject({ inputPico: 0, outputPico: 0 })
    expect(free.asked[0]?.candidates.length ?? 0).toBeGreaterThan(0)
    // It is in the catalogue, costs nothing, takes pictures, and answers any chat with whether it is safe.
    expect(free.asked[0]?.candidates.map(({ model }) => model).filter((model) => model.includes('safety'))).toEqual([])
  })

  it('that has nobody leaves the request to what the client names beside it', async () => {
    const beside = { models: ['openai/gpt-4o-mini'], plugins: [{ id: 'auto-router', allowed_models: ['nobody/*'] }] }
    expect(await called({}, 'sluice/auto', EASY, beside)).toBe('openai/gpt-4o-mini')
    expect(await called({}, 'sluice/auto', EASY, { ...beside, disable_fallbacks: true })).toMatch(/^404 .*allowed_models/)
  })

  it('that has nobody left by what the client says is nobody else’s name either', async () => {
    const places = gateway({ places: ['openai', 'openrouter'], answer: () => failing(503) })
    const plugins = [{ id: 'auto-router', allowed_models: ['nobody/*'] }]
    await ask(places, 'openai/gpt-4o-mini', EASY, { models: ['openrouter/auto'], plugins, disable_fallbacks: false }, 'openrouter')
    expect(places.called.filter((one) => one.includes('auto'))).toEqual([])
    expect(places.called.length).toBeGreaterThan(0)
  })

  it('goes where a tool that the provider runs can be run, which only its own language has', async () => {
    const world: World = { places: ['openai', 'anthropic', 'groq'], deps: { abilities: { capability: capability({ [FULL]: 0.95, 'anthropic/claude-haiku-4.5': 0.5 }), models: [FULL, 'anthropic/claude-haiku-4.5'] } } } // prettier-ignore
    const search = { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }], max_tokens: 100 }
    expect(await called(world, 'sluice/auto', HARD, { max_tokens: 100 }, 'anthropic-messages')).toBe('openai/gpt-5')
    expect(await called(world, 'sluice/auto', HARD, search, 'anthropic-messages')).toBe('anthropic/claude-haiku-4-5')
    // Where nobody could, it goes where it would have gone, and is told what was left out.
    const without = gateway({ places: ['openai'] })
    const response = await ask(without, 'sluice/auto', HARD, search, 'anthropic-messages')
    expect([response.status, response.headers.get('x-sluice-dropped')]).toEqual([200, 'tools[0]'])
  })

  it('keeps admission cheap: at most two places of a model, all of them priced', async () => {
    const places = gateway({ places: ['openai', 'groq', 'azure', 'openrouter', 'deepinfra', 'fireworks', 'together'] })
    await ask(places, 'sluice/auto', EASY)
    const asked = places.asked[0]?.candidates ?? []
    expect(asked.length).toBeLessThanOrEqual(2 * MODELS.length)
    expect(asked.length).toBeGreaterThan(MODELS.length)
    for (const { worst } of asked) expect(worst).not.toBeNull()
  })
})

describe('no prompt reaches above', () => {
  const limited: Permits = { ...EVERYTHING, models: ['openai/gpt-5-nano', 'qwen/*'] } as Permits

  it('what the key may use', async () => {
    for (const name of ['sluice/auto', 'openrouter/auto', 'sluice/balanced']) {
      const places = gateway({ permits: limited })
      const response = await ask(places, name, HARD)
      expect(response.status).toBe(200)
      expect(['openai/gpt-5-nano', 'groq/qwen/qwen3-32b']).toContain(places.called[0])
    }
    const none = gateway({ permits: { ...EVERYTHING, models: ['anthropic/*'] } as Permits })
    expect((await ask(none, 'sluice/auto', HARD)).status).toBeGreaterThanOrEqual(400)
    expect(none.called).toEqual([])
  })

  it('the places that the request itself leaves', async () => {
    expect(await called({}, 'sluice/auto', HARD, { provider: { only: ['groq'] } })).toMatch(/^groq\//)
    expect(await called({}, 'openrouter/auto', HARD, { provider: { only: ['groq'] } }, 'openrouter')).toMatch(/^groq\//)
    expect(await called({}, 'sluice/auto', HARD, { provider: { max_price: { prompt: 0.1, completion: 1 } } })).toBe('openai/gpt-5-nano')
    expect(await called({}, 'sluice/auto', HARD, { provider: { ignore: ['openai'] } })).toMatch(/^groq\//)
  })

  it('the key’s share of expensive answers', async () => {
    const learned = { lately: { decisions: 100, expensive: 99 } }
    expect(await called({ learned }, 'sluice/balanced', HARD)).not.toBe('openai/gpt-5')
    expect(await called({ learned: { ...learned, expensiveShare: 0.5 } }, 'sluice/auto', HARD)).not.toBe('openai/gpt-5')
    expect(await called({ learned }, 'sluice/auto', HARD)).toBe('openai/gpt-5')
  })
})

describe('what a model cannot do is known before anybody is compared', () => {
  it('pictures, tools, forms and lengths', async () => {
    const image = { messages: [{ role: 'user', content: [{ type: 'text', text: 'task=law score=0.6' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }] } // prettier-ignore
    expect(await called({}, 'sluice/auto', '', image)).toMatch(/^openai\//)
    const schema = { response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' }, strict: true } } }
    expect(await called({}, 'sluice/auto', 'task=law score=0.6', schema)).toMatch(/^openai\//)
    const tools = { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }] }
    const rows = { [NANO]: 0.6, 'perplexity/sonar': 0.95 }
    const deps = { abilities: { capability: capability(rows), models: Object.keys(rows) } }
    const there = { deps, places: ['openai', 'perplexity'] }
    expect(await called(there, 'sluice/auto', HARD)).toBe('perplexity/sonar')
    expect(await called(there, 'sluice/auto', HARD, tools)).toBe('openai/gpt-5-nano')
    const routes = { routes: [{ name: 'mine', strategy: 'auto' as const, targets: ['perplexity/sonar', 'openai/gpt-5-nano'] }] }
    expect(await called({ ...there, routes }, 'mine', HARD)).toBe('perplexity/sonar')
    expect(await called({ ...there, routes }, 'mine', HARD, tools)).toBe('openai/gpt-5-nano')
    // A hundred and fifty thousand words fit the large windows only, however much better the other is at law.
    expect(await called({}, 'sluice/auto', `task=law score=0.6 ${'Some words are longer. '.repeat(50_000)}`)).toMatch(/^openai\//)
  })
})

describe('the auto-router plugin', () => {
  const plugin = (more: object): object => ({ plugins: [{ id: 'auto-router', ...more }] })

  it('narrows the pool by patterns, and adds models by name', async () => {
    const law = 'task=law score=0.6'
    const at = (more: object, prompt = law): Promise<string> => called({ places: ['openai', 'groq', 'deepseek'] }, 'openrouter/auto', prompt, plugin(more), 'openrouter') // prettier-ignore
    expect(await at({})).toBe('groq/llama-3.3-70b-versatile')
    expect(await at({ allowed_models: ['openai/*'] })).toMatch(/^openai\//)
    expect(await at({ allowed_models: ['openai/*', 'meta-llama/*'], excluded_models: ['meta-llama/*'] })).toMatch(/^openai\//)
    expect(await at({ allowed_models: ['openai/gpt-5-nano'] })).toBe('openai/gpt-5-nano')
    expect(await at({ allowed_models: ['deepseek/deepseek-r1'] })).toMatch(/^deepseek\//)
    expect(await at({ allowed_models: ['anthropic/*'] })).toMatch(/No model of openrouter\/auto is left by allowed_models/)
    expect(await at({ allowed_models: ['anthropic/*'], enabled: false })).toBe('groq/llama-3.3-70b-versatile')
    expect(await called({}, 'openrouter/auto-beta', law, { plugins: [{ id: 'auto-beta-router', excluded_models: ['*llama*'] }] }, 'openrouter')).toMatch(/^openai\/gpt-5|^groq\/qwen/) // prettier-ignore
  })

  it('says how much a price counts', async () => {
    const at = (more: object): Promise<string> => called({}, 'openrouter/auto', 'score=0.5', plugin(more), 'openrouter')
    expect(await at({ cost_quality_tradeoff: 0 })).toBe('openai/gpt-5')
    expect(await at({ cost_quality_tradeoff: 10 })).toBe('openai/gpt-5-nano')
    expect(await at({ cost_tier: 'low', cost_quality_tradeoff: 0 })).toBe('openai/gpt-5-nano')
    expect(await at({ cost_tier: 'max', cost_quality_tradeoff: 10 })).toBe('openai/gpt-5')
  })

  it('keeps the model of the newest answer that names one', async () => {
    const messages = [{ role: 'user', content: HARD }, { role: 'assistant', content: 'Well.', model: NANO }, { role: 'user', content: 'And?' }] // prettier-ignore
    expect(
      await called({}, 'openrouter/auto', '', { messages, ...plugin({ pin_model: true, cost_quality_tradeoff: 0 }) }, 'openrouter'),
    ).toBe('openai/gpt-5-nano')
    expect(await called({}, 'openrouter/auto', '', { messages, ...plugin({ cost_quality_tradeoff: 0 }) }, 'openrouter')).toBe(
      'openai/gpt-5',
    )
  })

  it('never goes on to a place, and means nothing to a name that is no router’s', async () => {
    const places = gateway()
    await ask(places, 'openrouter/auto', HARD, plugin({}))
    await ask(places, 'openrouter/auto', HARD, plugin({}), 'openrouter')
    await ask(places, NANO, HARD, plugin({ allowed_models: [FULL] }), 'openrouter')
    expect(places.calls).toHaveLength(3)
    expect(places.called[2]).toBe('openai/gpt-5-nano')
    for (const { text } of places.calls) expect(text).not.toContain('plugins')
    expect(places.asked[0]?.candidates[0]?.inputTokens).toBeLessThan(2000) // the plugin is no tool that reads more
  })

  it('of a wrong type is a 400 with its path, and nobody is called', async () => {
    for (const [plugins, at] of [
      ['auto', 'plugins'],
      [[7], 'plugins[0]'],
      [[{ id: 'auto-router', allowed_models: 'a' }], 'plugins[0].allowed_models'],
      [[{ id: 'auto-router', allowed_models: ['a', 3] }], 'plugins[0].allowed_models[1]'],
      [[{ id: 'auto-router', excluded_models: Array.from({ length: 1025 }, () => 'a') }], 'plugins[0].excluded_models'],
      [[{ id: 'auto-router', cost_tier: 'huge' }], 'plugins[0].cost_tier'],
      [[{ id: 'auto-router', cost_quality_tradeoff: 11 }], 'plugins[0].cost_quality_tradeoff'],
      [[{ id: 'auto-router', pin_model: 'yes' }], 'plugins[0].pin_model'],
      [[{ id: 'auto-router', enabled: 1 }], 'plugins[0].enabled'],
      [[{ id: 'auto-router' }, { id: 'web' }], 'plugins[1]'],
    ] as const) {
      const places = gateway()
      const response = await ask(places, 'openrouter/auto', HARD, { plugins }, 'openrouter')
      expect(response.status).toBe(400)
      expect(await response.text()).toContain(at)
      expect(places.called).toEqual([])
    }
  })
})

describe('a conversation', () => {
  it('keeps its model over plain turns while its tenant’s traffic shifts, and goes up when something harder is asked', async () => {
    let middle = 0.3
    const shared = { modelMemory: new ModelMemory(), cacheMemory: new CacheMemory() }
    const places = gateway({
      deps: { ...shared, learning: { ...NO_LEARNING, of: () => ({ ...NOTHING_LEARNED, scores: scoresAround(middle) }) } },
    })
    const messages: object[] = []
    const turn = async (text: string): Promise<string> => {
      messages.push({ role: 'user', content: text })
      const response = await ask(places, 'sluice/aggressive', '', { messages })
      await response.text()
      messages.push({ role: 'assistant', content: 'Yes. '.repeat(200) })
      return places.called.at(-1) ?? ''
    }
    const alone = async (score: number, at: number): Promise<string> =>
      called({ learned: { scores: scoresAround(at) } }, 'sluice/aggressive', `score=${score} hello`)
    // A score at which a new conversation is sent elsewhere as soon as the traffic shifts a little.
    let score = 0
    while (score < 1 && (await alone(score, 0.27)) === (await alone(score, 0.33))) score = Math.round((score + 0.01) * 100) / 100
    expect(score).toBeLessThan(1)
    const first = await turn(`score=${score} hello`)
    const others = new Set<string>()
    for (let i = 0; i < 20; i++) {
      middle = 0.3 + 0.03 * (i % 2 === 0 ? 1 : -1)
      others.add(await alone(score, middle))
      expect(await turn('score=0.01 and then')).toBe(first)
    }
    expect(others.size).toBeGreaterThan(1) // without its memory it would have moved
    expect(await turn(HARD)).toBe('openai/gpt-5')
    expect(await turn('score=0.01 thanks')).toBe('openai/gpt-5')
  })

  it('that begins as another one did is not taken for it; one with a name is', async () => {
    const places = gateway({ deps: { modelMemory: new ModelMemory() } })
    const first = async (text: string, more: object = {}): Promise<string> => {
      const messages = [
        { role: 'user', content: EASY },
        ...(text === ''
          ? []
          : [
              { role: 'assistant', content: 'Hello.' },
              { role: 'user', content: text },
            ]),
      ]
      await (await ask(places, 'sluice/balanced', '', { messages, ...more }, 'openrouter')).text()
      return places.called.at(-1) ?? ''
    }
    expect([await first(''), await first(HARD), await first('')]).toEqual(['openai/gpt-5-nano', 'openai/gpt-5', 'openai/gpt-5-nano'])
    const session = { session_id: 's-1', provider: { only: ['groq'] } }
    const kept = await first(HARD, session)
    expect(kept).toMatch(/^groq/)
    expect(await first(HARD, { session_id: 's-1' })).toBe(kept) // nothing harder is asked than what it was given for
    expect(await first(HARD, { session_id: 's-2' })).toBe('openai/gpt-5')
  })

  it('of an agent, one question and many tool calls, stays though the traffic shifts', async () => {
    let middle = 0.27
    const places = gateway({
      deps: {
        modelMemory: new ModelMemory(),
        learning: { ...NO_LEARNING, of: () => ({ ...NOTHING_LEARNED, scores: scoresAround(middle) }) },
      },
    })
    const alone = async (score: number, at: number): Promise<string> => called({ learned: { scores: scoresAround(at) } }, 'sluice/aggressive', `score=${score} fix it`) // prettier-ignore
    let score = 0
    while (score < 1 && (await alone(score, 0.27)) === (await alone(score, 0.33))) score = Math.round((score + 0.01) * 100) / 100
    expect(score).toBeLessThan(1)
    const messages: object[] = [{ role: 'user', content: `score=${score} fix it` }]
    for (let step = 0; step < 8; step++) {
      middle = step % 2 === 0 ? 0.27 : 0.33
      await (await ask(places, 'sluice/aggressive', '', { messages })).text()
      messages.push({
        role: 'assistant',
        content: null,
        tool_calls: [{ id: `c${step}`, type: 'function', function: { name: 'f', arguments: '{}' } }],
      })
      messages.push({ role: 'tool', tool_call_id: `c${step}`, content: 'done' })
    }
    expect(new Set(places.called)).toEqual(new Set([await alone(score, 0.27)]))
  })

  it('goes to the same model in an isolate that has never seen it', async () => {
    const turns = (count: number): object[] => [
      ...Array.from({ length: count }, (_, i) => [
        { role: 'user', content: i === 1 ? HARD : EASY },
        { role: 'assistant', content: 'Yes.' },
      ]).flat(),
      { role: 'user', content: EASY },
    ]
    const got: string[] = []
    for (let count = 0; count < 8; count++) got.push(await called({}, 'sluice/balanced', '', { messages: turns(count) }))
    expect(got).toEqual(['openai/gpt-5-nano', 'openai/gpt-5-nano', ...Array.from({ length: 6 }, () => 'openai/gpt-5')])
  })
})

describe('what is told', () => {
  const decisionIn = (response: Response): Decision =>
    JSON.parse(decodeURIComponent(response.headers.get('x-sluice-decision') ?? '')) as Decision

  it('names the model that answered, what the request was judged as, and books the right one', async () => {
    const places = gateway()
    const response = await places.ask('openai-chat', chat('sluice/auto', 'task=law score=0.6'), {
      at: OPENAI,
      headers: { 'x-sluice-route': 'explain' },
    })
    const answer = (await response.json()) as { readonly model: string }
    expect(answer.model).not.toBe('sluice/auto')
    expect(response.headers.get('x-sluice-model')).toBe('llama-3.3-70b-versatile')
    expect(response.headers.get('x-sluice-difficulty')).toBe('medium; task=law')
    const decision = decisionIn(response)
    expect(decision).toMatchObject({ requested: 'sluice/auto', route: null, judged: { difficulty: 'medium', score: 0.6, task_type: 'law', abstains: false, classifier: 'fake' } }) // prettier-ignore
    expect(decision.targets[0]).toMatchObject({ id: 'groq/llama-3.3-70b-versatile', position: 0, why: 'better' })
    expect(JSON.stringify(decision)).not.toContain('score=0.6')
    expect(places.settled[0]?.row).toMatchObject({ provider: 'groq', model: 'llama-3.3-70b-versatile' })
    const plain = await ask(gateway(), NANO, EASY)
    expect(plain.headers.has('x-sluice-difficulty')).toBe(false)
  })

  it('has no words of a message in it that stand where an answer names its model', async () => {
    for (const [model, first] of [
      ['the patient said', FULL],
      [MINI, MINI],
      ['groq/llama-3.3-70b-versatile', LLAMA],
    ] as const) {
      const messages = [{ role: 'user', content: HARD }, { role: 'assistant', content: 'Well.', model }, { role: 'user', content: 'And?' }] // prettier-ignore
      const body = { ...chat('openrouter/auto', ''), messages, plugins: [{ id: 'auto-router', pin_model: true, cost_quality_tradeoff: 0 }] }
      const places = gateway()
      const response = await places.ask('openrouter', body, { headers: { 'x-sluice-route': 'explain' } })
      expect([response.status, await response.json()]).toMatchObject([200, { model: first }])
      expect(JSON.stringify(places.settled[0]?.row)).not.toContain('patient')
    }
  })

  it('can be made again from the record, also of a large pool', async () => {
    const log: Decision[] = []
    for (const world of [{}, { learned: { scores: scoresAround(0.4), lately: { decisions: 90, expensive: 85 } } }, { places: ['openai', 'groq', 'azure', 'openrouter', 'deepinfra'] }])
      for (const name of ['sluice/auto', 'sluice/balanced', 'openrouter/auto']) {
        const places = gateway(world)
        const response = await places.ask('openai-chat', chat(name, 'task=law score=0.4'), { at: OPENAI, headers: { 'x-sluice-route': 'explain' } })
        expect(response.status).toBe(200)
        const row = places.settled[0]?.row
        const text = row === null || row === undefined ? '' : (row.decision ?? '')
        log.push(JSON.parse(text) as Decision)
      } // prettier-ignore
    for (const decision of log) {
      const again = replay(decision)
      expect(again).not.toBeNull()
      expect(isSameOrder(decision, again ?? [])).toBe(true)
      expect(isSameOrder(decision, replay({ ...decision, judged: undefined }) ?? [])).toBe(false)
    }
  })

  it('can be made again of the largest pool that there is', async () => {
    const catalogue = createCatalogue(null)
    const own = new Set(['openai', 'groq', 'deepseek', 'mistral', 'xai'])
    const chats = [...catalogue.list()].filter(({ mode, provider, price }) => mode === 'chat' && price !== null && own.has(provider))
    const models = [...new Set(chats.flatMap(({ openrouterId }) => openrouterId ?? []))].slice(0, 60)
    const abilities = { capability: capability(Object.fromEntries(models.map((model, i) => [model, 0.4123 + i / 131]))), models }
    const places = gateway({
      places: [...own, 'openrouter', 'azure', 'deepinfra'],
      deps: { abilities },
      learned: { scores: scoresAround(0.4123), lately: { decisions: 90, expensive: 5 } },
    })
    const sent = { at: OPENAI, headers: { 'x-sluice-route': 'explain' } }
    await (await places.ask('openai-chat', chat('sluice/balanced', 'task=law score=0.4'), sent)).text()
    const decision = JSON.parse(places.settled[0]?.row?.decision ?? '') as Decision
    expect(decision.targets.length).toBeGreaterThan(36)
    expect(isSameOrder(decision, replay(decision) ?? [])).toBe(true)
  })

  it('is in OpenRouter’s metadata', async () => {
    const places = gateway()
    const response = await places.ask('openrouter', chat('openrouter/auto', 'task=law score=0.6'), {
      headers: { 'x-openrouter-metadata': 'enabled' },
    })
    expect(await response.json()).toMatchObject({
      model: LLAMA,
      openrouter_metadata: { requested: 'openrouter/auto', strategy: 'auto', pipeline: [{ type: 'plugin', name: 'auto-router', data: { task_type: 'law', difficulty: 'medium', model: LLAMA } }] },
    }) // prettier-ignore
  })
})
