// Where the operations beside chat stand at places that have them as OpenAI does.

import type { Habits } from '../dialects/contract.ts'
import type { OperationVoice, Settings } from './contract.ts'

/** OpenAI's languages: id → path below the base URL. */
const PATHS = {
  'openai-embeddings': '/embeddings',
  'openai-image-generations': '/images/generations',
  'openai-image-edits': '/images/edits',
  'openai-image-variations': '/images/variations',
  'openai-speech': '/audio/speech',
  'openai-transcriptions': '/audio/transcriptions',
  'openai-translations': '/audio/translations',
  'openai-moderations': '/moderations',
  'openai-input-tokens': '/responses/input_tokens',
  // Not OpenAI's own, but in the shape that Cohere and Jina made common.
  rerank: '/rerank',
} as const

export type OpenAiOperation = keyof typeof PATHS

/** Where a place puts an operation, given OpenAI's path. */
type Placing = (path: string, model: string, settings: Settings) => string

const ALL = Object.keys(PATHS) as readonly OpenAiOperation[] // the table's own keys

export const ALL_OF_OPENAI = ALL.filter((id) => id.startsWith('openai-'))

/** What a host that copied OpenAI may have. One that has not says so itself. */
export const ALL_OF_COPIES = ALL.filter((id) => id !== 'openai-input-tokens')

/** `below`: where they stand when not at the base URL itself; a function, where the model or the settings say so. */
export function openAiOperations(ids: readonly OpenAiOperation[], habits: Habits, below: string | Placing = ''): readonly OperationVoice[] {
  const place: Placing = typeof below === 'string' ? (path) => below + path : below
  return ids.map((dialect) => ({ dialect, habits, path: (model, settings) => place(PATHS[dialect], model, settings) }))
}
