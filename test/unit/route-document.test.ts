// The route document: every mistake is told at its place, and what is good becomes the table.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileRoutes } from '../../src/routing/compile.ts'
import { checkRouteDocument, checkRouteText } from '../../src/routing/document.ts'
import { routeJsonSchema } from '../../src/routing/document-shape.ts'
import { PLAIN_USE, type RouteTable } from '../../src/routing/contract.ts'

const condition = (text: string): string | null => (text.includes('<<') ? 'is no condition' : null)

/** `path: message` of each mistake. */
function mistakes(document: unknown): readonly string[] {
  const checked = checkRouteDocument(document, condition)
  return checked.kind === 'good' ? [] : checked.errors.map(({ path, message }) => `${path}: ${message}`)
}
const paths = (document: unknown): readonly string[] => mistakes(document).map((one) => one.slice(0, one.indexOf(': ')))

function table(document: unknown): RouteTable {
  const checked = checkRouteDocument(document, condition)
  if (checked.kind === 'bad') throw new Error(JSON.stringify(checked.errors))
  return compileRoutes(7, checked.document)
}
const route = (more: object): object => ({ routes: [{ name: 'r', targets: ['openai/gpt-4o'], ...more }] })
const target = (more: object): object => route({ targets: [{ model: 'openai/gpt-4o', ...more }] })
const nested = (depth: number): object => (depth === 0 ? { model: 'a/b' } : { targets: [nested(depth - 1)] })

