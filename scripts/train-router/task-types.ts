// Which task type a recorded row is, by its source and subject: the label that the classifier learns, and the row of the capability table.

import type { TaskType } from '../../src/classifier/contract.ts'

const of = (type: TaskType, subjects: string): (readonly [string, TaskType])[] => subjects.split(' ').map((subject) => [subject, type])

/** Subjects of MMLU; those of no one type (`miscellaneous`, `global_facts`) are trivia. */
const MMLU: ReadonlyMap<string, TaskType> = new Map([
  ...of('math-word', 'elementary_mathematics'),
  ...of('math', 'abstract_algebra college_mathematics high_school_mathematics high_school_statistics'),
  ...of('computer-science', 'college_computer_science high_school_computer_science computer_security machine_learning'),
  ...of('physical-science', 'astronomy college_physics conceptual_physics electrical_engineering high_school_physics'),
  ...of(
    'life-science',
    'anatomy clinical_knowledge college_biology college_medicine high_school_biology human_aging medical_genetics nutrition professional_medicine virology',
  ),
  ...of('law', 'international_law jurisprudence professional_law'),
  ...of(
    'business',
    'business_ethics econometrics high_school_macroeconomics high_school_microeconomics management marketing professional_accounting public_relations',
  ),
  ...of(
    'social-science',
    'high_school_geography high_school_government_and_politics high_school_psychology human_sexuality professional_psychology security_studies sociology us_foreign_policy',
  ),
  ...of(
    'humanities',
    'high_school_european_history high_school_us_history high_school_world_history moral_disputes moral_scenarios philosophy prehistory world_religions',
  ),
  ...of('logic', 'formal_logic logical_fallacies'),
  ...of('trivia', 'global_facts miscellaneous'),
  ...of('chemistry', 'college_chemistry high_school_chemistry'),
])

const MMLU_PRO: ReadonlyMap<string, TaskType> = new Map([
  ...of('business', 'business economics'),
  ...of('law', 'law'),
  ...of('social-science', 'psychology'),
  ...of('life-science', 'biology health'),
  ...of('physical-science', 'physics engineering'),
  ...of('chemistry', 'chemistry'),
  ...of('humanities', 'history philosophy'),
  ...of('math', 'math'),
])

const ULAB: ReadonlyMap<string, TaskType> = new Map([
  ...of('logic', 'agentverse-logicgrid'),
  ...of('open-ended', 'commongen'),
  ...of('trivia', 'natural_qa trivia_qa'),
  ...of('code-writing', 'mbpp human_eval'),
  ...of('math-word', 'gsm8k'),
  ...of('math', 'math'),
  // The latter two ask natural science as schools teach it.
  ...of('commonsense', 'commonsense_qa openbook_qa arc_challenge'),
])

/** `null`: the row is of no known type (`mmlu` of ulab-llmrouter does not say its subject). */
export function taskTypeOf(source: string, task: string, origin: string | null): TaskType | null {
  switch (source) {
    case 'routellm-mmlu':
      return MMLU.get(task) ?? null
    case 'mmlu-pro':
      // MMLU's own subjects are finer than MMLU-Pro's ("other", "computer science", formal logic among philosophy).
      return (
        (origin?.startsWith('ori_mmlu-') === true ? MMLU.get(origin.slice('ori_mmlu-'.length)) : undefined) ??
        (task === 'computer science' ? 'computer-science' : (MMLU_PRO.get(task) ?? null))
      )
    case 'ulab-llmrouter':
      return ULAB.get(task) ?? null
    case 'zeroeval-math-l5':
      return 'math'
    case 'zeroeval-crux':
      return 'code-reasoning'
    case 'bfcl':
      return 'tool-use'
    default:
      return null
  }
}
