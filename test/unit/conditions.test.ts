// Conditions of routes: what they see, what they make of what is missing, and what is refused before it is stored.

import { Environment } from '@marcbachmann/cel-js'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isSecretHeader, VARIABLES } from '../../src/routing/condition-facts.ts'
import { checkCondition, compileCondition, holds, judgeCondition, mentions } from '../../src/routing/conditions.ts'
import { chance, oneOf, whole } from '../support/chance.ts'
import { quantiles } from '../support/options.ts'
import { AT, facts, factsOf } from '../support/facts.ts'

describe('what a request shows', () => {
  const request = facts({
    body: { temperature: 1, top_p: 0.5, n: 3, stop: null, response_format: { type: 'json_schema' }, tools: [{ name: 'a' }, { name: 'b' }] },
    headers: () => [
      ['X-Tier', 'gold'],
      ['Authorization', 'Bearer sk-1'],
    ],
    metadata: { team: 'search', depth: 2 },
    tags: ['batch', 'night'],
    user: 'ada',
    session: 's-1',
    maxTokens: 512,
    stream: true,
    budgetUsed: 0.83,
  })

  it.each([
    'model == "openai/gpt-4o-mini"',
    'model.startsWith("openai/") && model.matches("^openai/gpt-4o(-mini)?$")',
    'path == "/v1/chat/completions"',
    'params.temperature == 1 && params.temperature <= 1.0 && params.top_p < 1',
    'params.n + 1 == 4 && params.n % 2 == 1',
    'params.response_format.type == "json_schema" && params["response_format"]["type"].endsWith("schema")',
    'size(params.tools) == 2 && params.tools.exists(t, t.name == "b") && params.tools[0].name == "a"',
    '"temperature" in params && !("seed" in params)',
    'has(params.response_format.type) && !has(params.seed) && !has(params.stop)',
    'headers["x-tier"] == "gold"',
    'metadata.team in ["search", "ads"] && metadata.depth > 1.5',
    '"night" in tags && size(tags) == 2 && tags.all(t, size(t) > 3)',
    'user == "ada" && session == "s-1" && key == "key-1"',
    'prompt_tokens >= 1000 && max_tokens < 1000 && stream',
    'budget_used >= 0.8 && budget_used < 1',
    'hour == 14 && minute == 5 && weekday == 6 && date == "2026-11-21"',
    'date >= "2026-11-01" && (hour < 8 || hour >= 14)',
    'stream ? params.n > 2 : false',
    '(prompt_tokens) > (max_tokens) && ("a" + "b") == "ab"',
    'true',
  ])('%s', (text) => {
    expect(checkCondition(text)).toBe(null)
    expect(judgeCondition(text, request)).toBe('holds')
    expect(judgeCondition(`!(${text})`, request)).toBe('does-not-hold')
  })

  it('shows no header that may hold a credential, also not by a computed name', () => {
    const secret = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'cookie', 'proxy-authorization', 'x-amz-security-token']
    for (const name of [...secret, 'cf-access-jwt-assertion', 'x-portkey-config', 'x-portkey-virtual-key', 'x-litellm-api-key']) {
      expect(isSecretHeader(name)).toBe(true)
      expect(checkCondition(`headers["${name}"] == "x"`)).toContain('may hold a credential')
      const sly = facts({ headers: () => [[name, 'x']], user: name })
      expect(holds('headers[user] == "x"', sly)).toBe(false)
      expect(holds('user in headers', sly)).toBe(false)
    }
    expect(isSecretHeader('x-tier')).toBe(false)
  })

  it('reads of a body only what is named, once', () => {
    const read: string[] = []
    const lazy = facts({
      member: (name) => {
        read.push(name)
        return name === 'seed' ? '7' : null
      },
      headers: () => {
        read.push('headers')
        return []
      },
    })
    expect(holds('model == "openai/gpt-4o-mini"', lazy)).toBe(true)
    expect(read).toEqual([])
    expect(holds('params.seed == 7', lazy)).toBe(true)
    expect(holds('params.seed > 6 && headers["a"] != "b"', lazy)).toBe(false)
    expect(holds('params.top_k > 6 || headers["a"] == "b"', factsOf({}, {}, lazy))).toBe(false)
    expect(read).toEqual(['seed', 'headers', 'top_k'])
  })

  it('takes no name of a client for a property', () => {
    const hostile = facts({ member: () => '{"__proto__":{"x":1},"constructor":{"y":2}}', metadata: JSON.parse('{"__proto__":{"x":1}}') })
    expect(holds('has(params.a.x)', hostile)).toBe(false)
    expect(holds('has(metadata.x)', hostile)).toBe(false)
    expect(holds('params.a["toString"] == "x" || "hasOwnProperty" in metadata', hostile)).toBe(false)
    expect(holds('metadata["__proto__"].x == 1', hostile)).toBe(true)
  })
})

