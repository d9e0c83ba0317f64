// Starts the gateway as its README says, with every provider pointed at a replay server, and asks its admin API. Loopback only.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export type GatewayProcess = {
  readonly base: string
  readonly key: string
  /** Hash of the key, by which the admin API names it. */
  readonly keyHash: string
  /** The ledger rows of the key for one request, once there is one; waits for it a while. */
  rows(requestId: string): Promise<readonly Row[]>
  /** Asks with the admin key. */
  admin(method: string, path: string, body?: object): Promise<Response>
  /** Kills it with all its processes, as a crash would. */
  crash(): Promise<void>
  /** Starts it again after a crash, at the same address with the state that the crash has left. */
  again(): Promise<void>
  stop(): Promise<void>
}

/** A ledger row as `GET /api/v1/generations` shows it; only what the tests look at. */
export type Row = {
  /** Tokens of all kinds, cached ones and sound included. */
  readonly native_tokens_prompt: number | null
  readonly native_tokens_completion: number | null
  readonly native_tokens_cached: number | null
  readonly sluice: {
    readonly request_id: string
    readonly cost_nano_usd: number | null
    readonly ended: string
    /** Who counted: `provider`, or an estimate where the provider said nothing. */
    readonly usage_from: string
  }
}

const PROJECT = join(import.meta.dirname, '../..')
export const ADMIN_KEY = 'sk-admin-clients-0123456789abcdef'
const START_MS = 90_000
const ROW_MS = 10_000
const POLL_MS = 30
const PROVIDERS = [
  'OPENAI',
  'ANTHROPIC',
  'GOOGLE',
  'GROQ',
  'MISTRAL',
  'DEEPSEEK',
  'XAI',
  'TOGETHER',
  'OPENROUTER',
  'PERPLEXITY',
  'CEREBRAS',
  'VLLM',
  'OLLAMA',
  'BEDROCK',
  'COHERE',
  'VERTEX',
  'VOYAGE',
]
/** Whose SDK takes a base URL without a version. */
const BARE = new Set(['ANTHROPIC', 'GOOGLE', 'DEEPSEEK', 'PERPLEXITY', 'BEDROCK', 'COHERE', 'VERTEX'])

/** Starts a gateway with fresh state whose providers are all at `origin`. Call `stop` when done. */
export async function startGateway(origin: string, settings: { readonly [name: string]: string } = {}): Promise<GatewayProcess> {
  const port = await freePort()
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-clients-'))
  const env: { [name: string]: string | undefined } = {
    ...process.env,
    CI: '1',
    PORT: String(port),
    SLUICE_STATE_DIR: stateDir,
    SLUICE_ADMIN_KEY: ADMIN_KEY,
    VERTEX_PROJECT: 'test-project',
    VERTEX_LOCATION: 'us-east5',
    ...settings,
  }
  for (const provider of PROVIDERS) {
    env[`${provider}_BASE_URL`] = BARE.has(provider) ? origin : `${origin}/v1`
    env[`${provider}_API_KEY`] = `test-${provider.toLowerCase()}-credential`
  }
  const base = `http://127.0.0.1:${port}`
  let running = launch(base, env)
  const stop = async (): Promise<void> => {
    await running.end()
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 })
  }
  const again = async (): Promise<void> => {
    running = launch(base, env)
    await running.answers()
  }
  try {
    await running.answers()
    const { key, hash } = await until(START_MS, () => makeKey(base))
    const rows = (requestId: string): Promise<readonly Row[]> => rowsOf(base, hash, requestId)
    const ask: GatewayProcess['admin'] = (method, path, body) => admin(base, method, path, body)
    return { base, key, keyHash: hash, rows, admin: ask, crash: () => running.crash(), again, stop }
  } catch (error) {
    await stop()
    throw new Error(`The gateway did not come up:\n${running.log().slice(-2000)}`, { cause: error })
  }
}

type Launched = { answers(): Promise<void>; log(): string; crash(): Promise<void>; end(): Promise<void> }

function launch(base: string, env: { readonly [name: string]: string | undefined }): Launched {
  const child = spawn(process.execPath, ['scripts/start.ts'], {
    cwd: PROJECT,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stdout.on('data', (text: Buffer) => (log += text.toString()))
  child.stderr.on('data', (text: Buffer) => (log += text.toString()))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name) // the group: workerd is a child of the child
    } catch {
      // already gone
    }
  }
  const atExit = (): void => signal('SIGKILL')
  process.once('exit', atExit)
  const crash = async (): Promise<void> => {
    signal('SIGKILL')
    process.off('exit', atExit)
    await exited
  }
  return {
    log: () => log,
    crash,
    async end() {
      signal('SIGTERM')
      await Promise.race([exited, wait(5000)])
      signal('SIGKILL')
      process.off('exit', atExit)
    },
    async answers() {
      await until(START_MS, async () => {
        if (child.exitCode !== null) throw new Error(`The gateway ended:\n${log.slice(-2000)}`)
        return (await fetch(`${base}/health`).catch(() => null))?.ok === true ? true : null
      })
    },
  }
}

function admin(base: string, method: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' }
  return fetch(base + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
}

/** `null`: not yet; the tables of a first start are made after the port answers. */
async function makeKey(base: string): Promise<{ readonly key: string; readonly hash: string } | null> {
  const answer = await fetch(`${base}/api/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'clients' }),
  })
  if (answer.status === 503) return null
  if (!answer.ok) throw new Error(`POST /api/v1/keys answered ${answer.status}: ${await answer.text()}`)
  const made = (await answer.json()) as { readonly key: string; readonly data: { readonly hash: string } }
  return { key: made.key, hash: made.data.hash }
}

async function rowsOf(base: string, hash: string, requestId: string): Promise<readonly Row[]> {
  return until(ROW_MS, async () => {
    const url = `${base}/api/v1/generations?api_key_hash=${hash}&limit=100`
    const answer = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })
    if (!answer.ok) throw new Error(`GET /api/v1/generations answered ${answer.status}: ${await answer.text()}`)
    const { data } = (await answer.json()) as { readonly data: readonly Row[] }
    const found = data.filter((row) => row.sluice.request_id === requestId)
    return found.length === 0 ? null : found
  })
}

/** Asks again until there is an answer. @throws when there is none in time */
export async function until<T>(limitMs: number, ask: () => Promise<T | null>): Promise<T> {
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += POLL_MS) {
    const answer = await ask()
    if (answer !== null) return answer
    await wait(POLL_MS)
  }
  throw new Error(`Nothing came in ${limitMs} ms.`)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
