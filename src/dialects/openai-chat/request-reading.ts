// A chat request of a client to the canonical form. Members with no place there are kept by name, to be reported or sent on.

import type { ChatRequest, JsonObject, JsonValue, ReplyFormat, Sampling, Tool, ToolChoice } from '../../core/canonical.ts'
import { defined } from '../../core/defined.ts'
import { GatewayError } from '../../core/errors.ts'
import type { ClientBody } from '../contract.ts'
import {
  expectObject,
  expectText,
  isCount,
  malformed,
  optionalBoolean,
  optionalCeiling,
  optionalCount,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalSchema,
  optionalText,
} from './expecting.ts'
import { markOf, readMessages, type Note } from './message-reading.ts'
import { isArray, isObject, OPENAI_CHAT, REQUEST_RAW } from './wire.ts'

/** @throws GatewayError `request-malformed`, `request-unsupported` */
export function readRequest(body: ClientBody): ChatRequest {
  const request = body.parsed(REQUEST_RAW)
  if ((optionalCount(request, 'n') ?? 1) > 1) {
    const message =
      "'n' above 1 is not possible here: the provider of this model speaks another language. Send one request for each answer."
    throw new GatewayError('request-unsupported', message, { at: 'n' })
  }
  const fields: { [name: string]: JsonValue } = Object.create(null)
  const note: Note = (path, value) => {
    fields[path] = value
  }
  const messages = optionalList(request, 'messages')
  if (messages === undefined || messages.length === 0) throw malformed('messages', 'an array of at least one message')
  const turns = readMessages(messages, note)
  const tools = readTools(request)
  const toolChoice = readToolChoice(request, note)
  const parallelToolCalls = optionalBoolean(request, 'parallel_tool_calls')
  const replyFormat = readReplyFormat(request, note)
  const reasoning = readReasoningWish(request, note)
  const endUserId = optionalText(request, 'user') ?? optionalText(request, 'safety_identifier')
  const logprobs = readLogprobs(request, note)
  const cacheKey = optionalText(request, 'prompt_cache_key')
  const cache = markOf(request)
  if (cache === undefined && isObject(request['cache_control'])) note('cache_control', request['cache_control'])
  for (const [name, value] of Object.entries(request)) if (!UNDERSTOOD.has(name) && saysSomething(name, value)) note(name, value)
  for (const name of ['max_completion_tokens', 'max_tokens']) if (request[name] === 0) note(name, 0)
  return {
    turns,
    tools,
    ...defined({ toolChoice, parallelToolCalls, replyFormat, reasoning, endUserId, logprobs, cacheKey, cache }),
    sampling: readSampling(request),
    extras: { dialect: OPENAI_CHAT, fields: { ...fields } },
  }
}

/** Read by the functions here, or by the gateway itself (`session_id`). */
const UNDERSTOOD = new Set(
  `model messages stream stream_options n max_tokens max_completion_tokens tools tool_choice functions function_call parallel_tool_calls
  response_format reasoning_effort reasoning thinking temperature top_p top_k seed stop presence_penalty frequency_penalty user
  safety_identifier session_id cache_control logprobs top_logprobs prompt_cache_key`.split(/\s+/),
)

/** What a provider does anyway when the member is absent asks for nothing, and its absence is no loss. */
function saysSomething(name: string, value: JsonValue): boolean {
  if (name === 'web_search_options') return value !== null // an empty object asks for a search
  if (value === null || (isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0)) return false
  switch (name) {
    case 'store':
      return value !== false
    case 'service_tier':
      return value !== 'auto' && value !== 'default'
    case 'modalities':
      return !(isArray(value) && value.length === 1 && value[0] === 'text')
    default:
      return true
  }
}

function readTools(request: JsonObject): readonly Tool[] {
  const tools = (optionalList(request, 'tools') ?? []).map((item, i): Tool => {
    const at = `tools[${i}]`
    const tool = expectObject(item, at)
    const made = tool['function']
    if (made === undefined && tool['type'] !== 'function') return { kind: 'native', dialect: OPENAI_CHAT, value: tool }
    const cache = markOf(tool) ?? (isObject(made) ? markOf(made) : undefined)
    return { ...readFunction(expectObject(made, `${at}.function`), `${at}.function`), ...(cache === undefined ? {} : { cache }) }
  })
  const legacy = (optionalList(request, 'functions') ?? []).map((item, i) =>
    readFunction(expectObject(item, `functions[${i}]`), `functions[${i}]`),
  )
  return [...tools, ...legacy]
}

function readFunction(made: JsonObject, at: string): Tool {
  const description = optionalText(made, 'description', `${at}.description`)
  const strict = optionalBoolean(made, 'strict', `${at}.strict`)
  return {
    kind: 'function',
    name: expectText(made, 'name', `${at}.name`),
    ...(description === undefined ? {} : { description }),
    // A function without parameters takes none.
    schema: optionalSchema(made, 'parameters', `${at}.parameters`) ?? '{"type":"object","properties":{}}',
    ...(strict === undefined ? {} : { strict }),
  }
}

