// OpenRouter's preferences through the whole gateway, each by its name: who is called, in which order, and who never is.

import { describe, expect, it } from 'vitest'
import { failing, fakePlaces, said, type Places, type PlacesWorld } from '../../support/fake-places.ts'

const HOSTS = ['cerebras', 'deepinfra', 'groq', 'novita', 'sambanova', 'together']
const MODEL = 'openai/gpt-oss-120b'

/** All of them fail but the last, so that the whole order shows. `at`: who answers after all. */
async function order(body: object, world: PlacesWorld = {}, hosts: readonly string[] = HOSTS): Promise<readonly string[]> {
  const places = fakePlaces(hosts, () => failing(503), world)
  await asking(places, { num_retries: 0, ...body })
  return places.calls.map(({ provider }) => provider)
}

function asking(places: Places, body: object): Promise<Response> {
  return places.ask('openrouter', { model: MODEL, messages: [{ role: 'user', content: 'hi' }], ...body })
}

const sorted = (names: readonly string[]): readonly string[] => [...names].sort()

describe('without preferences', () => {
  it('goes from the cheapest on, and to every one', async () => {
    const all = await order({})
    expect(sorted(all)).toEqual(sorted(HOSTS))
    expect([all[0], all.at(-1)]).toEqual(['novita', 'cerebras'])
  })
})