describe('a route document that is wrong', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['no object', [], [': must be an object']],
    ['nothing', null, [': must be an object']],
    ['an unknown member', { version: 1 }, ['version: is not known here']],
    ['an unknown member of a route', route({ fallback: ['x'] }), ['routes[0].fallback: is not known here']],
    ['an unknown member of a target', target({ wieght: 1 }), ['routes[0].targets[0].wieght: is not known here']],
    ['routes that are no list', { routes: {} }, ['routes: must be an array']],
    ['no targets', { routes: [{ name: 'r' }] }, ['routes[0].targets: is missing']],
    ['no name', { routes: [{ targets: ['a/b'] }] }, ['routes[0].name: is missing']],
    ['an empty group', route({ targets: [] }), ['routes[0].targets: must have at least 1']],
    ['a weight of nothing', target({ weight: 0 }), ['routes[0].targets[0].weight: must be more than 0']],
    ['a weight in words', target({ weight: 'all' }), ['routes[0].targets[0].weight: must be a number']],
    ['half a request a minute', target({ rpm: 0.5 }), ['routes[0].targets[0].rpm: must be a whole number']],
    ['a target that is a number', route({ targets: [3] }), ['routes[0].targets[0]: must be a string or an object']],
    ['a name with a space', route({ targets: ['gpt 4'] }), ['routes[0].targets[0]: must be 1 to 256 printable characters without spaces']],
    ['an unknown trouble', target({ on: ['rain'] }), ['routes[0].targets[0].on[0]: must be "outage", "context", "content"']],
    [
      'a cascade that nobody knows',
      route({ cascade: { on: ['sad'], streams: 'drop', target: 'a/*' } }),
      ['routes[0].cascade.on[0]', 'routes[0].cascade.target', 'routes[0].cascade.streams'].map(
        (path) => expect.stringContaining(path) as string,
      ),
    ],
    ['a percentile that nobody counts', route({ hedge: { percentile: 95 } }), ['routes[0].hedge.percentile: must be 50, 75, 90, 99']],
    [
      'a setting of another strategy',
      route({ strategy: { name: 'cheapest', by: 'user' } }),
      ['routes[0].strategy.by: is a setting of `split`'],
    ],
    ['a share above all', route({ shadow: { share: 2, model: 'a/b' } }), ['routes[0].shadow.share: must be at most 1']],
    ['neither model nor targets', route({ targets: [{ weight: 1 }] }), ['routes[0].targets[0]: must have one of `model` and `targets`']],
    ['both', route({ targets: [{ model: 'a/b', targets: ['c/d'] }] }), ['routes[0].targets[0]: must have one of `model` and `targets`']],
    [
      'a strategy of one model',
      target({ strategy: 'cheapest' }),
      ['routes[0].targets[0].strategy: belongs to a group: it needs `targets`'],
    ],
    [
      'a limit of a group',
      route({ targets: [{ targets: ['a/b'], rpm: 3 }] }),
      ['routes[0].targets[0].rpm: is a limit of an account: it belongs to a target with `model`'],
    ],
    [
      'two rules of when',
      target({ on: ['context'], on_status: [503] }),
      ['routes[0].targets[0].on_status: stands instead of `on`: give one of them'],
    ],
    ['a condition that is none', route({ when: 'a <<' }), ['routes[0].when: is no condition']],
    [
      'a deeper one',
      route({ targets: [{ targets: [{ model: 'a/b', when: '<<' }] }] }),
      ['routes[0].targets[0].targets[0].when: is no condition'],
    ],
    [
      'a name twice',
      {
        routes: [
          { name: 'r', targets: ['a/b'] },
          { name: 'r', targets: ['a/b'] },
        ],
      },
      ['routes[1].name: is the name of routes[0] too'],
    ],
    [
      'a name that is an alias',
      { aliases: { r: 'a/b' }, routes: [{ name: 'r', targets: ['a/b'] }] },
      ['routes[0].name: is the name of an alias too, which comes first'],
    ],
    [
      'an alias with a *',
      { aliases: { 'gpt-*': 'a/b' } },
      ['aliases["gpt-*"]: must be 1 to 256 printable characters without spaces and without *'],
    ],
    ['an alias of nothing', { aliases: { a: [] } }, ['aliases.a: must have at least 1']],
    [
      'a * that stands for nothing',
      route({ match: 'gpt-4o', targets: ['openai/*'] }),
      ['routes[0].targets[0]: has a *, so each name in `match` must have exactly one for it to stand for'],
    ],
    ['two * in a target', route({ match: 'x-*', targets: ['*/*'] }), ['routes[0].targets[0]: may have one * only']],
    ['a fallback with a *', route({ match: 'x-*', fallbacks: ['y-*'] }), ['routes[0].fallbacks[0]: must be 1 to 256 printable characters without spaces and without *']], // prettier-ignore
    ['a place that is none', { providers: { OpenAI: {} } }, ['providers.OpenAI: must be a provider’s id']],
    [
      'a number that cannot be kept',
      target({ overrides: { seed: 2 ** 60 } }),
      ['routes[0].targets[0].overrides.seed: is a number too large to be kept as it is'],
    ],
    [
      'a member inside another',
      target({ overrides: { thinking: {}, 'thinking.type': 'x' } }),
      ['routes[0].targets[0].overrides["thinking.type"]: is inside another one that is set here too'],
    ],
    ['a member set and dropped', target({ defaults: { top_p: 1 }, drop: ['top_p'] }), ['routes[0].targets[0].drop[0]: is set here too']],
  ])('%s', (_, document, wanted) => {
    expect(mistakes(document)).toEqual(wanted)
  })

  it.each([
    'model',
    'stream',
    'messages',
    'input',
    'contents',
    'models',
    'provider',
    'fallbacks',
    'stream_options',
    'messages.0',
    'api_key',
  ])('cannot set or drop %s', (member) => {
    const at = `routes[0].targets[0]`
    const key = member.includes('.') ? `["${member}"]` : `.${member}`
    expect(paths(target({ defaults: { [member]: 1 } }))).toEqual([`${at}.defaults${key}`])
    expect(paths(target({ overrides: { [member]: 1 } }))).toEqual([`${at}.overrides${key}`])
    expect(paths(target({ drop: [member] }))).toEqual([`${at}.drop[0]`])
  })

  it('is told of all at once, of shape and of sense, also inside a union', () => {
    const document = {
      aliases: { a: 'b', b: 'a', c: 3 },
      routes: [
        { name: 'one', targets: ['x/y'], when: '<<' },
        { name: 'two', targets: ['x/y', { model: 'x/y', weight: -1 }, { targets: [{ model: 3 }] }], retries: 99 },
        { name: 'one', targets: ['x/y'] },
      ],
      more: true,
    }
    expect(paths(document).toSorted()).toEqual(
      ['aliases.b', 'aliases.c', 'more', 'routes[0].when', 'routes[1].retries', 'routes[1].targets[1].weight', 'routes[1].targets[2].targets[0].model', 'routes[2].name'].toSorted(), // prettier-ignore
    )
  })

  it('says how many mistakes there are beyond a hundred', () => {
    const told = mistakes({ routes: Array.from({ length: 150 }, () => 3) })
    expect(told).toHaveLength(101)
    expect(told.at(-1)).toBe(': has 50 more mistakes')
  })

  it('is refused where names lead round, with the way', () => {
    expect(mistakes({ aliases: { a: 'b', b: ['c/d', 'a'] } })).toEqual(['aliases.b: leads back to itself: a → b → a'])
    const labels = {
      routes: [
        { name: 'slow', targets: ['fast'] },
        { name: 'fast', targets: ['slow'] },
      ],
    }
    expect(mistakes(labels)).toEqual(['routes[1]: leads back to itself: slow → fast → slow'])
    expect(mistakes({ aliases: { x: 'r' }, routes: [{ name: 'r', targets: ['x'] }] })).toEqual([
      'routes[0]: leads back to itself: x → r → x',
    ])
  })

  it('is good where a name means itself, a model that has a route, or a fallback that was asked', () => {
    expect(mistakes({ aliases: { 'gpt-4o': ['gpt-4o', 'azure/gpt-4o'] } })).toEqual([])
    expect(mistakes({ aliases: { small: 'openai/gpt-4o-mini' }, routes: [{ name: 'all', match: '*', targets: ['*', 'small'] }] })).toEqual(
      [],
    )
    const pair = {
      routes: [
        { name: 'a', targets: ['x/a'], fallbacks: ['b'] },
        { name: 'b', targets: ['x/b'], fallbacks: ['a'] },
      ],
    }
    expect(mistakes(pair)).toEqual([])
  })

  it('may stand for names six times, not seven', () => {
    const chain = (length: number): object => ({
      aliases: Object.fromEntries(Array.from({ length }, (_, i) => [`a${i}`, i === length - 1 ? 'x/y' : `a${i + 1}`])),
    })
    expect(mistakes(chain(6))).toEqual([])
    expect(paths(chain(7))).toEqual(['aliases.a0'])
    expect(paths(chain(5000))).not.toEqual([])
  })

  it('may have four hundred conditions that differ', () => {
    const many = (count: number): object => ({
      routes: Array.from({ length: count }, (_, i) => ({ name: `r${i}`, when: `hour == ${i % 401}`, targets: ['a/b'] })),
    })
    expect(mistakes(many(400))).toEqual([])
    expect(mistakes(many(900))).toEqual(['routes: have more than 400 conditions that differ'])
  })

  it('may fall back in rings, but not come to more than the gateway can follow', () => {
    const ring = (length: number): object => ({
      routes: Array.from({ length }, (_, i) => ({ name: `g${i}`, targets: [`p/m${i}`], fallbacks: [`g${(i + 1) % length}`] })),
    })
    const allToAll = (length: number): object => ({
      routes: Array.from({ length }, (_, i) => ({
        name: `g${i}`,
        targets: [`p/m${i}`],
        fallbacks: Array.from({ length }, (__, j) => `g${j}`).filter((name) => name !== `g${i}`),
      })),
    })
    const wide = { aliases: { a: ['x', 'x', 'x'], x: Array.from({ length: 30 }, () => 'y'), y: Array.from({ length: 30 }, () => 'z/z') } }
    expect(mistakes(ring(60))).toEqual([]) // a fallback's own fallbacks do not count
    expect(mistakes(allToAll(17))).toEqual([])
    expect(paths(wide)).toEqual(['aliases.a', 'aliases.x'])
  })

  it('may have six groups in each other, not seven', () => {
    expect(mistakes(route({ targets: [nested(5)] }))).toEqual([])
    expect(paths(route({ targets: [nested(6)] }))).toEqual([`routes[0]${'.targets[0]'.repeat(6)}`])
  })

  it('is bounded before anything walks it', () => {
    const deep = JSON.parse(`{"routes":${'[{"targets":'.repeat(20_000)}1${'}]'.repeat(20_000)}}`) as unknown
    expect(mistakes(deep)).toEqual([': is nested more than 64 deep'])
    expect(mistakes(route({ targets: Array.from({ length: 65 }, () => 'a/b') }))).toEqual(['routes[0].targets: must have at most 64'])
    expect(paths({ routes: Array.from({ length: 1001 }, (_, i) => ({ name: `r${i}`, targets: ['a/b'] })) })).toEqual(['routes'])
    expect(checkRouteText(`{"$schema":"${'ä'.repeat(600_000)}"}`, condition)).toEqual({
      kind: 'bad',
      errors: [{ path: '', message: 'is larger than 1048576 bytes' }],
    })
    expect(checkRouteText('{', condition)).toEqual({ kind: 'bad', errors: [{ path: '', message: 'is not valid JSON' }] })
  })

  it('does not let names of every object through', () => {
    const document = JSON.parse('{"aliases":{"__proto__":"a/b","constructor":"a/b"}}') as unknown
    expect(mistakes(document)).toEqual(['aliases.__proto__: is no name that can be used'])
    expect(table({ aliases: { constructor: 'a/b' } }).aliases.get('constructor')).toEqual(['a/b'])
    expect(table({}).aliases.get('constructor')).toBeUndefined()
  })
})

