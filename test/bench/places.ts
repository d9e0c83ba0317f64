// The three things that are measured, each in processes of its own: the upstream, a bare pass-through Worker, and Sluice.

import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { COMPATIBILITY, openLocal } from '../../scripts/local/gateway.ts'
import { workerdPids } from './process-cost.ts'

/** One server. `pids`: the processes whose cost is its cost. */
export type Place = { readonly port: number; readonly pids: readonly number[]; stop(): Promise<void> }

/** `key` has no limit; `budgetedKey` has one that is never reached, and so has `leasedKey`, which isolates admit by slices. */
export type Gateway = Place & { readonly key: string; readonly budgetedKey: string; readonly leasedKey: string }

const ADMIN_KEY = 'sk-admin-bench-0123456789abcdef'

export async function startUpstream(): Promise<Place> {
  const child = fork(join(import.meta.dirname, 'upstream.ts'))
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (said: { readonly port: number }) => resolve(said.port))
    child.once('exit', () => reject(new Error('The bench upstream ended before it began.')))
  })
  const stop = (): Promise<void> => {
    child.kill()
    return Promise.resolve()
  }
  return { port, pids: child.pid === undefined ? [] : [child.pid], stop }
}

/** `return fetch(upstream)` and nothing else, on the same runtime with the same settings. */
export async function startBare(upstream: Place): Promise<Place> {
  const port = await freePort()
  return startWorkerd(port, async () => {
    const worker = `export default { fetch(request) { return fetch('http://127.0.0.1:${upstream.port}' + new URL(request.url).pathname + new URL(request.url).search, request) } }`
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        log: new Log(LogLevel.WARN),
        host: '127.0.0.1',
        port: 0,
        unsafeDirectSockets: [{ host: '127.0.0.1', port }],
        name: 'bare',
        modules: [{ type: 'ESModule', path: 'index.js', contents: worker }],
        compatibilityDate: COMPATIBILITY.compatibilityDate,
        compatibilityFlags: [...COMPATIBILITY.compatibilityFlags],
        cf: false,
      }),
    )
    await miniflare.ready
    return () => miniflare.dispose()
  })
}

export async function startSluice(upstream: Place): Promise<Gateway> {
  const port = await freePort()
  const state = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const base = `http://127.0.0.1:${upstream.port}`
  const settings = {
    SLUICE_LOG: 'off',
    SLUICE_KEY_SECRET: 'bench-signing-secret-0123456789abcdef',
    SLUICE_ADMIN_KEY: ADMIN_KEY,
    OPENAI_API_KEY: 'sk-bench',
    OPENAI_BASE_URL: `${base}/v1`,
    ANTHROPIC_API_KEY: 'sk-bench',
    ANTHROPIC_BASE_URL: base,
    GOOGLE_API_KEY: 'sk-bench',
    GOOGLE_BASE_URL: base,
  }
  const place = await startWorkerd(port, async () => {
    const local = await openLocal({ state, settings, host: '127.0.0.1', port, relayed: false })
    return async () => {
      await local.dispose()
      rmSync(state, { recursive: true, force: true })
    }
  })
  const key = await makeKey(port, { name: 'bench' })
  const budgetedKey = await makeKey(port, { name: 'bench, budgeted', limit: 1_000_000, limit_reset: 'monthly' })
  const leasedKey = await makeKey(port, {
    name: 'bench, leased',
    limit: 1_000_000,
    limit_reset: 'monthly',
    sluice: { leased: true },
  })
  return { ...place, key, budgetedKey, leasedKey }
}

/** The process is found as the one that was not there before. */
async function startWorkerd(port: number, start: () => Promise<() => Promise<void>>): Promise<Place> {
  const before = new Set(workerdPids())
  const stop = await start()
  const pids = workerdPids().filter((pid) => !before.has(pid))
  if (pids.length === 0) throw new Error('No workerd process was found below this one; the bench needs Linux with /proc.')
  return { port, pids, stop }
}

async function makeKey(port: number, settings: object): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  })
  const body: unknown = await response.json()
  if (typeof body === 'object' && body !== null && 'key' in body && typeof body.key === 'string') return body.key
  throw new Error(`The bench's key could not be made: ${response.status} ${JSON.stringify(body)}`)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
