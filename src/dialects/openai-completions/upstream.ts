// OpenAI's old text completions as providers hear and speak them. The answers are a chat's but for one word, and are read by its readers.

import type { UpstreamDialect } from '../contract.ts'
import { openaiChatUpstream } from '../openai-chat/upstream.ts'
import { writeRequest } from './request-writing.ts'
import { OPENAI_COMPLETIONS } from './wire.ts'

export const openaiCompletionsUpstream: UpstreamDialect = {
  ...openaiChatUpstream,
  id: OPENAI_COMPLETIONS,
  promptsOnly: true,
  // The newer name of the ceiling is the chat's alone.
  edits: (intent, orders, member) =>
    openaiChatUpstream.edits(intent, { ...orders, habits: { ...orders.habits, ceilingMember: 'max_tokens' } }, member),
  write: writeRequest,
}