describe('a route document that is good', () => {
  it('needs next to nothing', () => {
    expect(table({})).toEqual({ version: 7, aliases: new Map(), routes: [], places: new Map() })
    expect(table(route({})).routes).toEqual([
      {
        name: 'r',
        match: ['r'],
        when: null,
        tree: {
          kind: 'group',
          strategy: 'priority',
          settings: {},
          branches: [{ kind: 'target', name: 'openai/gpt-4o', use: PLAIN_USE }],
          use: PLAIN_USE,
        },
        fallbacks: [],
        contextFallbacks: [],
        contentFallbacks: [],
        retries: null,
        deadlineMs: null,
        learnsTimeouts: false,
        hedge: null,
        continues: false,
        shadow: null,
      },
    ])
  })

  it('says when an answer is asked for once more', () => {
    const [usual, said] = table({
      routes: [
        { name: 'r', targets: ['openai/gpt-4o'], cascade: {} },
        { name: 's', targets: ['openai/gpt-4o'], cascade: { on: ['tool-arguments'], target: 'r', streams: 'hold' } },
      ],
    }).routes
    expect(usual?.cascade).toEqual({
      on: new Set(['schema', 'tool-call', 'unknown-tool', 'truncated', 'empty', 'refusal']),
      target: null,
      holdsStreams: false,
    })
    expect(said?.cascade).toEqual({ on: new Set(['tool-arguments']), target: 'r', holdsStreams: true })
  })

  it('becomes the table, with what groups say handed down to their targets', () => {
    const { routes, aliases, places } = table({
      $schema: 'https://example.test/routes.schema.json',
      aliases: { small: 'openai/gpt-4o-mini', big: ['openai/gpt-5', 'anthropic/claude-opus-4.5'] },
      routes: [
        {
          name: 'chat',
          match: ['gpt-*'],
          when: 'prompt_tokens < 1000',
          strategy: { name: 'split', by: 'user' },
          timeouts: { headers_ms: 1000, idle_ms: 2000 },
          overrides: { temperature: 0, reasoning: { effort: 'low' } },
          targets: [
            {
              weight: 3,
              when: 'true',
              on: ['content'],
              strategy: { name: 'fastest', measure: 'throughput', percentile: 99 },
              single: true,
              credential: 'EU',
              timeouts: { headers_ms: 5 },
              targets: [
                { model: 'openai/gpt-*', rpm: 5, tpm: 6, overrides: { temperature: 1 }, drop: ['reasoning'], regions: ['eu-*'] },
                { model: 'azure/gpt-*', credential: 'US', priority: 2, on_status: [503, 529] },
              ],
            },
          ],
          fallbacks: ['big'],
          context_fallbacks: ['gemini/gemini-2.5-pro'],
          content_fallbacks: ['small'],
          retries: 2,
          deadline_ms: 60_000,
          learn_timeouts: true,
          hedge: { percentile: 99, least_ms: 100 },
          continue: true,
          shadow: { share: 0.1, model: 'mistral/large', defaults: { generationConfig: { topK: 3 } } },
        },
      ],
      providers: { vllm: { zdr: true, collects_data: false, rpm: 10, tpm: 20 }, groq: {} },
    })
    expect(routes).toEqual([
      {
        name: 'chat',
        match: ['gpt-*'],
        when: 'prompt_tokens < 1000',
        tree: {
          kind: 'group',
          strategy: 'split',
          settings: { by: 'user' },
          use: PLAIN_USE,
          branches: [
            {
              kind: 'group',
              strategy: 'fastest',
              settings: { measure: 'throughput', percentile: 99 },
              single: true,
              use: { ...PLAIN_USE, weight: 3, when: 'true', on: ['content'] },
              branches: [
                {
                  kind: 'target',
                  name: 'openai/gpt-*',
                  use: { ...PLAIN_USE, credential: 'EU', regions: ['eu-*'], rpm: 5, tpm: 6, timeouts: { headersMs: 5, idleMs: 2000 }, overrides: { temperature: '1' }, drop: ['reasoning'] }, // prettier-ignore
                },
                {
                  kind: 'target',
                  name: 'azure/gpt-*',
                  use: { ...PLAIN_USE, credential: 'US', priority: 2, onStatus: [503, 529], timeouts: { headersMs: 5, idleMs: 2000 }, overrides: { temperature: '0', reasoning: '{"effort":"low"}' } }, // prettier-ignore
                },
              ],
            },
          ],
        },
        fallbacks: ['big'],
        contextFallbacks: ['gemini/gemini-2.5-pro'],
        contentFallbacks: ['small'],
        retries: 2,
        deadlineMs: 60_000,
        learnsTimeouts: true,
        hedge: { percentile: 99, leastMs: 100 },
        continues: true,
        shadow: { share: 0.1, name: 'mistral/large', use: { ...PLAIN_USE, defaults: { 'generationConfig.topK': '3' } } },
      },
    ])
    expect([...aliases]).toEqual([
      ['small', ['openai/gpt-4o-mini']],
      ['big', ['openai/gpt-5', 'anthropic/claude-opus-4.5']],
    ])
    expect([...places]).toEqual([
      ['vllm', { zdr: true, collects: false, rpm: 10, tpm: 20 }],
      ['groq', {}],
    ])
  })

  it('sets objects whole, but settings inside a holder one by one', () => {
    const [compiled] = table(
      target({
        overrides: {
          generationConfig: { temperature: 0, thinkingConfig: { thinkingBudget: 0 } },
          tool_choice: { type: 'auto' },
          'extra.deep': null,
        },
      }),
    ).routes
    const first = compiled?.tree.kind === 'group' ? compiled.tree.branches[0] : undefined
    expect(first?.use.overrides).toEqual({
      'generationConfig.temperature': '0',
      'generationConfig.thinkingConfig': '{"thinkingBudget":0}',
      tool_choice: '{"type":"auto"}',
      'extra.deep': 'null',
    })
  })

  it('is called by its own name too, unless its targets have a *', () => {
    expect(table(route({ match: 'gpt-4o' })).routes[0]?.match).toEqual(['gpt-4o', 'r'])
    expect(table(route({ match: 'gpt-*', targets: ['openai/gpt-*'] })).routes[0]?.match).toEqual(['gpt-*'])
  })
})

describe('docs/routes.md', () => {
  it('shows documents that are good', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/routes.md'), 'utf8')
    const shown = [...text.matchAll(/```json\n([^`]+)```/g)].map((match) => match[1] ?? '').filter((block) => !block.includes('"error"'))
    expect(shown.length).toBeGreaterThan(7)
    for (const block of shown) expect([block, mistakes(JSON.parse(block))]).toEqual([block, []])
  })
})

describe('docs/routes.schema.json', () => {
  it('is what `npm run routes-schema` writes', () => {
    const committed = readFileSync(join(import.meta.dirname, '../../docs/routes.schema.json'), 'utf8')
    expect(committed === `${JSON.stringify(routeJsonSchema(), null, 2)}\n`, 'run npm run routes-schema and commit it').toBe(true)
  })
})
