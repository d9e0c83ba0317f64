// The recorded prompts and outcomes that the router learns from and is judged by. data/README.md says where they are from.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { TaskType } from '../../src/classifier/contract.ts'
import { taskTypeOf } from './task-types.ts'

export const SOURCES = ['routellm-mmlu', 'mmlu-pro', 'zeroeval-math-l5', 'zeroeval-crux', 'ulab-llmrouter'] as const

export type Row = {
  readonly id: string
  readonly source: string
  readonly task: string
  /** `null`: of no known type. */
  readonly taskType: TaskType | null
  readonly prompt: string
  /** What each model scored, 0 to 1, in the file's order. */
  readonly scores: ReadonlyMap<string, number>
  /** JSON text of the tools that stood beside the prompt (bfcl), and how many they are. */
  readonly tools: string | null
  readonly toolCount: number
}

/** A prompt of IN3 and whether people found that something is missing in it. */
export type Labelled = { readonly id: string; readonly prompt: string; readonly needsInfo: boolean }

const DATA = join(import.meta.dirname, 'data')

/** Where bfcl.jsonl, which may not be given on, lies; `null`: nowhere. */
export function bfclFile(): string | null {
  const folders = [process.env['SLUICE_ROUTER_DATA'], join(import.meta.dirname, '../../../shared/routing')]
  for (const folder of folders) {
    if (folder !== undefined && folder !== '' && existsSync(join(folder, 'bfcl.jsonl'))) return join(folder, 'bfcl.jsonl')
  }
  return null
}

const textOf = (source: string): string => gunzipSync(readFileSync(join(DATA, `${source}.jsonl.gz`))).toString('utf8')

function* objectsOf(text: string): Generator<ReadonlyMap<string, unknown>> {
  for (const line of text.split('\n')) {
    if (line === '') continue
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null) throw new Error(`Not an object: ${line.slice(0, 80)}`)
    yield new Map(Object.entries(value))
  }
}

function stringOf(object: ReadonlyMap<string, unknown>, member: string): string {
  const value = object.get(member)
  if (typeof value !== 'string') throw new Error(`${member} is missing in ${String(object.get('id'))}`)
  return value
}

function scoresOf(object: ReadonlyMap<string, unknown>): ReadonlyMap<string, number> {
  const scores = new Map<string, number>()
  for (const [model, score] of Object.entries(object.get('scores') ?? {})) {
    if (typeof score !== 'number' || !(score >= 0 && score <= 1))
      throw new Error(`A score of ${String(object.get('id'))} is not within 0 and 1`)
    scores.set(model, score)
  }
  return scores
}

function rowOf(object: ReadonlyMap<string, unknown>): Row {
  const [source, task, origin, tools, toolCount] = [
    stringOf(object, 'source'),
    stringOf(object, 'task'),
    object.get('origin'),
    object.get('tools'),
    object.get('n_tools'),
  ]
  return {
    id: stringOf(object, 'id'),
    source,
    task,
    taskType: taskTypeOf(source, task, typeof origin === 'string' ? origin : null),
    prompt: stringOf(object, 'prompt'),
    scores: scoresOf(object),
    tools: typeof tools === 'string' ? tools : null,
    toolCount: typeof toolCount === 'number' ? toolCount : 0,
  }
}

/** All rows with outcomes, source by source, each in its file's order. `bfcl: 'if-present'` adds the rows of bfcl.jsonl where the machine has it. */
export function loadRows(bfcl: 'if-present' | 'never' = 'never'): readonly Row[] {
  const file = bfcl === 'never' ? null : bfclFile()
  const texts = [...SOURCES.map(textOf), ...(file === null ? [] : [readFileSync(file, 'utf8')])]
  return texts.flatMap((text) => [...objectsOf(text)].map(rowOf))
}

/** The labelled prompts of IN3; they have no outcomes. */
export function loadLabelled(): readonly Labelled[] {
  return [...objectsOf(textOf('in3'))].map((object) => ({
    id: stringOf(object, 'id'),
    prompt: stringOf(object, 'prompt'),
    needsInfo: stringOf(object, 'label') === 'needs_info',
  }))
}

/** SHA-256 (hex) of the files' contents as `loadRows` with the same argument and `loadLabelled` read them. */
export function dataHash(bfcl: 'if-present' | 'never' = 'never'): string {
  const hash = createHash('sha256')
  for (const source of [...SOURCES, 'in3']) hash.update(textOf(source))
  const file = bfcl === 'never' ? null : bfclFile()
  if (file !== null) hash.update(readFileSync(file))
  return hash.digest('hex')
}
