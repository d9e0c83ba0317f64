// Prompts that were written for this project, with what their writer thinks of them: what they ask, and how likely a small model fails. They
// teach the task types how questions sound outside examinations; outcomes they have none.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TASK_TYPES, type TaskType } from '../../src/classifier/contract.ts'

export type Written = {
  readonly id: string
  readonly taskType: TaskType
  /** 1 (a small model practically never fails) to 5 (nearly always). */
  readonly level: number
  readonly prompt: string
}

export const WRITTEN_FILE = join(import.meta.dirname, 'data/written.jsonl')

/** @throws Error for a line that is not of this form */
export function loadWritten(): readonly Written[] {
  return readFileSync(WRITTEN_FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const value: unknown = JSON.parse(line)
      const members = new Map<string, unknown>(Object.entries(value ?? {}))
      const [id, task, level, prompt] = ['id', 'task', 'level', 'prompt'].map((name) => members.get(name))
      const taskType = TASK_TYPES.find((type) => type === task)
      if (typeof id !== 'string' || taskType === undefined || typeof level !== 'number' || typeof prompt !== 'string')
        throw new Error(`Not a written prompt: ${line.slice(0, 80)}`)
      return { id, taskType, level, prompt }
    })
}
