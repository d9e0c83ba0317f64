// A Responses request of a client to the canonical form. Members with no place there are kept by name, to be reported or sent on.

import type { ChatRequest, JsonObject, JsonValue, ReplyFormat, Sampling, Turn } from '../../core/canonical.ts'
import { defined } from '../../core/defined.ts'
import { GatewayError } from '../../core/errors.ts'
import type { ClientBody } from '../contract.ts'
import {
  expectText,
  optionalBoolean,
  optionalCount,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalSchema,
  optionalText,
} from '../openai-chat/expecting.ts'
import type { Note } from '../openai-chat/message-reading.ts'
import { isArray, isObject } from '../openai-chat/wire.ts'
import { readContent } from './content-reading.ts'
import { readInput } from './item-reading.ts'
import { readToolChoice, readTools } from './tool-reading.ts'
import { OPENAI_RESPONSES, REQUEST_RAW } from './wire.ts'

/** @throws GatewayError `request-malformed`, `request-unsupported` */
export function readRequest(body: ClientBody): ChatRequest {
  const request = body.parsed(REQUEST_RAW)
  refuseState(request)
  const fields: { [name: string]: JsonValue } = Object.create(null)
  const note: Note = (path, value) => {
    fields[path] = value
  }
  const turns = [...readInstructions(request, note), ...readInput(request['input'], note)]
  const tools = readTools(request, note)
  const toolChoice = readToolChoice(request, note)
  const parallelToolCalls = optionalBoolean(request, 'parallel_tool_calls')
  const replyFormat = readText(request, note)
  const reasoning = readReasoningWish(request, note)
  const endUserId = optionalText(request, 'user') ?? optionalText(request, 'safety_identifier')
  const logprobs = readInclude(request, note)
  const cacheKey = optionalText(request, 'prompt_cache_key')
  for (const [name, value] of Object.entries(request)) if (!UNDERSTOOD.has(name) && saysSomething(name, value)) note(name, value)
  return {
    turns,
    tools,
    ...defined({ toolChoice, parallelToolCalls, replyFormat, reasoning, endUserId, logprobs, cacheKey }),
    sampling: readSampling(request),
    extras: { dialect: OPENAI_RESPONSES, fields: { ...fields } },
  }
}

/** Read by the functions here, or by the gateway itself (`session_id`). */
const UNDERSTOOD = new Set(
  `model stream stream_options input instructions tools tool_choice parallel_tool_calls text reasoning include max_output_tokens temperature
  top_p presence_penalty frequency_penalty user safety_identifier session_id top_logprobs prompt_cache_key`.split(/\s+/),
)

/** What is kept at the provider cannot be fetched from there: the conversation would silently lose its beginning. */
function refuseState(request: JsonObject): void {
  for (const name of ['previous_response_id', 'conversation', 'prompt', 'background']) {
    const value = request[name]
    if (value === undefined || value === null || value === false) continue
    const message = `'${name}' is not possible here: the provider of this model speaks another language and keeps no responses. Send the whole conversation as input.`
    throw new GatewayError('request-unsupported', message, { at: name })
  }
}

/** What a provider does anyway when the member is absent asks for nothing, and its absence is no loss. */
function saysSomething(name: string, value: JsonValue): boolean {
  if (value === null || value === false || (isArray(value) && value.length === 0)) return false
  if (isObject(value) && Object.keys(value).length === 0) return false
  switch (name) {
    case 'service_tier':
      return value !== 'auto' && value !== 'default'
    case 'truncation':
      return value !== 'disabled'
    default:
      return true
  }
}

function readInstructions(request: JsonObject, note: Note): readonly Turn[] {
  const instructions = request['instructions']
  if (instructions === undefined || instructions === null || instructions === '') return []
  return [{ role: 'system', parts: readContent(instructions, 'instructions', note), at: 'instructions' }]
}

function readText(request: JsonObject, note: Note): ReplyFormat | undefined {
  const text = optionalObject(request, 'text')
  const verbosity = text === undefined ? undefined : optionalText(text, 'verbosity', 'text.verbosity')
  if (verbosity !== undefined && verbosity !== 'medium') note('text.verbosity', verbosity)
  const format = text === undefined ? undefined : optionalObject(text, 'format', 'text.format')
  if (format === undefined) return undefined
  switch (expectText(format, 'type', 'text.format.type')) {
    case 'text':
      return { kind: 'text' }
    case 'json_object':
      return { kind: 'json' }
    case 'json_schema': {
      const description = optionalText(format, 'description', 'text.format.description')
      if (description !== undefined) note('text.format.description', description)
      const schema = optionalSchema(format, 'schema', 'text.format.schema')
      if (schema === undefined) return { kind: 'json' }
      const name = optionalText(format, 'name', 'text.format.name') ?? 'response'
      return { kind: 'schema', name, schema, strict: optionalBoolean(format, 'strict', 'text.format.strict') ?? false }
    }
    default:
      note('text.format', format)
      return undefined
  }
}

/** A summary of the usual kind is given anyway: only another kind is a wish of its own. */
function readReasoningWish(request: JsonObject, note: Note): ChatRequest['reasoning'] {
  const reasoning = optionalObject(request, 'reasoning')
  if (reasoning === undefined) return undefined
  const { effort: _, ...others } = reasoning
  for (const [name, value] of Object.entries(others)) if (value !== null && value !== 'auto') note(`reasoning.${name}`, value)
  const effort = optionalText(reasoning, 'effort', 'reasoning.effort')
  if (effort === undefined) return undefined
  return effort === 'none' ? { off: true } : { effort }
}

const LOGPROBS = 'message.output_text.logprobs'

/** Seals of reasoning always come along, log probabilities where they are asked for; what else is to be included is a wish. */
function readInclude(request: JsonObject, note: Note): ChatRequest['logprobs'] {
  const asked = optionalList(request, 'include') ?? []
  const wishes = asked.filter((wish) => wish !== 'reasoning.encrypted_content' && wish !== LOGPROBS)
  if (wishes.length > 0) note('include', wishes)
  const top = optionalNumber(request, 'top_logprobs') ?? null
  return (top !== null && top > 0) || asked.includes(LOGPROBS) ? { top } : undefined
}

function readSampling(request: JsonObject): Sampling {
  const said = {
    maxOutputTokens: optionalCount(request, 'max_output_tokens'),
    temperature: optionalNumber(request, 'temperature'),
    topP: optionalNumber(request, 'top_p'),
    presencePenalty: optionalNumber(request, 'presence_penalty'),
    frequencyPenalty: optionalNumber(request, 'frequency_penalty'),
  }
  // Absent means not said: a member that is `undefined` would be neither.
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as Sampling
}
