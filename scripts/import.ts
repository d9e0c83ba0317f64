// `npm run import`: another gateway's routing configuration as a route document, with a list of what did not go into it.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { checkCondition } from '../src/routing/conditions.ts'
import { checkRouteDocument } from '../src/routing/document.ts'
import type { Imported } from '../src/routing/import/imported.ts'
import { importLitellm } from '../src/routing/import/litellm.ts'
import { importPreset } from '../src/routing/import/openrouter-preset.ts'
import { importPortkey } from '../src/routing/import/portkey.ts'

const HELP = `npm run import -- litellm config.yaml
npm run import -- portkey config.json --name chat
npm run import -- openrouter-preset preset.json --name my-preset

Prints a route document (see docs/routes.md) and tells on standard error what was not taken over. No secret is ever taken over.

  --name NAME   what clients will ask for (portkey), or the preset's slug where the file does not say it; the file's own name if not given

Exit codes: 0 a good document; 1 one that must be mended before it can be used; 2 not understood.`

try {
  const { values, positionals } = parseArgs({
    options: { name: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  const [kind, file] = positionals
  if (values.help === true) console.log(HELP)
  else if (kind === undefined || file === undefined) throw new Error(HELP)
  else {
    const read: unknown = parse(readFileSync(file, 'utf8')) // JSON is YAML
    const { document, notes } = imported(kind, read, values.name ?? basename(file).replace(/\.\w+$/, ''))
    console.log(JSON.stringify(document, null, 2))
    for (const { path, message } of notes) console.error(`not taken over: ${path === '' ? file : path}: ${message}`)
    const checked = checkRouteDocument(document, checkCondition)
    if (checked.kind === 'bad') {
      for (const { path, message } of checked.errors) console.error(`to be mended: ${path}: ${message}`)
      process.exitCode = 1
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}

function imported(kind: string, read: unknown, name: string): Imported {
  switch (kind) {
    case 'litellm':
      return importLitellm(read)
    case 'portkey':
      return importPortkey(read, name, checkCondition)
    case 'openrouter-preset':
      return importPreset(read, name)
    default:
      throw new Error(HELP)
  }
}
