// `npm run verify-cache`: two requests with the same long prefix; fails unless the second one reads it from the provider's cache.

import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { addressOf, explain, openControl, type Where } from './ops/gateway-address.ts'
import { saidSettings } from './ops/said-settings.ts'
import { coloured } from './ops/terminal.ts'
import { DIALECTS, dialectFor, isDialect, type Dialect } from './verify-cache/question.ts'
import { askTwice, verdictOf } from './verify-cache/verify.ts'

const HELP = `npm run verify-cache -- MODEL [options]

Sends MODEL (provider/model) two requests that begin with the same long system prompt, marked with cache_control
where the language has it, and fails unless the second one reads tokens from the provider's cache. It costs what two
such requests cost, and is meant for your own CI.

  --dialect NAME   ${DIALECTS.join(', ')}
                   (default: the provider's own, as far as clients speak it here)
  --tokens N       about how long the shared prompt is (default 6000; no provider's minimum is above 4096)
  --least N        tokens that must be read (default 1)
  --pause SECONDS  between the two (default 2)
  --json           the result as JSON

Which gateway: the one on this machine (http://127.0.0.1:$PORT, 8787 by default), or
  --remote         the deployed one: SLUICE_URL, or what npm run deploy remembered
  --worker NAME    the one deployed with --name NAME
  --url URL        this one; or any other host that speaks the dialect: then SLUICE_KEY is its own key and MODEL its own name
Key: SLUICE_KEY. Without one, a key of $1 is made with the admin key and deleted afterwards.

Exit codes: 0 the cache was read; 1 it was not, or a request was refused; 2 not understood.`

class UsageError extends Error {
  override readonly name = 'UsageError'
}

const where: { remote: boolean; url?: string | undefined; worker?: string | undefined } = { remote: false }

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dialect: { type: 'string' },
      tokens: { type: 'string', default: '6000' },
      least: { type: 'string', default: '1' },
      pause: { type: 'string', default: '2' },
      json: { type: 'boolean' },
      remote: { type: 'boolean' },
      url: { type: 'string' },
      worker: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [model, ...rest] = positionals
  Object.assign(where, {
    remote: values.remote === true || values.worker !== undefined,
    url: values.url,
    worker: values.worker,
  } satisfies Where)
  if (values.help === true) console.log(HELP)
  else {
    if (model === undefined || rest.length > 0) throw new UsageError('Name one model: npm run verify-cache -- provider/model')
    const plan = {
      model,
      dialect: dialectOf(values.dialect, model),
      prefixTokens: numberOf('--tokens', values.tokens, 1),
      leastTokens: numberOf('--least', values.least, 1),
      pauseMs: 1000 * numberOf('--pause', values.pause, 0),
      name: randomUUID(),
    }
    const tell = values.json === true ? () => {} : (line: string) => console.log(line)
    process.exitCode = await withKey(async (base, key) => {
      tell(`${model} in ${plan.dialect} at ${base}`)
      const answers = await askTwice({ ...plan, base, key }, tell)
      const { isRead, words } = verdictOf({ ...plan, base, key }, answers)
      if (values.json === true)
        console.log(
          JSON.stringify({ model, dialect: plan.dialect, cache_read: isRead, words, first: answers[0], second: answers[1] }, null, 1),
        )
      tell(isRead ? `${coloured('✓', 'green')} ${words}` : `${coloured('✗', 'red')} ${words}`)
      return isRead ? 0 : 1
    })
  }
} catch (error) {
  console.error(explain(error, where))
  const usage =
    error instanceof UsageError || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
  process.exitCode = usage ? 2 : 1
}

async function withKey(run: (base: string, key: string) => Promise<number>): Promise<number> {
  const said = saidSettings()['SLUICE_KEY']
  if (said !== undefined) return run(addressOf(where), said)
  const control = await openControl(where)
  const { row, key } = await control.create({ name: 'verify-cache', limit: 1 })
  try {
    return await run(control.base, key)
  } finally {
    await control.remove(row.hash)
  }
}

function dialectOf(said: string | undefined, model: string): Dialect {
  if (said === undefined) return dialectFor(model)
  if (isDialect(said)) return said
  throw new UsageError(`--dialect takes one of ${DIALECTS.join(', ')}, not ${JSON.stringify(said)}.`)
}

function numberOf(option: string, text: string, least: number): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number < least)
    throw new UsageError(`${option} takes a number from ${least}, not ${JSON.stringify(text)}.`)
  return number
}