describe('what a target shows', () => {
  const measured = factsOf(
    {
      state: 'closed',
      samples: 40,
      errorRate: 0.25,
      firstContentMs: { p50: 1500, p75: 3000, p90: 5500, p99: 9000 },
      tokensPerSecond: quantiles(62.5),
      inFlight: 7,
    },
    { region: 'eu', credential: 'team-b' },
  )

  it.each([
    'target.provider == "openai" && target.model == "gpt-4o-mini" && target.region == "eu" && target.credential == "team-b"',
    'latency_p50 == 1.5 && latency_p90 > 5',
    'throughput_p50 > 60 && error_rate == 0.25 && in_flight == 7 && healthy',
    'model == "openai/gpt-4o-mini" && latency_p50 < 2',
  ])('%s', (text) => {
    expect(checkCondition(text)).toBe(null)
    expect(judgeCondition(text, measured)).toBe('holds')
  })

  it('is healthy when it is closed and not parked', () => {
    expect(holds('healthy', factsOf({}))).toBe(true)
    expect(holds('healthy', factsOf({ state: 'open' }))).toBe(false)
    expect(holds('healthy', factsOf({ state: 'half-open', mayProbe: true }))).toBe(false)
    expect(holds('healthy', factsOf({ parkedUntil: AT + 1 }))).toBe(false)
    expect(holds('healthy', factsOf({ parkedUntil: AT }))).toBe(true)
  })

  it('has no numbers before there are samples', () => {
    for (const name of ['latency_p50', 'latency_p90', 'throughput_p50', 'error_rate']) {
      expect(judgeCondition(`${name} < 1e9`, factsOf({}))).toBe('missing')
      expect(judgeCondition(`${name} == null`, factsOf({}))).toBe('holds')
    }
    expect(judgeCondition('target.region == "eu"', factsOf({}))).toBe('missing')
  })
})

describe('what is missing', () => {
  const bare = facts({ body: { list: [1] } })

  it.each([
    'user == "ada"',
    'user != "ada"',
    'user.startsWith("a")',
    'user in ["ada"]',
    'budget_used >= 0.8',
    'budget_used < 0.8',
    'max_tokens > 0',
    'metadata.team == "search"',
    'metadata.team.name != "search"',
    'headers["x-tier"] != "gold"',
    'params.temperature < 1',
    'params.list[3] == 1',
    'params.tools.exists(t, t.name == "a")',
    'size(params.tools) == 0',
    'params.store',
    'latency_p50 < 5',
    'has(params.a.b)',
  ])('makes a comparison false: %s', (text) => {
    expect(checkCondition(text)).toBe(null)
    expect(judgeCondition(text, bare)).toBe('missing')
    expect(judgeCondition(`!(${text})`, bare)).toBe('holds')
    expect(judgeCondition(`${text} || stream == false`, bare)).toBe('holds')
    expect(judgeCondition(`stream == false && ${text}`, bare)).toBe('missing')
  })

  it('equals null, and what is there does not', () => {
    expect(judgeCondition('user == null && params.seed == null && null == metadata.team', bare)).toBe('holds')
    expect(judgeCondition('user != null', bare)).toBe('does-not-hold')
    expect(judgeCondition('params.list != null', bare)).toBe('holds')
    expect(judgeCondition('user == null', facts({ user: 'ada' }))).toBe('does-not-hold')
    expect(judgeCondition('params.seed == null', facts({ body: { seed: null } }))).toBe('holds')
  })
})

describe('what cannot be evaluated', () => {
  const request = facts({ body: { n: 'three' } })

  it('does not hold, and neither does its opposite', () => {
    for (const text of ['params.n > 3', 'params.n + 1 == 2', 'params.n', 'prompt_tokens / 0 == 1', 'params.n.size() > "a"']) {
      expect(judgeCondition(text, request)).toBe('failed')
      expect(judgeCondition(`!(${text})`, request)).toBe('failed')
      expect(holds(text, request)).toBe(false)
    }
  })

  it('is outvoted where the other side decides', () => {
    expect(judgeCondition('params.n > 3 || prompt_tokens > 5', request)).toBe('holds')
    expect(judgeCondition('prompt_tokens > 5 || params.n > 3', request)).toBe('holds')
    expect(judgeCondition('params.n > 3 && prompt_tokens < 5', request)).toBe('does-not-hold')
    expect(judgeCondition('params.n > 3 && prompt_tokens > 5', request)).toBe('failed')
    expect(judgeCondition('params.n > 3 ? true : true', request)).toBe('failed')
  })

  it('is also a text that is no condition', () => {
    expect(judgeCondition('model ==', request)).toBe('failed')
    expect(mentions('model ==').size).toBe(0)
  })
})