function readToolChoice(request: JsonObject, note: Note): ToolChoice | undefined {
  const choice = request['tool_choice'] ?? request['function_call']
  if (choice === undefined || choice === null) return undefined
  if (typeof choice === 'string') return { kind: modeOf(choice) }
  if (!isObject(choice)) throw malformed('tool_choice', 'a string or an object')
  const type = choice['type']
  if (type === 'allowed_tools') return readAllowedTools(choice, note)
  const named = isObject(choice['function']) ? choice['function'] : choice
  if (type === undefined || type === 'function') return { kind: 'one', name: expectText(named, 'name', 'tool_choice.function.name') }
  note('tool_choice', choice) // a custom or a provider's own tool
  return undefined
}

function readAllowedTools(choice: JsonObject, note: Note): ToolChoice {
  const allowed = isObject(choice['allowed_tools']) ? choice['allowed_tools'] : choice
  const kind = modeOf(optionalText(allowed, 'mode', 'tool_choice.allowed_tools.mode') ?? 'auto')
  const tools = optionalList(allowed, 'tools', 'tool_choice.allowed_tools.tools') ?? []
  const only = tools.length === 1 && isObject(tools[0]) && isObject(tools[0]['function']) ? tools[0]['function']['name'] : undefined
  if (kind === 'any' && typeof only === 'string') return { kind: 'one', name: only }
  note('tool_choice.allowed_tools', tools)
  return { kind }
}

function modeOf(word: string): 'auto' | 'none' | 'any' {
  if (word === 'auto' || word === 'none') return word
  if (word === 'required' || word === 'any') return 'any'
  throw malformed('tool_choice', 'auto, none, required, or the name of a function')
}

function readReplyFormat(request: JsonObject, note: Note): ReplyFormat | undefined {
  const format = optionalObject(request, 'response_format')
  if (format === undefined) return undefined
  switch (expectText(format, 'type', 'response_format.type')) {
    case 'text':
      return { kind: 'text' }
    case 'json_object':
      return { kind: 'json' }
    case 'json_schema': {
      const at = 'response_format.json_schema'
      const asked = expectObject(format['json_schema'], at)
      const schema = optionalSchema(asked, 'schema', `${at}.schema`)
      if (typeof asked['description'] === 'string') note(`${at}.description`, asked['description'])
      if (schema === undefined) return { kind: 'json' }
      const name = optionalText(asked, 'name', `${at}.name`) ?? 'response'
      return { kind: 'schema', name, schema, strict: optionalBoolean(asked, 'strict', `${at}.strict`) ?? false }
    }
    default:
      note('response_format', format)
      return undefined
  }
}

/** OpenAI's `reasoning_effort`; also OpenRouter's `reasoning` and LiteLLM's `thinking`, which clients of this language send. */
function readReasoningWish(request: JsonObject, note: Note): ChatRequest['reasoning'] {
  const effort = optionalText(request, 'reasoning_effort')
  if (effort !== undefined) return effort === 'none' ? { off: true } : { effort }
  const reasoning = optionalObject(request, 'reasoning')
  if (reasoning !== undefined) {
    const { effort: named, max_tokens: budget, enabled, exclude } = reasoning
    if (exclude === true) note('reasoning.exclude', true)
    if (isCount(budget)) return { budgetTokens: budget }
    if (typeof named === 'string') return named === 'none' ? { off: true } : { effort: named }
    if (enabled === false) return { off: true }
    if (enabled === true) return { effort: 'medium' }
  }
  const thinking = request['thinking']
  if (!isObject(thinking)) return undefined
  if (thinking['type'] === 'disabled') return { off: true }
  if (isCount(thinking['budget_tokens'])) return { budgetTokens: thinking['budget_tokens'] }
  note('thinking', thinking)
  return undefined
}

function readLogprobs(request: JsonObject, note: Note): ChatRequest['logprobs'] {
  const top = optionalNumber(request, 'top_logprobs') ?? null
  if (request['logprobs'] === true) return { top }
  if (top !== null && top > 0) note('top_logprobs', top)
  return undefined
}

/** The members that OpenAI's two languages of text share. */
export function readSampling(request: JsonObject): Sampling {
  const said = {
    maxOutputTokens: optionalCeiling(request, 'max_completion_tokens') ?? optionalCeiling(request, 'max_tokens'),
    temperature: optionalNumber(request, 'temperature'),
    topP: optionalNumber(request, 'top_p'),
    topK: optionalNumber(request, 'top_k'),
    seed: optionalNumber(request, 'seed'),
    stop: readStop(request['stop']),
    presencePenalty: optionalNumber(request, 'presence_penalty'),
    frequencyPenalty: optionalNumber(request, 'frequency_penalty'),
  }
  // Absent means not said: a member that is `undefined` would be neither.
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as Sampling
}

function readStop(stop: JsonValue | undefined): readonly string[] | undefined {
  if (stop === undefined || stop === null) return undefined
  const list = isArray(stop) ? stop : [stop]
  return list.map((text, i) => {
    if (typeof text !== 'string') throw malformed(isArray(stop) ? `stop[${i}]` : 'stop', 'a string')
    return text
  })
}
