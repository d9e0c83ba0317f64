// What a request looks like to the classifier, and what it says of it. Difficulty is a number that orders requests; what is done about it is
// routing's (routing/strategies/difficulty.ts, auto.ts).

/** What is asked of a model, as far as a prompt alone tells. The order is the trained file's code: training reads it from here. */
export const TASK_TYPES = [
  'math-word',
  'math',
  'code-writing',
  'code-reasoning',
  'tool-use',
  'physical-science',
  'life-science',
  'law',
  'business',
  'social-science',
  'humanities',
  'logic',
  'computer-science',
  'commonsense',
  'trivia',
  'open-ended',
  'chemistry',
] as const
export type TaskType = (typeof TASK_TYPES)[number]

/** What of a request is looked at. Texts are bounded by whoever makes it; the classifier reads bounded parts of them whatever their length. */
export type Subject = {
  /** The text of the user's message. */
  readonly prompt: string
  /** What stands before the conversation; may be empty. */
  readonly system: string
  /** Tools that the model may call, and the bytes of their descriptions and schemas. */
  readonly tools: number
  readonly toolBytes: number
  /** Messages before the one that is judged, without instructions. */
  readonly turns: number
  /** Pictures, files, sounds. */
  readonly attachments: number
  readonly format: 'text' | 'json' | 'schema'
  /** Estimated tokens of the whole request. */
  readonly contextTokens: number
}

/** A subject of one text alone. */
export function subjectOf(prompt: string, beside: Partial<Subject> = {}): Subject {
  return { prompt, system: '', tools: 0, toolBytes: 0, turns: 0, attachments: 0, format: 'text', contextTokens: 0, ...beside }
}

export const DIFFICULTIES = ['easy', 'medium', 'hard'] as const
export type Difficulty = (typeof DIFFICULTIES)[number]

/** Why a model would have to ask back, by a rule and never by a guess. */
export type NeedsInfo = 'absent-reference' | 'template-slot' | 'no-object'

export type Verdict = {
  /** 0 to 1, higher: a cheap model is likelier to fail. It orders requests; as a chance it holds only for traffic like the training data. */
  readonly score: number
  /** `score` between the cuts that the trained file has. */
  readonly difficulty: Difficulty
  /** 0.5 (at a cut) to 1 (as far from one as can be): where `score` lies within its difficulty. No probability. */
  readonly margin: number
  readonly taskType: TaskType
  /** 0 to 1: how much of the probability the task type has among all. */
  readonly confidence: number
  /** Probabilities of the types in the order of TASK_TYPES; `confidence` is the largest. */
  readonly types: readonly number[]
  /** `null`: no rule fires. Such a request goes to a cheap model, which will ask. */
  readonly needsInfo: NeedsInfo | null
  /** Too little of the text is like anything that was learnt from: whoever routes takes his default. */
  readonly abstains: boolean
}

/** Pure and synchronous. */
export interface Classifier {
  /** Names the trained file: its first twelve digits of SHA-256. */
  readonly version: string
  /** Up to about 8,192 tokens are read of each text; of longer ones the beginning and the end. */
  classify(subject: Subject): Verdict
}
