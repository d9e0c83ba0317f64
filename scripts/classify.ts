// `npm run classify -- in.jsonl out.jsonl`: what the shipped classifier says of prompts in a file.

import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { subjectOf } from '../src/classifier/contract.ts'
import { TrainedClassifier, unpack } from '../src/classifier/model.ts'
import { TRAINED } from '../src/classifier/trained.ts'

const HELP = `npm run classify -- IN.jsonl OUT.jsonl

Reads rows {"id", "prompt"} (one JSON object a line; "system" may stand beside, other members are ignored) and writes for each
  {"id", "score", "task_type", "difficulty", "needs_info", "micros"}

score       0 to 1; higher: a cheap model is likelier to fail
task_type   one of the types of src/classifier/contract.ts
difficulty  easy, medium or hard: score between fixed cuts
needs_info  true where a rule says that a model would have to ask back
micros      microseconds that this took

"-" for IN or OUT is standard input or output. A row that is not of this form ends the run with its line's number.`

const PROGRESS_ROWS = 5000

export type Classified = {
  readonly id: string | number
  readonly score: number
  readonly task_type: string
  readonly difficulty: string
  readonly needs_info: boolean
  readonly micros: number
}

export function shippedClassifier(): TrainedClassifier {
  return new TrainedClassifier(unpack(readFileSync(join(import.meta.dirname, '../src/classifier/router.bin'))), TRAINED.version)
}

/** @throws Error that says what the line should have been */
export function classified(line: string, classifier: TrainedClassifier): Classified {
  const value: unknown = JSON.parse(line)
  if (typeof value !== 'object' || value === null) throw new Error('it is not an object')
  const members = new Map<string, unknown>(Object.entries(value))
  const [id, prompt, system = ''] = ['id', 'prompt', 'system'].map((name) => members.get(name))
  if (typeof id !== 'string' && typeof id !== 'number') throw new Error('"id" must be a string or a number')
  if (typeof prompt !== 'string') throw new Error('"prompt" must be a string')
  if (typeof system !== 'string') throw new Error('"system" must be a string')
  const subject = subjectOf(prompt, { system })
  const before = performance.now()
  const { score, taskType, difficulty, needsInfo } = classifier.classify(subject)
  const micros = Math.round((performance.now() - before) * 10_000) / 10
  return { id, score, task_type: taskType, difficulty, needs_info: needsInfo !== null, micros }
}

async function main(): Promise<number> {
  const [from, to, ...more] = process.argv.slice(2)
  if (process.argv.includes('--help')) {
    console.log(HELP)
    return 0
  }
  if (from === undefined || to === undefined || more.length > 0) {
    console.error(HELP)
    return 2
  }
  if (from !== '-' && !existsSync(from)) {
    console.error(`There is no file ${from}.`)
    return 2
  }
  const classifier = shippedClassifier()
  const input = createInterface({ input: from === '-' ? process.stdin : createReadStream(from), crlfDelay: Infinity })
  const output = to === '-' ? process.stdout : createWriteStream(to)
  let [at, rows] = [0, 0]
  const times: number[] = []
  for await (const line of input) {
    at++
    if (line.trim() === '') continue
    let result: Classified
    try {
      result = classified(line, classifier)
    } catch (error) {
      console.error(`Line ${at} of ${from}: ${error instanceof Error ? error.message : 'it cannot be read'}.`)
      return 1
    }
    times.push(result.micros)
    if (!output.write(`${JSON.stringify(result)}\n`)) await once(output, 'drain')
    if (++rows % PROGRESS_ROWS === 0) console.error(`${rows} rows …`)
  }
  if (output !== process.stdout) {
    output.end()
    await once(output, 'finish')
  }
  times.sort((a, b) => a - b)
  console.error(`${rows} rows, median ${times[Math.floor(times.length / 2)] ?? 0} µs each; classifier ${classifier.version}.`)
  return 0
}

if (import.meta.main) process.exitCode = await main()
