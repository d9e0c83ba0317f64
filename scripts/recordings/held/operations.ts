// Who reads the recordings of each language beside chat.

import type { HeldOperation } from '../operation-facts.ts'
import { countUnder } from './count-tokens.ts'
import { cohereEmbed, geminiEmbeddings, openaiEmbeddings } from './embeddings.ts'
import { hearing, images, moderations, speech } from './media.ts'
import { rerank, voyageRerank } from './rerank.ts'

export const HELD_OPERATIONS: ReadonlyMap<string, HeldOperation> = new Map([
  ['openai-embeddings', openaiEmbeddings],
  ['gemini-embeddings', geminiEmbeddings],
  ['gemini-embedding', geminiEmbeddings],
  ['cohere-embed', cohereEmbed],
  ['rerank', rerank],
  ['voyage-rerank', voyageRerank],
  ['anthropic-count-tokens', countUnder('input_tokens')],
  ['openai-input-tokens', countUnder('input_tokens')],
  ['gemini-count-tokens', countUnder('totalTokens')],
  ['bedrock-count-tokens', countUnder('inputTokens')],
  ['openai-moderations', moderations],
  ['openai-image-generations', images],
  ['openai-image-edits', images],
  ['openai-image-variations', images],
  ['openai-speech', speech],
  ['openai-transcriptions', hearing],
  ['openai-translations', hearing],
])
