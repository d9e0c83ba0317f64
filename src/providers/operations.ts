// Where the operations beside chat stand at places that have them as OpenAI does.

import type { OperationVoice } from '../operations/contract.ts'
import type { Settings } from './contract.ts'

/** OpenAI's languages: id → path below the base URL. */
const PATHS = {
  'openai-embeddings': '/embeddings',
} as const

export type OpenAiOperation = keyof typeof PATHS

export const ALL_OF_OPENAI = Object.keys(PATHS) as readonly OpenAiOperation[] // the table's own keys

/** `place`: where a place puts them, given OpenAI's path. */
export function openAiOperations(
  ids: readonly OpenAiOperation[],
  place: (path: string, model: string, settings: Settings) => string = (path) => path,
): readonly OperationVoice[] {
  return ids.map((dialect) => ({ dialect, path: (model, settings) => place(PATHS[dialect], model, settings) }))
}
