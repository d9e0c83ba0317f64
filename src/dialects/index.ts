// The registry of languages: one line for each half.

import type { ClientDialect, UpstreamDialect } from './contract.ts'
import { anthropicMessagesClient } from './anthropic-messages/client.ts'
import { anthropicMessagesUpstream } from './anthropic-messages/upstream.ts'
import { geminiClient } from './gemini/client.ts'
import { bedrockConverseUpstream } from './bedrock-converse/upstream.ts'
import { cohereChatUpstream } from './cohere-chat/upstream.ts'
import { geminiUpstream } from './gemini/upstream.ts'
import { openaiChatClient } from './openai-chat/client.ts'
import { openaiChatUpstream } from './openai-chat/upstream.ts'
import { openrouterClient } from './openrouter/client.ts'
import { openaiCompletionsClient } from './openai-completions/client.ts'
import { openaiCompletionsUpstream } from './openai-completions/upstream.ts'
import { openaiResponsesClient } from './openai-responses/client.ts'
import { openaiResponsesUpstream } from './openai-responses/upstream.ts'

export const CLIENT_DIALECTS: readonly ClientDialect[] = [
  openaiChatClient,
  openaiResponsesClient,
  anthropicMessagesClient,
  geminiClient,
  openrouterClient,
  openaiCompletionsClient,
]

export const UPSTREAM_DIALECTS: readonly UpstreamDialect[] = [
  openaiChatUpstream,
  anthropicMessagesUpstream,
  geminiUpstream,
  openaiResponsesUpstream,
  cohereChatUpstream,
  bedrockConverseUpstream,
  openaiCompletionsUpstream,
]

const byId = new Map(UPSTREAM_DIALECTS.map((dialect) => [dialect.id, dialect]))

/** @throws Error when a provider names a dialect that is not registered: a mistake in the code, shown by the contract tests */
export function upstreamDialect(id: string): UpstreamDialect {
  const dialect = byId.get(id)
  if (dialect === undefined) throw new Error(`No upstream dialect ${id} is registered.`)
  return dialect
}
