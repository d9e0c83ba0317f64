// The kinds of question that scorers by keyword call simple: proofs, graduate science, law, clinical questions, logic.

import type { Row } from './rows.ts'

export const KINDS = ['proofs', 'science', 'law', 'clinical', 'logic'] as const
export type Kind = (typeof KINDS)[number]

const TASKS: { readonly [kind in Kind]: ReadonlySet<string> } = {
  proofs: new Set(['abstract_algebra', 'college_mathematics', 'math']),
  science: new Set(['college_biology', 'college_chemistry', 'college_physics', 'chemistry', 'physics', 'engineering', 'biology']),
  law: new Set(['professional_law', 'international_law', 'jurisprudence', 'law']),
  clinical: new Set(['clinical_knowledge', 'professional_medicine', 'college_medicine', 'medical_genetics', 'virology', 'health']),
  logic: new Set(['formal_logic', 'logical_fallacies', 'agentverse-logicgrid']),
}

/** `null`: of none of them. School mathematics that is only computed (zeroeval, gsm8k) is not among the proofs. */
export function kindOf({ task }: Row): Kind | null {
  return KINDS.find((kind) => TASKS[kind].has(task)) ?? null
}
