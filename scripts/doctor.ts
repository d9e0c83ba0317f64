// `npm run doctor`: names everything that is missing or cannot be used, and what to do about it.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Control } from './ops/control.ts'
import { ControlError } from './ops/control.ts'
import { callProviders, plannedTries } from './ops/doctor-calls.ts'
import { readReport, reportLines } from './ops/doctor-gateway.ts'
import { bad, note, printed, type Line } from './ops/doctor-line.ts'
import { configLines, nodeLine, settingLines } from './ops/doctor-machine.ts'
import { explain, openControl, type Where } from './ops/gateway-address.ts'
import { devVars, environment } from './ops/said-settings.ts'
import { readConfig } from './ops/worker-config.ts'

const HELP = `npm run doctor [-- --remote | --url URL] [--no-calls] [--try MODEL …]

Checks this machine, wrangler.toml, the settings and the running gateway, and calls each configured
provider once: its cheapest model, 16 tokens, with a key of $0.05 that is deleted afterwards.

  --remote         the deployed gateway (SLUICE_URL, or what npm run deploy remembered)
  --worker NAME    the one deployed with --name NAME
  --url URL        this gateway
  --try MODEL      call this model (provider/model) instead; may be repeated
  --no-calls       call no provider

✓ works   ✗ does not, and → what to do   – not used, or worth knowing
Exit codes: 0 nothing is ✗; 1 something is; 2 not understood.`

const root = fileURLToPath(new URL('..', import.meta.url))
let failures = 0

try {
  const { values } = parseArgs({
    options: {
      remote: { type: 'boolean' },
      url: { type: 'string' },
      worker: { type: 'string' },
      try: { type: 'string', multiple: true },
      'no-calls': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const where: Where = { remote: values.remote === true || values.worker !== undefined, url: values.url, worker: values.worker }
  if (values.help === true) console.log(HELP)
  else await examine(where, values['no-calls'] === true ? null : (values.try ?? []))
  process.exitCode = failures === 0 ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}

/** `named`: models to call; none = the cheapest of each; `null` = no calls. */
async function examine(where: Where, named: readonly string[] | null): Promise<void> {
  const remote = where.remote || where.url !== undefined
  const file = where.worker === undefined ? 'wrangler.toml' : `wrangler.${where.worker}.toml`
  const text = existsSync(`${root}${file}`) ? readFileSync(`${root}${file}`, 'utf8') : null
  section('This machine')
  tell(nodeLine(process.versions.node))
  configLines(file, text, where.remote).forEach(tell)
  settingLines(devVars(), environment(), text === null ? {} : readConfig(text).vars).forEach(tell)

  const control = await reach(where)
  if (control === null) return
  section(`The gateway at ${control.base}`)
  const report = await control.read('/doctor').then(readReport).catch((error: unknown) => error as Error) // prettier-ignore
  if (report === null || report instanceof Error) {
    const old = report === null || (report instanceof ControlError && report.status === 404)
    tell(
      old
        ? bad('it cannot tell of its set-up', 'It is older than this checkout, or not Sluice: deploy (or start) it again.')
        : bad(firstLine(explain(report, where)), restOf(explain(report, where))),
    )
    return
  }
  reportLines(report, migrationFiles(), remote).forEach(tell)

  section('The providers')
  if (named === null) return tell(note('not called (--no-calls)'))
  const { tries, notes } = plannedTries(report.providers, named, new Date().toISOString().slice(0, 10))
  notes.forEach(tell)
  if (tries.length > 0) console.error(`  calling ${tries.map((one) => one.provider).join(', ')} …`)
  try {
    await callProviders(control, tries, Date.now(), tell)
  } catch (error) {
    tell(bad(`no key could be made for the calls: ${firstLine(explain(error, where))}`, restOf(explain(error, where))))
  }
}

async function reach(where: Where): Promise<Control | null> {
  try {
    return await openControl(where)
  } catch (error) {
    section('The gateway')
    tell(bad(firstLine(explain(error, where)), restOf(explain(error, where))))
    return null
  }
}

function migrationFiles(): readonly string[] {
  return readdirSync(`${root}migrations`)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
}

function tell(line: Line): void {
  if (line.mark === 'bad') failures++
  console.log(printed(line))
}

function section(title: string): void {
  console.log(`\n${title}`)
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text
}

function restOf(text: string): string {
  const rest = text.split('\n').slice(1).join(' ')
  return rest === '' ? 'Mend that and run this again.' : rest
}