describe('what is refused', () => {
  it.each([
    ['model ==', 'Unexpected token: EOF (at character 9)'],
    ['stream && modle == "x"', 'there is no variable `modle` (at character 11)'],
    ['prompt_tokens > "5"', 'no such overload: int > string'],
    ['prompt_tokens + 1', 'this is of type int'],
    ['model', 'this is of type string'],
    ['target.provder == "x"', '`target` has no `provder`'],
    ['params == {}', '`params` needs the name of a member'],
    ['size(params) > 1', '`params` needs the name of a member'],
    ['headers["X-Tier"] == "gold"', 'headers are named in lower case: `x-tier`'],
    ['model.matches(user)', 'takes its pattern as a text'],
    ['model.matches("(")', 'no regular expression'],
    [`model.matches("${'a'.repeat(201)}")`, 'at most 200 characters'],
    [`model == "${'a'.repeat(2000)}"`, 'at most 2000 characters'],
    [`${'('.repeat(60)}true${')'.repeat(60)}`, 'Exceeded maxDepth'],
    ['cel.bind(x, 1, x > 0)', 'there is no variable `cel`'],
    ['', 'EOF'],
  ])('%s', (text, words) => {
    expect(checkCondition(text)).toContain(words)
    expect(() => compileCondition(text)).toThrow(words)
  })

  it.each(['(a+)+$', '(a*)*b', '((a|aa)+)+', '(a|a)*b', '(x+x+){2,}y', '(?:a?)+', '(a)\\\\1', '([a-z]+)*'])(
    'a pattern that can take for ever: %s',
    (pattern) => {
      expect(checkCondition(`model.matches("${pattern}")`)).toContain('can take forever')
    },
  )

  it.each(['^gpt-4o(-mini)?$', 'a+b*', '[(+)]+', '(abc)+', '^(openai|azure)/', '\\\\d{4}-\\\\d{2}'])('but not %s', (pattern) => {
    expect(checkCondition(`model.matches("${pattern}")`)).toBe(null)
  })
})

describe('patterns', () => {
  it('are held against no long text, which then cannot be evaluated', () => {
    expect(judgeCondition('user.matches("^a+$")', facts({ user: 'a'.repeat(500) }))).toBe('holds')
    expect(judgeCondition('user.matches("^a+$")', facts({ user: 'a'.repeat(501) }))).toBe('failed')
    expect(judgeCondition('params.user.matches("a") || model.matches("x")', facts({ body: { user: 'a'.repeat(1e6) } }))).toBe('failed')
  })

  it('are bounded wherever they stand, and under whichever name', () => {
    const long = facts({ user: 'a'.repeat(501), tags: ['a'.repeat(501)], model: 'matches' })
    expect(judgeCondition('(user) .matches("a")', long)).toBe('failed')
    expect(judgeCondition('("matches".matches("m")) && (user + user).matches ( "a" )', long)).toBe('failed')
    expect(judgeCondition('user // matches\n.matches("a")', long)).toBe('failed')
    expect(judgeCondition('tags.exists(t, t.matches("b") || t.matches("a"))', long)).toBe('failed')
    expect(judgeCondition('model == "matches" && model.matches("^matches$") && "matches".matches("matches")', long)).toBe('holds')
    expect(checkCondition('user.matches_within("(a+)+$")')).toContain('can take forever')
  })

  it('end soon, whatever they are held against', () => {
    const worst = facts({ user: `${'a'.repeat(499)}!` })
    for (const pattern of ['a*a*b', '^a*a*a*b', '.*a.*b', '(.*)a{1,}b'])
      expect([pattern, holds(`user.matches("${pattern}")`, worst)]).toEqual([pattern, false])
  })

  it.each(['a*a*a*b', '^a*a*a*a*b', 'a{1,}a+a*', '^a*|b*c*d*'])('have few repetitions: not %s', (pattern) => {
    expect(checkCondition(`model.matches("${pattern}")`)).toContain('repetitions')
  })
})

it('goes through no list inside another', () => {
  expect(checkCondition('params.a.exists(x, params.b.exists(y, x == y))')).toContain('cannot stand inside another')
  expect(checkCondition('tags.filter(t, t != "a").exists(t, t == "b")')).toBe(null)
})

