// Owns `npm run catalogue`: sources in, src/catalogue/data/models.ts out, and everything on which the sources disagree said aloud.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build, type Report } from './catalogue/build.ts'
import type { Model } from './catalogue/model.ts'
import { copySources, readSources, type Sources } from './catalogue/sources.ts'
import { writeModule } from './catalogue/write.ts'

const SOURCES = join(import.meta.dirname, 'catalogue', 'sources')
const OUTPUT = join(import.meta.dirname, '..', 'src', 'catalogue', 'data', 'models.ts')

const HELP = `npm run catalogue [-- options]

Builds src/catalogue/data/models.ts from scripts/catalogue/sources and prints every disagreement of the sources on a price.

  --check          change nothing; fail if the committed file is not what the sources give
  --quiet          only the summary
  --from FOLDER    first replace the sources by trimmed copies of the originals in FOLDER
  --as-of DATE     with --from: announced price changes count up to this day (default: today)
  --help           this text

How to refresh, how disagreements are settled, and the operator's overlay: docs/catalogue.md`

/** What the sources give, without writing it. */
export function generate(folder: string = SOURCES): { readonly text: string; readonly models: readonly Model[]; readonly report: Report } {
  const sources = readSources(folder)
  const { models, report } = build(sources)
  return { text: writeModule(models, newestOf(sources)), models, report }
}

function newestOf(sources: Sources): string {
  return (
    [sources.litellm, sources.genai, sources.modelsDev, sources.openRouter]
      .map((source) => source.date)
      .toSorted()
      .at(-1) ?? ''
  )
}

function main(): number {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      from: { type: 'string' },
      'as-of': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  if (values.from) copySources(values.from, SOURCES, values['as-of'] ?? new Date().toISOString().slice(0, 10))
  const { text, models, report } = generate()
  if (!values.quiet) say(report)
  summarise(text, models, report)
  if (existsSync(OUTPUT) && readFileSync(OUTPUT, 'utf8') === text) {
    console.log(`${OUTPUT} is up to date.`)
    return 0
  }
  if (values.check) {
    console.error(`${OUTPUT} is not what the sources give: run \`npm run catalogue\` and commit it.`)
    return 1
  }
  writeFileSync(OUTPUT, text)
  console.log(`${OUTPUT} written.`)
  return 0
}

function say(report: Report): void {
  for (const line of report.disagreements) console.log(`disagreement: ${line}`)
  for (const line of report.unpriced) console.log(`unpriced: ${line}`)
  for (const line of report.changes) console.log(`price change: ${line}`)
}

function summarise(text: string, models: readonly Model[], report: Report): void {
  const counts = new Map<string, { all: number; priced: number }>()
  for (const model of models) {
    const count = counts.get(model.provider) ?? { all: 0, priced: 0 }
    counts.set(model.provider, { all: count.all + 1, priced: count.priced + (model.given ? 1 : 0) })
  }
  const parts = [...counts].map(([provider, { all, priced }]) => `${provider} ${all}${priced === all ? '' : ` (${priced} priced)`}`)
  console.log(`${models.length} models: ${parts.join(', ')}`)
  console.log(
    `${report.disagreements.length} disagreements, ${report.unpriced.length} models left unpriced, ${report.changes.length} announced price changes`,
  )
  console.log(`${kilobytes(Buffer.byteLength(text))} raw, ${kilobytes(gzipSync(text, { level: 9 }).length)} gzip`)
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}

if (import.meta.main) process.exitCode = main()
