// Two Workers, each with memory of its own, that share the objects of one: what one of them learns of a provider the other knows soon.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleWorker } from '../../scripts/local/bundle.ts'
import { COMPATIBILITY, openLocal } from '../../scripts/local/gateway.ts'
import { ADMIN_KEY } from './gateway-process.ts'

const CLASSES = { KEYS: 'KeyObject', BUDGETS: 'BudgetObject', DRAINS: 'DrainObject', HEALTH: 'HealthObject', LEARNING: 'LearningObject' }

/** Ill under `/sick/` while `ill` says so, well elsewhere. */
const upstream = { ill: true, sick: 0, server: null as Server | null }
let miniflare: Miniflare
let state = ''
let key = ''

type Name = 'one' | 'two'

async function ask(name: Name, path: string, bearer: string, body: object): Promise<Response> {
  const worker = await miniflare.getWorker(name)
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
  return (await worker.fetch(`http://sluice.test${path}`, { method: 'POST', headers, body: JSON.stringify(body) })) as unknown as Response
}

async function chat(name: Name): Promise<number> {
  const body = { model: 'groq/m', models: ['mistral/m'], messages: [{ role: 'user', content: 'hello' }], max_tokens: 5 }
  const response = await ask(name, '/v1/chat/completions', key, body)
  await response.text()
  return response.status
}

beforeAll(async () => {
  const answer = {
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }
  const server = createServer((request, response) => {
    const isSick = request.url?.startsWith('/sick/') === true
    if (isSick) upstream.sick++
    const isIll = isSick && upstream.ill
    request.resume().on('end', () => {
      response.writeHead(isIll ? 503 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(isIll ? { error: { message: 'ill' } } : answer))
    })
  })
  upstream.server = server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`
  state = mkdtempSync(join(tmpdir(), 'sluice-two-'))
  const settings = {
    SLUICE_KEY_SECRET: 'two-isolates-signing-secret-0123456789',
    SLUICE_ADMIN_KEY: ADMIN_KEY,
    SLUICE_LOG: 'off',
    GROQ_API_KEY: 'sick-credential',
    GROQ_BASE_URL: `${origin}/sick`,
    MISTRAL_API_KEY: 'well-credential',
    MISTRAL_BASE_URL: `${origin}/well`,
  }
  await (await openLocal({ state, settings, host: '127.0.0.1', port: 0, relayed: false })).dispose() // makes the tables
  const contents = await bundleWorker()
  const worker = (name: Name): object => ({
    name,
    ...COMPATIBILITY,
    modules: [{ type: 'ESModule', path: 'index.js', contents }],
    bindings: settings,
    d1Databases: { DB: 'sluice' },
    kvNamespaces: { ROUTES: 'routes' },
    durableObjects: Object.fromEntries(
      Object.entries(CLASSES).map(([binding, className]) => [
        binding,
        name === 'one' ? { className, useSQLite: true } : { className, useSQLite: true, scriptName: 'one' },
      ]),
    ),
  })
  const options = { log: new Log(LogLevel.WARN), host: '127.0.0.1', port: 0, cf: false, resourcePersistencePath: state }
  miniflare = new Miniflare(
    convertV4MiniflareOptions({ ...options, workers: [worker('one'), worker('two')] } as Parameters<typeof convertV4MiniflareOptions>[0]),
  )
  const made = await ask('one', '/api/v1/keys', ADMIN_KEY, { name: 'two' })
  key = ((await made.json()) as { readonly key: string }).key
})

afterAll(async () => {
  await miniflare?.dispose()
  upstream.server?.closeAllConnections()
  upstream.server?.close()
  rmSync(state, { recursive: true, force: true, maxRetries: 5 })
})

describe('two Workers with memories of their own', () => {
  it('learn of an outage from each other within a second, and of its end', { timeout: 60_000 }, async () => {
    upstream.ill = false
    expect(await chat('two')).toBe(200)
    expect(upstream.sick).toBe(1)
    upstream.ill = true
    await wait(1000)
    for (let i = 0; i < 8; i++) expect(await chat('one')).toBe(200)
    const fromOne = upstream.sick - 1
    expect(fromOne).toBe(5)
    // The other one asks once more at most: with that request it hears of it.
    for (let i = 0; i < 10; i++) {
      expect(await chat('two')).toBe(200)
      await wait(40)
    }
    expect(upstream.sick - 1 - fromOne).toBeLessThanOrEqual(1)
    upstream.ill = false
    const asked = upstream.sick
    for (let i = 0; i < 100 && upstream.sick < asked + 20; i++) {
      await chat(i % 2 === 0 ? 'one' : 'two')
      await wait(100)
    }
    expect(upstream.sick).toBeGreaterThanOrEqual(asked + 20)
  })
})