describe('without anything missing', () => {
  it('says what CEL says of the whole text', () => {
    const random = chance('conditions')
    const atoms = ['stream', 'model == "openai/gpt-4o-mini"', 'prompt_tokens > 5', '1 < 0', '!(hour == 3)', '"a" in tags', 'model.startsWith("x")', 'tags.exists(t, t == "b")', '(minute + 1) * 2 == 12', 'size(tags) - 1 - 1 == 0', '("a" + "b") + "c" == "abc"', '-(1 + 2) * 3 == -9', 'model in ["a", "b"] == false', '[1, 2][1] == 2', '(stream ? 1 : 2) == 2', '(true || stream) == true', '0.00000000001 < 0.00000000002', '"(" + ")" == "()"', "((('it\\'s ('))) == 'it\\'s ('", '(r"\\(" ) == ( "\\\\(" )', '"""a"(""" == ("a" + "\\"(")', '( ( minute ) ) > ( ( 1 + ( 2 ) ) )'] // prettier-ignore
    const text = (depth: number): string => {
      const shape = depth === 0 ? 0 : whole(random, 6)
      if (shape < 2) return oneOf(random, atoms)
      if (shape === 2) return `!(${text(depth - 1)})`
      if (shape === 3) return `(${text(depth - 1)}) ? (${text(depth - 1)}) : ${text(depth - 1)}`
      const [left, right] = [text(depth - 1), text(depth - 1)].map((side) => (chanceOfBrackets() ? `(${side})` : side))
      return `${left} ${shape === 4 ? '&&' : '||'} ${right}`
    }
    const chanceOfBrackets = (): boolean => random() < 0.6
    const known = facts({ tags: ['a', 'b'] })
    const environment = [...VARIABLES].reduce((built, [name, { type }]) => built.registerVariable(name, type), new Environment())
    const values = Object.fromEntries([...VARIABLES.keys()].map((name) => [name, known.value(name)]))
    let held = 0
    for (let i = 0; i < 2000; i++) {
      const one = text(4)
      const expected: unknown = environment.evaluate(one, values)
      if (expected === true) held++
      expect([one, judgeCondition(one, known)]).toEqual([one, expected === true ? 'holds' : 'does-not-hold'])
    }
    expect(held).toBeGreaterThan(400)
    expect(held).toBeLessThan(1600)
  })
})

describe('what a condition needs', () => {
  it('is told by the variables that it names, those of its macros not among them', () => {
    expect(mentions('params.tools.exists(t, t.name == model) && "x" in tags')).toEqual(new Set(['params', 'model', 'tags']))
    expect(mentions('tags.exists(model, model == "a")')).toEqual(new Set(['tags']))
    expect(mentions('true')).toEqual(new Set())
  })

  it('decides when it can be asked', () => {
    expect(compileCondition('hour > 3 && params.n == 1').stage).toBe('request')
    expect(compileCondition('hour > 3 || budget_used > 0.8').stage).toBe('budget')
    expect(compileCondition('budget_used > 0.8 && latency_p90 > 5').stage).toBe('target')
  })

  it('has a value for every variable, or says that it is missing', () => {
    for (const [name, { type }] of VARIABLES) {
      if (name === 'params') continue
      const text = type === 'dyn' ? `${name} == null` : `[${name}] == [${name}]`
      expect([name, judgeCondition(text, factsOf({}))]).toEqual([name, 'holds'])
    }
  })
})

it('keeps compiled ones within a bound and goes on when there are more', () => {
  for (let i = 0; i < 1200; i++) expect(holds(`prompt_tokens == ${i}`, facts())).toBe(i === 1000)
  expect(compileCondition('hour == 14')).toBe(compileCondition('hour == 14'))
})

describe('docs/strategies.md', () => {
  const text = readFileSync(new URL('../../docs/strategies.md', import.meta.url), 'utf8')

  it('shows examples that are conditions', () => {
    const examples = (text.split('```text\n')[1]?.split('```')[0] ?? '').split('\n').filter((line) => line !== '')
    expect(examples.length).toBeGreaterThan(7)
    for (const line of examples) expect([line, checkCondition(line.split(/ {3,}/)[0] ?? '')]).toEqual([line, null])
  })

  it('has a row for every variable', () => {
    const rows = text.slice(text.indexOf('| variable |'))
    const named = new Set(
      [...rows.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names]) => (names ?? '').replaceAll('`', '').split(', ')),
    )
    expect([...named].toSorted()).toEqual([...VARIABLES.keys()].toSorted())
  })
})
