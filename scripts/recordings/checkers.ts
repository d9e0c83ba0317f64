// Which API is judged by what: one line each. An API without a line is reported as not judged.

import type { ClientDialect, UpstreamDialect } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/dialects/index.ts'
import { checkAnswer, type Held } from './check-answer.ts'
import { checkRequest } from './check-request.ts'
import * as anthropicMessages from './held/anthropic-messages.ts'
import * as bedrockConverse from './held/bedrock-converse.ts'
import * as cohereChat from './held/cohere-chat.ts'
import * as gemini from './held/gemini.ts'
import * as openaiChat from './held/openai-chat.ts'
import * as openaiResponses from './held/openai-responses.ts'
import type { Checker } from './verdict.ts'

export const CHECKERS: { readonly [api: string]: Checker } = {
  'openai.chat': chat('openai-chat', openaiChat),
  'openai.responses': chat('openai-responses', openaiResponses),
  'anthropic.messages': chat('anthropic-messages', anthropicMessages),
  'gemini.generateContent': chat('gemini', gemini),
  'bedrock.converse': chat('bedrock-converse', bedrockConverse),
  'cohere.chat.v2': chat('cohere-chat', cohereChat),
}

/** A language of conversations: its answers, and its requests where clients speak it to us. */
function chat(dialect: string, held: Held): Checker {
  const upstream: UpstreamDialect | undefined = UPSTREAM_DIALECTS.find(({ id }) => id === dialect)
  const client: ClientDialect | undefined = CLIENT_DIALECTS.find(({ id }) => id === dialect)
  if (upstream === undefined) throw new Error(`No upstream dialect ${dialect} is registered.`)
  return (exchange) => {
    const answer = checkAnswer(upstream, held, exchange)
    if (client === undefined) return { faults: answer, notes: ['clients do not speak its language here: its request is not read'] }
    const request = checkRequest(client, upstream, exchange)
    return { faults: [...answer, ...request.faults], notes: request.notes }
  }
}
