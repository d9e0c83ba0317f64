// `npm run verify-cache` against a gateway whose providers are recordings: those that tell a cache read pass it, the others do not.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { recordingsOf } from '../support/recordings.ts'
import { running } from './running.ts'

const PROJECT = join(import.meta.dirname, '../..')

const up = running()

type Ran = { readonly status: number | null; readonly said: string }

function run(key: string, ...args: readonly string[]): Promise<Ran> {
  const env = { ...process.env, SLUICE_KEY: key }
  const child = spawn(process.execPath, ['scripts/verify-cache.ts', '--pause', '0', ...args], { cwd: PROJECT, env })
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, said })))
}

/** An answer of this provider that tells a cache read, and how many tokens it read. */
function reading(dialect: string, provider: string, member: RegExp): { readonly id: string; readonly read: number } {
  for (const { id, provider: at, streaming, status, features, answer } of recordingsOf(dialect)) {
    if (at !== provider || streaming || status >= 400 || !features.includes('cache_read_usage') || !('json' in answer)) continue
    const read = Number(member.exec(JSON.stringify(answer.json))?.[1] ?? 0)
    if (read > 0) return { id, read }
  }
  throw new Error(`No whole answer of ${provider} tells a cache read.`)
}

describe('npm run verify-cache', () => {
  it.each([
    { model: 'anthropic', dialect: 'anthropic-messages', ...reading('anthropic-messages', 'anthropic', /"cache_read_input_tokens":(\d+)/) },
    { model: 'openai', dialect: 'openai-chat', ...reading('openai-chat', 'openai', /"cached_tokens":(\d+)/) },
    { model: 'google', dialect: 'gemini', ...reading('gemini', 'gemini', /"cachedContentTokenCount":(\d+)/) },
    { model: 'openai', dialect: 'openai-responses', ...reading('openai-responses', 'openai', /"cached_tokens":(\d+)/) },
  ])('passes when $model tells a cache read in $dialect, and says how many tokens', async ({ model, dialect, id, read }) => {
    const { status, said } = await run(up.gateway.key, `${model}/rec-${id}--cache`, '--url', up.gateway.base, '--dialect', dialect)
    expect(said).toContain(`The second request read ${read.toLocaleString('en-US')} tokens`)
    expect(status).toBe(0)
    const [first, second, ...more] = up.server.askedFor(id, 'cache').map(({ bytes }) => bytes.toString('utf8'))
    if (first === undefined || second === undefined) throw new Error('Two requests were not sent.')
    expect(more).toEqual([])
    // The same bytes up to the question, which stands behind the whole prompt.
    let shared = 0
    while (first[shared] === second[shared]) shared++
    expect(shared).toBeGreaterThan(first.lastIndexOf('all of its sources'))
    expect(first.length).toBeGreaterThan(20_000)
    expect(first.includes('cache_control')).toBe(dialect === 'anthropic-messages')
  })

  it('reads a cache through a client language that is not the provider’s', async () => {
    const { id, read } = reading('anthropic-messages', 'anthropic', /"cache_read_input_tokens":(\d+)/)
    const { status, said } = await run(up.gateway.key, `anthropic/rec-${id}--chat`, '--url', up.gateway.base, '--dialect', 'openai-chat')
    expect(said).toContain(`The second request read ${read.toLocaleString('en-US')} tokens`)
    expect(status).toBe(0)
  })

  it('fails, with what to look at, when nothing was read', async () => {
    const cold = recordingsOf('openai-chat').find(
      ({ provider, streaming, status, features }) =>
        provider === 'groq' && !streaming && status === 200 && !features.includes('cache_read_usage'),
    )
    const { status, said } = await run(up.gateway.key, `groq/rec-${cold?.id}--cold`, '--url', up.gateway.base)
    expect(said).toContain('read nothing from the cache')
    expect(said).toContain('--tokens')
    expect(status).toBe(1)
  })

  it('asks any other host that speaks the language, too', async () => {
    const { id, read } = reading('anthropic-messages', 'anthropic', /"cache_read_input_tokens":(\d+)/)
    const { status, said } = await run(
      'its-own-key',
      `rec-${id}--direct`,
      '--url',
      up.server.origin,
      '--dialect',
      'anthropic-messages',
      '--json',
    )
    expect(JSON.parse(said)).toMatchObject({ cache_read: true, second: { tokens: { cacheRead: read } } })
    expect(status).toBe(0)
  })

  it('says what refused it, and does not take what it does not know', async () => {
    const refused = await run('sk-sluice-none', 'openai/m', '--url', up.gateway.base)
    expect(refused).toMatchObject({ status: 1, said: expect.stringContaining('401') })
    expect((await run('k', '--dialect', 'french', 'openai/m')).status).toBe(2)
    expect((await run('k')).status).toBe(2)
  })
})