describe('provider', () => {
  it('order: the named first, as they are named, then the others', async () => {
    const all = await order({ provider: { order: ['together', 'groq'] } })
    expect([all.slice(0, 2), sorted(all)]).toEqual([['together', 'groq'], sorted(HOSTS)])
  })

  it('allow_fallbacks: false: the first of the order and nobody else', async () => {
    expect(await order({ provider: { order: ['together', 'groq'], allow_fallbacks: false } })).toEqual(['together'])
  })

  it('only: nobody else is ever asked', async () => {
    expect(sorted(await order({ provider: { only: ['groq', 'sambanova'] } }))).toEqual(['groq', 'sambanova'])
  })

  it('ignore: who is named is never asked', async () => {
    expect(sorted(await order({ provider: { ignore: ['novita', 'deepinfra'] } }))).toEqual(['cerebras', 'groq', 'sambanova', 'together'])
  })

  it('sort: price from the cheapest on', async () => {
    const all = await order({ provider: { sort: 'price' } })
    expect([all[0], all.at(-1)]).toEqual(['novita', 'cerebras'])
  })

  it('sort: throughput and latency go by what is measured', async () => {
    const quantiles = (p50: number): { readonly p50: number; readonly p75: number; readonly p90: number; readonly p99: number } => ({
      p50,
      p75: p50,
      p90: p50,
      p99: p50,
    })
    const speeds = new Map(HOSTS.map((id, i) => [id, i + 1]))
    const world: PlacesWorld = {
      health: ({ provider }) => ({
        samples: 100,
        tokensPerSecond: quantiles(100 * (speeds.get(provider) ?? 0)),
        firstContentMs: quantiles(1000 * (speeds.get(provider) ?? 0)),
      }),
    }
    expect(await order({ provider: { sort: 'throughput' } }, world)).toEqual([...HOSTS].reverse())
    expect(await order({ provider: { sort: 'latency' } }, world)).toEqual(HOSTS)
  })

  it('sort.partition: none puts the places of all models in one order', async () => {
    const models = ['meta-llama/llama-3.3-70b-instruct', MODEL]
    const called = async (provider: object): Promise<Places> => {
      const world = fakePlaces(['cerebras', 'deepinfra', 'together'], () => failing(503))
      await asking(world, { model: models[0], models, num_retries: 0, provider })
      return world
    }
    const apart = await called({ sort: { by: 'price', partition: 'model' } })
    expect(apart.calls.map(({ text }) => text.includes('gpt-oss'))).toEqual([false, false, false, true, true, true])
    const one = await called({ sort: { by: 'price', partition: 'none' } })
    expect(one.calls.map(({ text }) => text.includes('gpt-oss'))).toEqual([false, true, true, true, false, false])
    const first = await called({ sort: { by: 'price', partition: 'none' }, allow_fallbacks: false })
    expect(first.called).toEqual(['deepinfra/meta-llama/Llama-3.3-70B-Instruct'])
    const ordered = await called({ order: ['cerebras'], sort: { by: 'price', partition: 'none' } })
    expect(ordered.called[0]).toBe('cerebras/llama-3.3-70b')
  })

  it('max_price: nobody dearer is asked', async () => {
    expect(sorted(await order({ provider: { max_price: { prompt: 0.15, completion: 0.6 } } }))).toEqual([
      'deepinfra',
      'groq',
      'novita',
      'together',
    ])
  })

  it('data_collection: deny and zdr: only who is known to keep to it, or of whom the operator says so', async () => {
    const routes = {
      providers: Object.fromEntries(HOSTS.map((id) => [id, { zdr: id === 'groq', collects_data: id !== 'groq' && id !== 'together' }])),
    }
    expect(sorted(await order({ provider: { data_collection: 'deny' } }, { routes }))).toEqual(['groq', 'together'])
    expect(await order({ provider: { zdr: true } }, { routes })).toEqual(['groq'])
  })

  it('quantizations: who is not known to have one stays where nothing is said, and where `unknown` is', async () => {
    const some = await order({ provider: { quantizations: ['fp8'] } })
    const more = await order({ provider: { quantizations: ['fp8', 'unknown'] } })
    expect([some, sorted(more)]).toEqual([[], sorted(HOSTS)])
  })

  it('require_parameters: only who takes all that is used', async () => {
    const all = await order({ parallel_tool_calls: false, tools: [{ type: 'function', function: { name: 'f', parameters: {} } }], provider: { require_parameters: true } }) // prettier-ignore
    expect(sorted(all)).toEqual(['cerebras', 'groq', 'novita', 'together'])
  })

  it('enforce_distillable_text: nobody of whom it is not known', async () => {
    expect(await order({ provider: { enforce_distillable_text: true } })).toEqual([])
  })

  it('preferred_max_latency and preferred_min_throughput: who misses them is asked last, not dropped', async () => {
    const slow = { p50: 9000, p75: 9000, p90: 9000, p99: 9000 }
    const all = await order(
      { provider: { preferred_max_latency: { p90: 5 } } },
      { health: ({ provider }) => (provider === 'novita' ? { samples: 50, firstContentMs: slow } : {}) },
    )
    expect([all.at(-1), all.length]).toEqual(['novita', HOSTS.length])
    const few = { p50: 3, p75: 3, p90: 3, p99: 3 }
    const other = await order(
      { provider: { preferred_min_throughput: 50 } },
      { health: ({ provider }) => (provider === 'novita' ? { samples: 50, tokensPerSecond: few } : {}) },
    )
    expect([other.at(-1), other.length]).toEqual(['novita', HOSTS.length])
  })

  it('models: the order holds for those that stand in too', async () => {
    const places = fakePlaces(['cerebras', 'groq', 'together'], () => failing(503))
    await asking(places, {
      models: [MODEL, 'meta-llama/llama-3.3-70b-instruct'],
      num_retries: 0,
      provider: { order: ['together', 'cerebras'], allow_fallbacks: true },
    })
    expect(places.calls.map(({ provider }) => provider)).toEqual(['together', 'cerebras', 'groq', 'together', 'cerebras', 'groq'])
  })
})

describe('a name', () => {
  it(':floor and :nitro sort, and are not sent', async () => {
    const places = fakePlaces(HOSTS, () => said('hi'))
    await asking(places, { model: `${MODEL}:floor` })
    expect(places.called).toEqual(['novita/openai/gpt-oss-120b'])
  })
})
