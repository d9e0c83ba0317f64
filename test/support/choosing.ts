// What a choice of model is made by, made up for tests: a classifier that reads its verdict out of the prompt, and a small capability table.

import { TASK_TYPES, type Classifier, type Subject, type TaskType, type Verdict } from '../../src/classifier/contract.ts'
import { verdict as verdictOf } from './verdicts.ts'
import {
  NOTHING_LEARNED,
  type Ability,
  type Capability,
  type Choosing,
  type Learned,
  type ScoreHistogram,
} from '../../src/routing/choosing/contract.ts'

export function verdict(score: number, more: Partial<Verdict> = {}): Verdict {
  const difficulty = score < 0.34 ? 'easy' : score < 0.67 ? 'medium' : 'hard'
  return verdictOf(more.taskType ?? 'open-ended', score, { difficulty, ...more })
}

/** What is asked of it, in order. A prompt says what it is: `score=0.8 task=math`, `needs-info`, `abstain`; of anything else the score is 0.1. */
export function readingClassifier(): Classifier & { readonly asked: readonly Subject[] } {
  const asked: Subject[] = []
  return {
    version: 'fake',
    asked,
    classify(subject) {
      asked.push(subject)
      const score = Number(/score=([0-9.]+)/.exec(subject.prompt)?.[1] ?? 0.1)
      const word = /task=([a-z-]+)/.exec(subject.prompt)?.[1]
      const taskType = TASK_TYPES.find((one) => one === word) ?? 'open-ended'
      return verdict(score, {
        taskType,
        abstains: subject.prompt.includes('abstain'),
        needsInfo: subject.prompt.includes('needs-info') ? 'absent-reference' : null,
      })
    },
  }
}

type Rows = { readonly [model: string]: number | { readonly [task in TaskType | 'else']?: number } }

/** A value a model, or one a task; whoever is not in it is guessed. */
export function capability(rows: Rows, error = 0.02): Capability {
  const table = new Map(Object.entries(rows))
  return {
    of(model, task): Ability {
      const row = table.get(model)
      const value = typeof row === 'number' ? row : (row?.[task] ?? row?.else)
      return value === undefined ? { value: 0.5, error: 0.15, n: 0, basis: 'price' } : { value, error, n: 400, basis: 'measured' }
    },
  }
}

export function choosing(
  rows: Rows,
  judged: Verdict | null,
  more: Partial<Omit<Choosing, 'learned'>> & { readonly learned?: Partial<Learned> } = {},
): Choosing {
  const { learned, ...rest } = more
  return { verdict: () => judged, capability: capability(rows), ...rest, learned: { ...NOTHING_LEARNED, ...learned } }
}

/** A tenant whose scores lie around one number. */
export function scoresAround(middle: number, total = 1000): ScoreHistogram {
  const bins = Array.from({ length: 64 }, (_, bin) => Math.max(0, 1 - Math.abs((bin + 0.5) / 64 - middle) * 5))
  const sum = bins.reduce((all, one) => all + one, 0)
  return { bins: bins.map((one) => (one / sum) * total), total }
}
