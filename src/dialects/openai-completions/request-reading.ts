// A completion as a chat: its one prompt is what the user says. What only a bare prompt can do is refused, for it cannot be said in a chat.

import type { ChatRequest, JsonObject, JsonValue } from '../../core/canonical.ts'
import type { ClientBody } from '../contract.ts'
import { malformed, optionalBoolean, optionalCount, optionalText } from '../openai-chat/expecting.ts'
import { readSampling } from '../openai-chat/request-reading.ts'
import { isArray, isObject } from '../openai-chat/wire.ts'
import { NO_RAW, OPENAI_COMPLETIONS, unsupported } from './wire.ts'

const ELSEWHERE = 'is not possible here: the provider of this model has no completions, only chats.'

/** @throws GatewayError `request-malformed`, `request-unsupported` */
export function readRequest(body: ClientBody): ChatRequest {
  const request = body.parsed(NO_RAW)
  for (const name of ['n', 'best_of']) if ((optionalCount(request, name) ?? 1) > 1) throw unsupported(name, `above 1 ${ELSEWHERE}`)
  if (optionalBoolean(request, 'echo') === true) throw unsupported('echo', ELSEWHERE)
  if ((optionalText(request, 'suffix') ?? '') !== '') throw unsupported('suffix', ELSEWHERE)
  const endUserId = optionalText(request, 'user') ?? optionalText(request, 'safety_identifier')
  return {
    turns: [{ role: 'user', parts: [{ kind: 'text', text: promptOf(request['prompt']) }], at: 'prompt' }],
    tools: [],
    sampling: readSampling(request),
    ...(endUserId === undefined ? {} : { endUserId }),
    extras: { dialect: OPENAI_COMPLETIONS, fields: leftOf(request) },
  }
}

function promptOf(prompt: JsonValue | undefined): string {
  if (typeof prompt === 'string') return prompt
  if (!isArray(prompt) || prompt.length === 0) throw malformed('prompt', 'a string, or a list of them')
  if (prompt.length > 1 && typeof prompt[0] === 'string') throw unsupported('prompt', `as several texts ${ELSEWHERE}`)
  const [only] = prompt
  if (typeof only === 'string') return only
  if (typeof only === 'number' || isArray(only)) throw unsupported('prompt', `as tokens ${ELSEWHERE}`)
  throw malformed('prompt', 'a string, or a list of them')
}

const UNDERSTOOD = new Set(
  `model prompt stream stream_options n best_of echo suffix max_tokens max_completion_tokens temperature top_p top_k seed stop
  presence_penalty frequency_penalty user safety_identifier session_id`.split(/\s+/),
)

function leftOf(request: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(request).filter(
      ([name, value]) => (!UNDERSTOOD.has(name) && saysSomething(name, value)) || (/^max_(completion_)?tokens$/.test(name) && value === 0),
    ),
  )
}

function saysSomething(name: string, value: JsonValue): boolean {
  if (value === null || (isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0)) return false
  return name !== 'logprobs' || value !== false
}
