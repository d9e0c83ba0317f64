// Judges recordings of Bedrock's InvokeModel: each vendor's models have a format of their own there, and Claude's is the one we speak.

import { anthropicMessagesClient } from '../../src/dialects/anthropic-messages/client.ts'
import { anthropicMessagesUpstream } from '../../src/dialects/anthropic-messages/upstream.ts'
import { checkAnswer } from './check-answer.ts'
import { checkRequest } from './check-request.ts'
import type { Exchange } from './exchange.ts'
import * as held from './held/anthropic-messages.ts'
import { unjudged, type Findings } from './verdict.ts'

export function checkInvoke(exchange: Exchange): Findings {
  const { request, model, status } = exchange
  const vendor = /(?:^|[./])(amazon|cohere|meta|mistral|ai21|deepseek|stability|writer|anthropic)\./.exec(model)?.[1]
  if (vendor !== undefined && vendor !== 'anthropic')
    return unjudged(`InvokeModel in the own format of ${vendor} is no API of ours: Converse is`)
  if (request !== null && 'prompt' in request) return unjudged("InvokeModel with Claude's old text completions is no API of ours")
  const faults = checkAnswer(anthropicMessagesUpstream, held, exchange, 'aws-wrapped-events')
  if (request === null) return { faults, notes: ['its request was not recorded'] }
  // Claude's own body but for two things: the model stands in the path, and the version in the body.
  const { anthropic_version: _, ...body } = request
  const named = { ...exchange, request: { model: model === '' ? 'model' : model, ...body } }
  const asked = status >= 400 ? { faults: [], notes: [] } : checkRequest(anthropicMessagesClient, anthropicMessagesUpstream, named)
  return { faults: [...faults, ...asked.faults], notes: asked.notes }
}
