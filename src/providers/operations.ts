// Where the operations beside chat stand at places that have them as OpenAI does.

import type { OperationVoice } from '../operations/contract.ts'

/** OpenAI's languages: id → path below the base URL. */
const PATHS = {
  'openai-embeddings': '/embeddings',
  'openai-image-generations': '/images/generations',
  'openai-image-edits': '/images/edits',
  'openai-image-variations': '/images/variations',
  'openai-speech': '/audio/speech',
  'openai-transcriptions': '/audio/transcriptions',
  'openai-translations': '/audio/translations',
} as const

export type OpenAiOperation = keyof typeof PATHS

export const ALL_OF_OPENAI = Object.keys(PATHS) as readonly OpenAiOperation[] // the table's own keys

export function openAiOperations(ids: readonly OpenAiOperation[]): readonly OperationVoice[] {
  return ids.map((dialect) => ({ dialect, path: () => PATHS[dialect] }))
}
