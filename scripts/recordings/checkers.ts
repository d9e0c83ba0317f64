// Which API is judged by what: one line each. An API without a line is reported as not judged.

import type { ClientDialect, UpstreamDialect } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS } from '../../src/dialects/index.ts'
import { checkAnswer, type Held } from './check-answer.ts'
import { checkInvoke } from './check-invoke.ts'
import { checkOperation, language } from './check-operation.ts'
import { checkRequest } from './check-request.ts'
import type { Exchange } from './exchange.ts'
import { valuesOf } from './frames.ts'
import * as anthropicMessages from './held/anthropic-messages.ts'
import * as bedrockConverse from './held/bedrock-converse.ts'
import * as cohereChat from './held/cohere-chat.ts'
import * as gemini from './held/gemini.ts'
import * as openaiChat from './held/openai-chat.ts'
import * as openaiCompletions from './held/openai-completions.ts'
import * as openaiResponses from './held/openai-responses.ts'
import { unjudged, type Checker } from './verdict.ts'

const COHERE_V1 = "Cohere's v1 is no API of ours: v2 is"
const LISTS = 'lists of models are written by Sluice itself, and read from nobody'
const OLLAMA = "Ollama's own API is none of ours: its OpenAI-compatible one is"

export const CHECKERS: { readonly [api: string]: Checker } = {
  'openai.chat': chat('openai-chat', openaiChat),
  'openai.completions': completions(),
  'openai.responses': chat('openai-responses', openaiResponses),
  'anthropic.messages': chat('anthropic-messages', anthropicMessages),
  'gemini.generateContent': chat('gemini', gemini),
  'bedrock.converse': chat('bedrock-converse', bedrockConverse),
  'bedrock.invoke': checkInvoke,
  'cohere.chat.v2': chat('cohere-chat', cohereChat),
  'openai.embeddings': operation('openai-embeddings'),
  'gemini.embedContent': operation(({ url }) => (url.includes(':batchEmbedContents') ? 'gemini-embeddings' : 'gemini-embedding')),
  'cohere.embed': cohereEmbed(),
  rerank: operation(({ provider }) => (provider === 'voyage' ? 'voyage-rerank' : 'rerank')),
  'cohere.rerank': operation('rerank'),
  'openai.moderations': operation('openai-moderations'),
  'openai.images': operation(({ url }) => `openai-image-${/images\/(\w+)/.exec(url)?.[1] ?? 'generations'}`),
  'openai.audio.speech': operation('openai-speech'),
  'openai.audio.transcriptions': operation('openai-transcriptions'),
  'openai.audio.translations': operation('openai-translations'),
  'anthropic.countTokens': operation('anthropic-count-tokens'),
  'gemini.countTokens': operation('gemini-count-tokens'),
  'bedrock.countTokens': operation('bedrock-count-tokens'),
  'openai.responses.inputTokens': operation('openai-input-tokens'),
  // What is not judged, and why.
  'cohere.chat.v1': () => unjudged(COHERE_V1),
  models: () => unjudged(LISTS),
  'gemini.models': () => unjudged(LISTS),
  'mistral.ocr': () => unjudged('reading documents by OCR is no API of ours'),
  'ollama.chat': () => unjudged(OLLAMA),
  'ollama.generate': () => unjudged(OLLAMA),
  'ollama.embed': () => unjudged(OLLAMA),
  'openai.responses.compact': () => unjudged('compacting a stored conversation is no API of ours'),
  'openai.responses.retrieve': () => unjudged('answers that a provider stores are not fetched by us'),
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

function completions(): Checker {
  const check = chat('openai-completions', openaiCompletions)
  return (exchange) =>
    exchange.streaming && openaiCompletions.isAtFault(valuesOf(exchange.answer))
      ? unjudged('the recording is at fault: chunks of a chat under the path of completions')
      : check(exchange)
}

/** A language beside chat, or which of several the exchange is in. */
function operation(spoken: string | ((exchange: Exchange) => string)): Checker {
  if (typeof spoken !== 'string') return (exchange) => checkOperation(language(spoken(exchange)), exchange)
  const known = language(spoken)
  return (exchange) => checkOperation(known, exchange)
}

function cohereEmbed(): Checker {
  const check = operation('cohere-embed')
  return (exchange) => (exchange.url.includes('/v1/') ? unjudged(COHERE_V1) : check(exchange))
}
