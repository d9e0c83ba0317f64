// `npm run matrix`: docs/FIDELITY.md, what every translation does with every feature, as observed.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fidelityDocument } from './matrix/document.ts'

const HELP = `npm run matrix [-- --check]

Writes docs/FIDELITY.md: feature × client language × provider, kept, mapped, approximated, dropped or refused, as
observed by translating a request that uses the one feature.

  --check   change nothing; fail if the file is not what the translations do

Exit codes: 0 written or up to date; 1 not up to date; 2 not understood.`

const FILE = join(import.meta.dirname, '../docs/FIDELITY.md')

try {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
  if (values.help === true) console.log(HELP)
  else {
    const text = fidelityDocument()
    if (text.includes('**silent**')) throw new Error('A feature is left out without a word: look for **silent**.')
    if (values.check !== true) {
      writeFileSync(FILE, text)
      console.log(`${FILE} written.`)
    } else if (readFileSync(FILE, 'utf8') !== text) {
      console.error(`${FILE} is not what the translations do: run npm run matrix and commit it.`)
      process.exitCode = 1
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
