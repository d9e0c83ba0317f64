// `npm run recordings`: every recording of a folder through our readers, held against what the recording holds.

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FolderError, readFolder } from './recordings/exchange.ts'
import { judge } from './recordings/judge.ts'
import { reportLines } from './recordings/report.ts'
import type { Verdict } from './recordings/verdict.ts'

const HELP = `npm run recordings -- [FOLDER] [options]

Runs every recording of FOLDER (default: test/fixtures) through Sluice's readers and compares with what the recording
holds, read by code that shares nothing with them. Of chats: text, reasoning, tool calls and their arguments, finish, every
kind of usage, errors and their words; streams are also cut at seeded places, and collected and replayed; requests go
through read, write and read. Beside chat: vectors, rankings, counts of tokens, usage and errors; requests are written in
every language that can say them, and answers told in every language of our clients. What is not judged is named with the
reason. The format of a folder: test/fixtures/README.md.

  --only REGEX     only recordings whose "id provider api" fits
  --limit N        at most N of each provider and API
  --verbose        what was left out of those that pass, too
  --json           all verdicts as JSON

Exit codes: 0 none failed; 1 some did; 2 not understood, or no folder of recordings.`

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      limit: { type: 'string' },
      verbose: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) console.log(HELP)
  else {
    if (positionals.length > 1) throw new FolderError('One folder at a time. npm run recordings -- --help says more.')
    const folder = resolve(positionals[0] ?? join(import.meta.dirname, '../test/fixtures'))
    const verdicts = run(folder, new RegExp(values.only ?? ''), limitOf(values.limit))
    console.log(values.json === true ? JSON.stringify(verdicts, null, 1) : reportLines(verdicts, values.verbose === true).join('\n'))
    process.exitCode = verdicts.some(({ outcome }) => outcome === 'fail') ? 1 : 0
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}

function limitOf(text: string | undefined): number {
  const limit = text === undefined ? Number.POSITIVE_INFINITY : Number(text)
  if (!(limit >= 1)) throw new FolderError(`--limit takes a number from 1, not ${JSON.stringify(text)}.`)
  return limit
}

function run(folder: string, only: RegExp, limit: number): readonly Verdict[] {
  const { exchanges, unreadable } = readFolder(folder)
  const seen = new Map<string, number>()
  const chosen = exchanges.filter(({ id, provider, api }) => {
    if (!only.test(`${id} ${provider} ${api}`)) return false
    const count = (seen.get(`${provider} ${api}`) ?? 0) + 1
    seen.set(`${provider} ${api}`, count)
    return count <= limit
  })
  if (chosen.length + unreadable.length === 0) throw new FolderError(`No recording of ${folder} fits ${only}.`)
  const verdicts: Verdict[] = []
  for (const [i, exchange] of chosen.entries()) {
    if (process.stderr.isTTY && i % 50 === 0) process.stderr.write(`\r${i}/${chosen.length}`)
    verdicts.push(judge(exchange))
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
  // What cannot be read is a failure: a recording that is skipped proves nothing.
  for (const { id, why } of unreadable) verdicts.push({ id, provider: 'unreadable', api: '', outcome: 'fail', reasons: [why], notes: [] })
  return verdicts
}
