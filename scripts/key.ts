// `npm run key`: makes, lists, disables, deletes and rotates API keys of a gateway, through its keys API.

import { parseArgs } from 'node:util'
import { COMMANDS, isCommand, runCommand, UsageError } from './ops/key-command.ts'
import { explain, openControl, type Where } from './ops/gateway-address.ts'

const HELP = `npm run key -- COMMAND [options]

  create   --name NAME [--limit USD] [--reset daily|weekly|monthly|24h|…] [--expires DATE] [--models GLOB,GLOB]
           [--providers GLOB,GLOB] [--regions GLOB,GLOB]   where its requests may go
           [--ips CIDR,CIDR]       from where it may be used
           [--rpm N] [--rpd N]     requests a minute, a day      [--tpm N] [--tpd N]   tokens a minute, a day
           [--parallel N]          requests at once
           [--mode strict|elastic] what a stream holds: its worst case, or what it has come to and a little more
           [--on-disconnect drain] answers of clients that left are read to their end, where leaving does not end the bill
           [--sluice JSON]         further members of "sluice" in the keys API: '{"team": "blue", "leased": true, "model_limits": {…}}'
           makes a key and shows it, once
  list     shows all keys: hash, name, spend, limit
  disable  --hash HASH | --name NAME     refuses its requests from the next one on
  enable   --hash HASH | --name NAME
  delete   --hash HASH | --name NAME     for good; what it spent stays on the books
  rotate   --hash HASH | --name NAME [--grace SECONDS]   a new text for the same key, budget and spend

  --json   the answer as JSON
  --hash takes the first six or more characters of a hash, too.

Which gateway: the one on this machine (http://127.0.0.1:$PORT, 8787 by default), or
  --remote          the deployed one: SLUICE_URL, or what npm run deploy remembered in .sluice/remote.json
  --worker NAME     the one deployed with --name NAME
  --url URL         this one
Admin key: SLUICE_ADMIN_KEY, from the environment or .dev.vars; for the gateway on this machine else the
one that npm start made; for others it is asked for.

Exit codes: 0 done; 1 the gateway refused or did not answer; 2 not understood.`

const where: { remote: boolean; url?: string | undefined; worker?: string | undefined } = { remote: false }

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      limit: { type: 'string' },
      reset: { type: 'string' },
      expires: { type: 'string' },
      models: { type: 'string' },
      providers: { type: 'string' },
      regions: { type: 'string' },
      ips: { type: 'string' },
      rpm: { type: 'string' },
      rpd: { type: 'string' },
      tpm: { type: 'string' },
      tpd: { type: 'string' },
      parallel: { type: 'string' },
      mode: { type: 'string' },
      'on-disconnect': { type: 'string' },
      sluice: { type: 'string' },
      hash: { type: 'string' },
      grace: { type: 'string' },
      json: { type: 'boolean' },
      remote: { type: 'boolean' },
      url: { type: 'string' },
      worker: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [command, ...rest] = positionals
  Object.assign(where, {
    remote: values.remote === true || values.worker !== undefined,
    url: values.url,
    worker: values.worker,
  } satisfies Where)
  if (values.help === true || command === undefined) console.log(HELP)
  else if (!isCommand(command) || rest.length > 0)
    throw new UsageError(`${JSON.stringify(positionals.join(' '))} is not one of ${COMMANDS.join(', ')}. npm run key -- --help says more.`)
  else console.log(await runCommand(command, values, await openControl(where)))
  if (values.help !== true && command === undefined) process.exitCode = 2
} catch (error) {
  console.error(explain(error, where))
  const usage =
    error instanceof UsageError || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
  process.exitCode = usage ? 2 : 1
}
