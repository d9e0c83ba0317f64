// `npm run bench:classifier`: what a verdict on a prompt takes, in microseconds of one core: features, difficulty, task types and rules together.
// Plain V8, as in a Worker, whose clock stands still while it computes.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { subjectOf } from '../../src/classifier/contract.ts'
import { TrainedClassifier, unpack } from '../../src/classifier/model.ts'
import { TRAINED } from '../../src/classifier/trained.ts'

const ROOT = join(import.meta.dirname, '../..')
const CHARS_A_TOKEN = 4.5
const SIZES = [20, 100, 1000, 8192, 131_072]
const AIMS: ReadonlyMap<number, number> = new Map([
  [1000, 150],
  [8192, 250],
])

const { values: said } = parseArgs({ options: { count: { type: 'string' }, help: { type: 'boolean' } } })
if (said.help === true) {
  console.log(`npm run bench:classifier [-- --count 1000]

Tells the first calls of a fresh process, the median and the 99th percentile by size of prompt, and what the classifier adds to the bundle.`)
  process.exit(0)
}
const count = Number(said.count ?? 1000)

const bytes = readFileSync(join(ROOT, 'src/classifier/router.bin'))
const microseconds = (work: () => unknown): number => {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1000
}

// What people send: this project's own documents, cut to size at ever other places.
const documents = ['README.md', 'docs/routes.md', 'docs/strategies.md', 'src/README.md', 'src/gateway/handle.ts', 'docs/failover.md']
const text = documents.map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n')
const prompt = (tokens: number, turn: number): string => {
  const chars = Math.ceil(tokens * CHARS_A_TOKEN)
  const long = text.repeat(Math.ceil((chars + 10_000) / text.length))
  const start = (turn * 997) % 10_000
  return Buffer.from(long.slice(start, start + chars)).toString() // flat, as JSON.parse makes it
}

let classifier: TrainedClassifier | undefined
const unpacking = microseconds(() => (classifier = new TrainedClassifier(unpack(bytes), TRAINED.version)))
if (classifier === undefined) throw new Error('There is no classifier.')
const trained = classifier
const question = subjectOf('How do I find out which process listens on port 8080 on a Mac?')
const first = microseconds(() => trained.classify(question))
const next = Array.from({ length: 10 }, () => microseconds(() => trained.classify(question)))
console.log(`unpacking ${unpacking.toFixed(0)} µs, first call ${first.toFixed(0)} µs, then ${next.map((one) => one.toFixed(0)).join(' ')}`)

console.log('\n| tokens | median µs | p99 µs | aim |\n|---|---|---|---|')
for (const tokens of SIZES) {
  const prompts = Array.from({ length: 16 }, (_, turn) => subjectOf(prompt(tokens, turn)))
  const taken: number[] = []
  for (let turn = 0; turn < count; turn++) {
    const subject = prompts[turn % prompts.length]
    if (subject !== undefined) taken.push(microseconds(() => trained.classify(subject)))
  }
  taken.sort((a, b) => a - b)
  const at = (share: number): string => (taken[Math.floor(share * taken.length)] ?? 0).toFixed(0)
  console.log(`| ${tokens} | ${at(0.5)} | ${at(0.99)} | ${AIMS.get(tokens) ?? ''} |`)
}

const { outputFiles } = await build({
  entryPoints: [join(ROOT, 'src/classifier/model.ts')],
  bundle: true,
  write: false,
  format: 'esm',
  minify: true,
})
const code = outputFiles[0]?.contents ?? new Uint8Array()
const packed = (content: Uint8Array): number => gzipSync(content, { level: 9 }).byteLength
console.log(`\nadded to the bundle: ${packed(bytes)} bytes gzip of weights, ${packed(code)} of code`)
