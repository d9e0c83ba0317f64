// `npm start`: serves Sluice on this machine, with D1, KV and Durable Objects kept in a folder. Makes what is missing, says how to use it.

import { parseArgs } from 'node:util'
import { PROVIDERS } from '../src/providers/index.ts'
import { makeFirstKey } from './local/first-key.ts'
import { openLocal } from './local/gateway.ts'
import { gatherSettings, stateFolder } from './local/settings.ts'
import { configuredProviders } from './local/providers.ts'

const HELP = `npm start [-- --port N] [--host ADDRESS]

Serves the gateway on http://127.0.0.1:8787.

Settings, from the environment or from .dev.vars in this folder:
  PORT                      the port (default 8787)
  SLUICE_STATE_DIR          where keys and spend are kept (default .sluice)
  SLUICE_ADMIN_KEY          the admin key (made on the first run, kept in the state folder)
  SLUICE_DEMO=off           switches the built-in demo/echo model off
  <PROVIDER>_API_KEY        credentials of a provider: ${PROVIDERS.filter((p) => p.needs.length > 0)
    .slice(0, 3)
    .map((p) => p.needs.join(' '))
    .join(', ')} …
  <PROVIDER>_BASE_URL       where it is, as its own SDK takes it

providers: ${PROVIDERS.map((p) => p.id).join(', ')}`

const { values } = parseArgs({
  options: { port: { type: 'string' }, host: { type: 'string', default: '127.0.0.1' }, help: { type: 'boolean', short: 'h' } },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

const port = Number(values.port ?? process.env['PORT'] ?? 8787)
if (!Number.isInteger(port) || port < 1 || port > 65_535)
  fail(`PORT must be a number from 1 to 65535, not ${JSON.stringify(values.port ?? process.env['PORT'])}.`)
const state = stateFolder()
const settings = gatherSettings(state)
const base = `http://${values.host}:${port}`

try {
  const local = await openLocal({ state, settings, host: values.host, port })
  const key = await makeFirstKey(base, settings, state)
  report(key)
  const stop = (): void => void local.dispose().finally(() => process.exit(0))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}

function report(key: string | null): void {
  const { ready, missing } = configuredProviders(settings)
  const demo = settings['SLUICE_DEMO'] === 'on'
  console.log(`\nSluice serves on ${base}   (state in ${state})`)
  console.log(`  OpenAI SDK       baseURL ${base}/v1`)
  console.log(`  Anthropic SDK    baseURL ${base}`)
  if (key === null) console.log('  API key          made on an earlier start; npm run key -- create makes another')
  else console.log(`  API key          ${key}   (shown this once)`)
  console.log(
    `  providers        ${ready.length === 0 ? 'none has credentials' : ready.join(', ')}${demo ? `${ready.length === 0 ? ';' : ','} demo/echo answers offline` : ''}`,
  )
  if (missing.length > 0) console.log(`  not configured   ${missing.join(', ')}   (set <PROVIDER>_API_KEY here or in .dev.vars)`)
  const model = demo && ready.length === 0 ? 'demo/echo' : `${ready[0] ?? 'openai'}/…`
  console.log(
    `\n  curl ${base}/v1/chat/completions -H 'authorization: Bearer ${key ?? '<your key>'}' \\\n    -H 'content-type: application/json' -d '{"model":"${model}","stream":true,"messages":[{"role":"user","content":"Hello"}]}'\n`,
  )
}

function fail(message: string): never {
  console.error(`Sluice did not start: ${message}`)
  process.exit(1)
}
