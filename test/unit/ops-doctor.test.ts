// What the doctor finds in settings, configuration and a gateway's report, and what it would call.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Control, KeyRow } from '../../scripts/ops/control.ts'
import { plannedTries } from '../../scripts/ops/doctor-calls.ts'
import { readReport, reportLines } from '../../scripts/ops/doctor-gateway.ts'
import { configLines, nodeLine, settingLines } from '../../scripts/ops/doctor-machine.ts'
import { createBody, runCommand } from '../../scripts/ops/key-command.ts'
import { isKnown, meantBy } from '../../scripts/ops/known-settings.ts'
import { listModels } from '../../src/catalogue/index.ts'
import type { DoctorReport } from '../../src/admin/doctor-report.ts'
import { PROVIDERS } from '../../src/providers/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('settings', () => {
  it('are all known that the Worker reads', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    const names = new Set(
      sources
        .flatMap((name) => readFileSync(join(root, 'src', name), 'utf8').match(/'SLUICE_[A-Z0-9_]+'/g) ?? [])
        .map((quoted) => quoted.slice(1, -1)),
    )
    expect([...names].filter((name) => !isKnown(name))).toEqual([])
  })
  it('with a wrong name are said with the right one', () => {
    expect(meantBy('OPENAI_APIKEY')).toBe('OPENAI_API_KEY')
    expect(meantBy('ANTHROPC_API_KEY')).toBe('ANTHROPIC_API_KEY')
    expect(meantBy('GEMINI_API_KEY')).toBe('GOOGLE_API_KEY')
    expect(meantBy('DATABASE_PASSWORD')).toBeNull()
  })
  it('never show a credential', () => {
    const lines = settingLines(
      {
        OPENAI_API_KEY: 'sk-very secret',
        GROQ_APIKEY: 'sk-secret',
        XAI_BASE_URL: 'sk-secret',
        SLUICE_HOLD_SECONDS: 'soon',
        SLUICE_DEMO: 'yes',
      },
      {},
      {},
    )
    expect(lines.filter((line) => line.mark === 'bad').map((line) => line.text.split(' ')[0])).toEqual([
      'SLUICE_HOLD_SECONDS',
      'SLUICE_DEMO',
      'XAI_BASE_URL',
      'GROQ_APIKEY',
      'OPENAI_API_KEY',
    ])
    expect(JSON.stringify(lines)).not.toMatch(/secret/)
  })
  it('of the whole environment are spoken of only when they are surely meant', () => {
    expect(settingLines({}, { PATH: '/bin', HOME: '/root', GITHUB_TOKEN: 'x', OPENAI_API_KEY: 'sk-1' }, {})).toMatchObject([
      { mark: 'good' },
    ])
    expect(settingLines({}, { GEMINI_API_KEY: 'x' }, {})).toMatchObject([{ mark: 'note', todo: 'Sluice takes it as GOOGLE_API_KEY.' }])
  })
})

describe('the configuration file', () => {
  const text = readFileSync(join(root, 'wrangler.toml'), 'utf8')

  it('of this checkout is as it should be', () => {
    expect(configLines('wrangler.toml', text, false).filter((line) => line.mark === 'bad')).toEqual([])
  })
  it('is told what it lacks', () => {
    const bare = text
      .replace('"enable_request_signal"', '')
      .replace('new_sqlite_classes', 'new_classes')
      .replace('binding = "ROUTES"', 'binding = "R"')
    expect(
      configLines('wrangler.toml', bare, false)
        .filter((line) => line.mark === 'bad')
        .map((line) => line.text),
    ).toEqual([expect.stringContaining('ROUTES'), expect.stringContaining('KeyObject'), expect.stringContaining('enable_request_signal')])
    expect(configLines('wrangler.toml', null, false)).toMatchObject([{ mark: 'bad' }])
  })
  it('needs a Node that runs TypeScript', () => {
    expect([nodeLine('v24.21.0').mark, nodeLine('20.20.2').mark]).toEqual(['good', 'bad'])
  })
})

