// From a name to a tree of places: aliases, routes, what `*` stands for, conditions that are known late, fallbacks and theirs.

import { describe, expect, it } from 'vitest'
import { resolve, type Naming } from '../../src/gateway/planning/resolve.ts'
import { leavesOf, mayFollow } from '../../src/gateway/planning/tree.ts'
import { PLAIN_USE, type Branch, type Route, type RouteTable } from '../../src/routing/contract.ts'

const target = (name: string): Branch => ({ kind: 'target', name, use: PLAIN_USE })
const route = (name: string, more: Partial<Route> & { readonly to?: readonly string[] } = {}): Route => ({
  name,
  match: [name],
  when: null,
  tree: { kind: 'group', strategy: 'priority', settings: {}, use: PLAIN_USE, branches: (more.to ?? [`p/${name}`]).map(target) },
  fallbacks: [],
  contextFallbacks: [],
  contentFallbacks: [],
  retries: null,
  deadlineMs: null,
  learnsTimeouts: false,
  hedge: null,
  continues: false,
  shadow: null,
  ...more,
})

function naming(table: Partial<RouteTable>, more: Partial<Naming> = {}): Naming {
  return {
    table: { version: 1, aliases: new Map(), routes: [], places: new Map(), ...table },
    alone: false,
    holds: (condition) => condition === 'true',
    isEarly: (condition) => !condition.includes('budget_used'),
    places(name, leaf) {
      const slash = name.indexOf('/')
      return slash < 0 ? null : leaf({ provider: name.slice(0, slash), model: name.slice(slash + 1) })
    },
    ...more,
  }
}

const places = (name: string, ...given: Parameters<typeof naming>): readonly string[] => {
  const found = resolve(name, naming(...given))
  return found === null ? [] : leavesOf(found.node).map(({ place }) => `${place.provider}/${place.model}`)
}

describe('a name', () => {
  it('is its place, or nobody’s', () => {
    expect([places('a/b', {}), places('b', {})]).toEqual([['a/b'], []])
  })

  it('of an alias stands for others, and inside itself for itself', () => {
    const aliases = new Map([
      ['fast', ['a/b', 'smart']],
      ['smart', ['c/d']],
      ['a/b', ['e/f', 'a/b']],
    ])
    expect([places('fast', { aliases }), places('a/b', { aliases })]).toEqual([
      ['e/f', 'a/b', 'c/d'],
      ['e/f', 'a/b'],
    ])
    expect(places('fast', { aliases }, { alone: true })).toEqual(['e/f'])
  })

  it('of a route goes to its tree; the star is what stood there', () => {
    const routes = [route('claude', { match: ['claude-*', 'x/claude-*'], to: ['anthropic/claude-*', 'bedrock/us.claude-*'] })]
    expect(places('x/claude-haiku', { routes })).toEqual(['anthropic/claude-haiku', 'bedrock/us.claude-haiku'])
  })

  it('takes the first route whose condition holds', () => {
    const routes = [
      route('no', { match: ['m'], when: 'false' }),
      route('yes', { match: ['m'], when: 'true' }),
      route('late', { match: ['m'] }),
    ]
    expect(places('m', { routes })).toEqual(['p/yes'])
  })

  it('keeps both where it shows only after admission, one under the condition and the other under its opposite', () => {
    const routes = [route('big', { match: ['m'], when: 'budget_used < 0.8' }), route('small', { match: ['m'] })]
    const found = resolve('m', naming({ routes }))
    if (found === null) throw new Error('nobody')
    expect(leavesOf(found.node).map(({ place, whens }) => [place.model, whens])).toEqual([
      ['big', ['budget_used < 0.8']],
      ['small', ['!(budget_used < 0.8)']],
    ])
  })

  it('has the fallbacks of its own route, each after its trouble, and nobody else’s: rings end', () => {
    const ring = Array.from({ length: 12 }, (_, i) => route(`g${i}`, { fallbacks: [`g${(i + 1) % 12}`], contextFallbacks: ['q/big'] }))
    const found = resolve('g0', naming({ routes: ring }))
    if (found === null) throw new Error('nobody')
    const leaves = leavesOf(found.node)
    expect(leaves.map(({ place }) => place.model)).toEqual(['g0', 'g1', 'big'])
    expect(leaves.map((leaf) => [mayFollow(leaf, 'outage', null), mayFollow(leaf, 'context', 400)])).toEqual([
      [true, false],
      [true, false],
      [false, true],
    ])
    expect(places('g0', { routes: ring }, { alone: true })).toEqual(['p/g0'])
  })

  it('that goes round in circles ends', () => {
    const aliases = new Map([
      ['a', ['b']],
      ['b', ['a']],
    ])
    expect(places('a', { aliases })).toEqual([])
  })
})
