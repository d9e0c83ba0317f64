// What came as a completion, written as one again. Nobody else is translated into this language: a prompt has no turns, tools or pictures.

import type { ChatRequest } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import type { Intent, Orders, Written } from '../contract.ts'
import { print } from '../openai-chat/request-writing.ts'
import { OPENAI_COMPLETIONS, unsupported } from './wire.ts'

/** @throws GatewayError `request-unsupported` for what is more than one text */
export function writeRequest(request: ChatRequest, intent: Intent, orders: Orders): Written {
  const { sampling, extras } = request
  const { habits } = orders
  const dropped = [
    ...(sampling.topK === undefined || habits.accepts?.has('top_k') === true ? [] : ['topK']),
    ...(request.reasoning === undefined ? [] : ['reasoning']),
    ...(request.replyFormat === undefined || request.replyFormat.kind === 'text' ? [] : ['replyFormat']),
  ]
  const members: { [name: string]: Writable } = {
    model: orders.model,
    prompt: promptOf(request),
    max_tokens: orders.maxOutputTokens ?? sampling.maxOutputTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: dropped.includes('topK') ? undefined : sampling.topK,
    seed: sampling.seed,
    stop: sampling.stop === undefined || sampling.stop.length === 0 ? undefined : sampling.stop,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    user: request.endUserId,
    ...(intent.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  }
  for (const [name, value] of Object.entries(extras.fields)) {
    if (extras.dialect === OPENAI_COMPLETIONS && members[name] === undefined) members[name] = value
    else dropped.push(name)
  }
  return { text: print(members), dropped, approximated: [] }
}

function promptOf({ turns, tools }: ChatRequest): string {
  const [turn] = turns
  if (turn === undefined || turns.length > 1 || turn.role !== 'user' || tools.length > 0)
    throw unsupported('messages', 'must be one text of the user here: this place takes a bare prompt.')
  return turn.parts
    .map((part) => {
      if (part.kind === 'text') return part.text
      throw unsupported(turn.at ?? 'messages', 'must be text here: this place takes a bare prompt.')
    })
    .join('')
}