describe('a gateway’s report', () => {
  const whole: DoctorReport = {
    bindings: { DB: true, ROUTES: true, KEYS: true, BUDGETS: true, DRAINS: true, ROUTE_TABLE: true, HEALTH: true, LEARNING: true },
    migrations: ['0001.sql'],
    secrets: { SLUICE_KEY_SECRET: true, SLUICE_ADMIN_KEY: true },
    providers: PROVIDERS.map(({ id }) => ({ id, configured: true, missing: [] })),
    catalogue: { priceVersion: 'p', overlay: null },
    restores: null,
    badSettings: [],
  }
  const bads = (report: DoctorReport): readonly string[] => reportLines(report, ['0001.sql'], true).filter((line) => line.mark === 'bad').map((line) => line.text) // prettier-ignore

  it('has nothing wrong when all is there', () => {
    expect(bads(whole)).toEqual([])
  })
  it('is read for every thing that can be missing', () => {
    expect(
      bads({
        ...whole,
        bindings: { DB: true, ROUTES: false, KEYS: true, BUDGETS: true, DRAINS: true, ROUTE_TABLE: true, HEALTH: true, LEARNING: true },
      }),
    ).toEqual([expect.stringContaining('ROUTES')])
    expect(bads({ ...whole, migrations: [] })).toEqual(['migrations not applied: 0001.sql'])
    expect(bads({ ...whole, secrets: { SLUICE_KEY_SECRET: false, SLUICE_ADMIN_KEY: true } })).toEqual(['SLUICE_KEY_SECRET is not set'])
    expect(bads({ ...whole, catalogue: { priceVersion: 'p', overlay: { error: 'not JSON' } } })).toEqual([
      expect.stringContaining('not JSON'),
    ])
    expect(bads({ ...whole, providers: [{ id: 'openai', configured: false, missing: ['OPENAI_API_KEY'] }] })).toEqual([
      'no provider has credentials',
    ])
  })
  it('of something else is none', () => {
    expect([readReport(null), readReport([]), readReport({ providers: [] })]).toEqual([null, null, null])
  })
  it('leads to one priced try for every hosted provider that the catalogue knows, and to a note for each other', () => {
    const { tries, notes } = plannedTries(whole.providers, [], '2026-11-21')
    const known = new Set([...listModels()].filter(({ mode }) => mode === 'chat').map(({ provider }) => provider))
    const hosted = PROVIDERS.filter((p) => p.voices.length > 0 && (p.needs.length > 0 || p.local !== undefined) && known.has(p.id))
    expect(tries.map((one) => one.provider).toSorted()).toEqual(hosted.map(({ id }) => id).toSorted())
    const noted = notes.map((line) => line.text.split(':')[0] ?? '')
    expect([...noted, ...tries.map((one) => one.provider)].toSorted()).toEqual(PROVIDERS.map(({ id }) => id).toSorted())
    expect(plannedTries(whole.providers, ['ollama/a'], '').tries).toEqual([{ provider: 'ollama', models: ['ollama/a'] }])
  })
})

describe('keys', () => {
  const row = (name: string, hash: string): KeyRow => ({
    hash,
    name,
    label: 'sk-sluice-abcd...wxyz',
    disabled: false,
    limit: 10,
    limit_remaining: 9.5,
    limit_reset: 'daily',
    usage: 0.5,
    created_at: null,
    expires_at: null,
  })
  const hashes = ['a'.repeat(64), 'b'.repeat(64)] as const
  const changed: unknown[] = []
  const control = {
    base: 'http://x',
    list: () => Promise.resolve([row('one', hashes[0]), row('two', hashes[1]), row('two', 'c'.repeat(64))]),
    create: () => Promise.resolve({ row: row('new', hashes[0]), key: 'sk-sluice-text' }),
    change: (hash: string, settings: object) => {
      changed.push([hash, settings])
      return Promise.resolve({ ...row('one', hash), disabled: true })
    },
  } as unknown as Control

  it('are made of what is said, checked before it is sent', () => {
    expect(createBody({ name: 'app', limit: '2.5', reset: 'daily', expires: '2027-01-01', models: 'openai/*, groq/*' })).toEqual({
      name: 'app',
      limit: 2.5,
      limit_reset: 'daily',
      expires_at: '2027-01-01T00:00:00.000Z',
      sluice: { models: ['openai/*', 'groq/*'] },
    })
    expect(createBody({ name: 'app', providers: 'openai, azure', regions: 'eu-*', ips: '10.0.0.0/8,2001:db8::/32' })).toEqual({
      name: 'app',
      sluice: { providers: ['openai', 'azure'], regions: ['eu-*'], ips: ['10.0.0.0/8', '2001:db8::/32'] },
    })
    expect(createBody({ name: 'app', rpm: '5', sluice: '{"team": "blue", "leased": true}' })).toEqual({
      name: 'app',
      sluice: { team: 'blue', leased: true, requests_per_minute: 5 },
    })
    expect(() => createBody({ name: 'app', sluice: '[1]' })).toThrow(/--sluice/)
    expect(createBody({ name: 'app', mode: 'elastic' })).toEqual({ name: 'app', sluice: { mode: 'elastic' } })
    for (const wrong of [
      {},
      { name: 'a', ips: ',' },
      { name: 'a', providers: '' },
      { name: 'a', limit: 'ten' },
      { name: 'a', reset: 'daily' },
      { name: 'a', expires: 'soon' },
      { name: 'a', models: ' , ' },
      { name: 'a', mode: 'loose' },
    ])
      expect(() => createBody(wrong)).toThrow(/--/)
  })
  it('are shown once, with that said', async () => {
    expect(await runCommand('create', { name: 'new' }, control)).toMatch(/sk-sluice-text[\s\S]*Shown this once/)
    expect(await runCommand('list', {}, control)).toContain('$0.50')
  })
  it('are found by name or by the start of a hash, and only when one fits', async () => {
    await runCommand('disable', { name: 'one' }, control)
    await runCommand('disable', { hash: 'bbbbbb' }, control)
    expect(changed).toEqual([[hashes[0], { disabled: true }], [hashes[1], { disabled: true }]]) // prettier-ignore
    await expect(runCommand('disable', { name: 'two' }, control)).rejects.toThrow(/2 keys/)
    await expect(runCommand('disable', { hash: 'bbb' }, control)).rejects.toThrow(/six characters/)
    await expect(runCommand('delete', {}, control)).rejects.toThrow(/Say which key/)
  })
})
