// Verdicts for tests that need no classifier.

import { TASK_TYPES, type Classifier, type Subject, type TaskType, type Verdict } from '../../src/classifier/contract.ts'

/** Of one type, as sure as `confidence` says; the rest of the probability is open-ended. */
export function verdict(taskType: TaskType, score: number, beside: Partial<Verdict> = {}): Verdict {
  const confidence = beside.confidence ?? 1
  return {
    score,
    difficulty: score >= 0.55 ? 'hard' : score >= 0.35 ? 'medium' : 'easy',
    margin: 0.75,
    taskType,
    confidence,
    types: TASK_TYPES.map((type) => (type === taskType ? confidence : type === 'open-ended' ? 1 - confidence : 0)),
    needsInfo: null,
    abstains: false,
    ...beside,
  }
}

/** Says what `judge` says of a subject. */
export function fakeClassifier(judge: (subject: Subject) => Verdict): Classifier {
  return { version: 'fake', classify: judge }
}
