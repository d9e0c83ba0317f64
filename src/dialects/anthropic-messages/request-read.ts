// Reads a Messages request into the canonical form. Specification: /v1/messages of Anthropic's API reference.

import type { ChatRequest, JsonObject, JsonValue, Part, ReplyFormat, Sampling, Tool, ToolChoice, Turn } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import type { ClientBody } from '../contract.ts'
import { cacheOf, type Leftovers, readContent } from './blocks-read.ts'
import {
  malformed,
  objectAt,
  optionalCount,
  optionalFlag,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalText,
  requiredText,
} from './expect.ts'
import { ANTHROPIC_MESSAGES, parseObject, REQUEST_RAW, THREAD } from './wire.ts'

/** Read below, or the gateway's own business. All other members are extras. */
const KNOWN: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'anthropic_version', // Bedrock and Vertex spell the version in the body
  'max_tokens',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'metadata',
])

const EMPTY_SCHEMA = '{"type":"object","properties":{}}'

/** @throws GatewayError `request-malformed` with the place of the wrong value */
export function readRequest(client: ClientBody): ChatRequest {
  const body = client.parsed(REQUEST_RAW)
  refuseThread(body)
  const left: Leftovers = {}
  const turns = [...readSystem(body, left), ...readMessages(body, left)]
  const tools = (optionalList(body, 'tools') ?? []).map((tool, i) => readTool(objectAt(tool, `tools[${i}]`), `tools[${i}]`, left))
  const choice = readToolChoice(body)
  const replyFormat = readReplyFormat(body)
  const reasoning = readReasoning(body, left)
  const endUserId = readMetadata(body, left)
  for (const [name, value] of Object.entries(body)) if (!KNOWN.has(name) && isSaid(name, value)) left[name] = value
  return {
    turns,
    tools,
    ...choice,
    ...(replyFormat === undefined ? {} : { replyFormat }),
    ...(reasoning === undefined ? {} : { reasoning }),
    sampling: readSampling(body),
    ...(endUserId === undefined ? {} : { endUserId }),
    extras: { dialect: ANTHROPIC_MESSAGES, fields: left },
  }
}

/** A conversation that Anthropic holds cannot be fetched from there: it would silently lose its beginning. */
function refuseThread(body: JsonObject): void {
  if (body['thread'] === undefined || body['thread'] === null) return
  const message = `'${THREAD}' is not possible here: the provider of this model speaks another language and holds no conversations. Send all messages.`
  throw new GatewayError('request-unsupported', message, { at: THREAD })
}

/** Members that say nothing but the default are no loss. */
function isSaid(name: string, value: JsonValue): boolean {
  if (value === null || (Array.isArray(value) && value.length === 0)) return false
  return !(name === 'service_tier' && value === 'auto')
}

function readSystem(body: JsonObject, left: Leftovers): Turn[] {
  const system = body['system']
  if (system === undefined || system === null) return []
  const parts = readContent(system, 'system', left)
  return parts.length === 0 ? [] : [{ role: 'system', parts, at: 'system' }]
}

function readMessages(body: JsonObject, left: Leftovers): Turn[] {
  const messages = optionalList(body, 'messages')
  if (messages === undefined) throw malformed('messages', 'a list')
  return messages.flatMap((value, i) => {
    const at = `messages[${i}]`
    const message = objectAt(value, at)
    const role = message['role']
    if (role !== 'user' && role !== 'assistant' && role !== 'system') throw malformed(`${at}.role`, '"user" or "assistant"')
    const parts = readContent(message['content'], `${at}.content`, left)
    return role === 'user' ? splitResults(parts, at) : [{ role, parts, at }]
  })
}

/** Tool results become turns of their own, in order with what else the user's message says. */
function splitResults(parts: readonly Part[], at: string): Turn[] {
  const turns: { role: 'user' | 'tool'; parts: Part[]; at: string }[] = []
  for (const part of parts) {
    const role = part.kind === 'tool-result' ? 'tool' : 'user'
    const last = turns.at(-1)
    if (last?.role === role) last.parts.push(part)
    else turns.push({ role, parts: [part], at })
  }
  return turns
}

function readTool(tool: JsonObject, at: string, left: Leftovers): Tool {
  const type = optionalText(tool, 'type', `${at}.type`)
  if (type !== undefined && type !== 'custom') return { kind: 'native', dialect: ANTHROPIC_MESSAGES, value: tool }
  const schema = tool['input_schema'] ?? EMPTY_SCHEMA // raw JSON text
  if (!isObjectText(schema)) throw malformed(`${at}.input_schema`, 'an object')
  const description = optionalText(tool, 'description', `${at}.description`)
  const strict = optionalFlag(tool, 'strict', `${at}.strict`)
  for (const name of ['allowed_callers', 'defer_loading', 'input_examples'] as const) {
    const value = tool[name]
    if (value !== undefined && value !== null && value !== false) left[`${at}.${name}`] = value
  }
  return {
    kind: 'function',
    name: requiredText(tool, 'name', `${at}.name`),
    ...(description === undefined ? {} : { description }),
    schema,
    ...(strict === undefined ? {} : { strict }),
    ...cacheOf(tool, at),
  }
}

/** A client's JSON string at a raw path arrives as its own text and would be written as JSON: only the text of an object may pass. */
function isObjectText(text: JsonValue | undefined): text is string {
  return typeof text === 'string' && parseObject(text) !== null
}

function readToolChoice(body: JsonObject): { readonly toolChoice?: ToolChoice; readonly parallelToolCalls?: boolean } {
  const choice = optionalObject(body, 'tool_choice')
  if (choice === undefined) return {}
  const serial = optionalFlag(choice, 'disable_parallel_tool_use', 'tool_choice.disable_parallel_tool_use')
  const type = choice['type']
  const parallel = serial === true ? { parallelToolCalls: false } : {}
  if (type === 'tool') return { toolChoice: { kind: 'one', name: requiredText(choice, 'name', 'tool_choice.name') }, ...parallel }
  if (type === 'auto' || type === 'any' || type === 'none') return { toolChoice: { kind: type }, ...parallel }
  throw malformed('tool_choice.type', '"auto", "any", "tool" or "none"')
}

/** `output_config.format`, or the older top-level `output_format`. Replies always follow the schema strictly. */
function readReplyFormat(body: JsonObject): ReplyFormat | undefined {
  const config = optionalObject(body, 'output_config')
  const [format, at] =
    config === undefined || config['format'] === undefined || config['format'] === null
      ? [optionalObject(body, 'output_format'), 'output_format']
      : [optionalObject(config, 'format', 'output_config.format'), 'output_config.format']
  if (format === undefined) return undefined
  if (format['type'] !== 'json_schema') throw malformed(`${at}.type`, '"json_schema"')
  const schema = format['schema']
  if (!isObjectText(schema)) throw malformed(`${at}.schema`, 'an object')
  return { kind: 'schema', name: 'reply', schema, strict: true }
}

/** A budget or an effort; what cannot stand beside it stays in the leftovers. Adaptive thinking without an effort means `high` (the API's default). */
function readReasoning(body: JsonObject, left: Leftovers): ChatRequest['reasoning'] | undefined {
  const thinking = optionalObject(body, 'thinking')
  const config = optionalObject(body, 'output_config') ?? {}
  const effort = optionalText(config, 'effort', 'output_config.effort')
  for (const [name, value] of Object.entries(config))
    if (name !== 'effort' && name !== 'format' && value !== null) left[`output_config.${name}`] = value
  if (thinking === undefined) return effort === undefined ? undefined : { effort }
  const display = optionalText(thinking, 'display', 'thinking.display')
  if (display === 'omitted') left['thinking.display'] = display
  if (thinking['type'] === 'adaptive') return { effort: effort ?? 'high' }
  if (effort !== undefined) left['output_config.effort'] = effort
  if (thinking['type'] === 'disabled') return { off: true }
  if (thinking['type'] === 'enabled') {
    const budgetTokens = optionalCount(thinking, 'budget_tokens', 'thinking.budget_tokens')
    if (budgetTokens === undefined) throw malformed('thinking.budget_tokens', 'a whole number')
    return { budgetTokens }
  }
  left['thinking'] = thinking
  return undefined
}

function readMetadata(body: JsonObject, left: Leftovers): string | undefined {
  const metadata = optionalObject(body, 'metadata')
  if (metadata === undefined) return undefined
  for (const [name, value] of Object.entries(metadata)) if (name !== 'user_id') left[`metadata.${name}`] = value
  return optionalText(metadata, 'user_id', 'metadata.user_id')
}

function readSampling(body: JsonObject): Sampling {
  const maxOutputTokens = optionalCount(body, 'max_tokens')
  const temperature = optionalNumber(body, 'temperature')
  const topP = optionalNumber(body, 'top_p')
  const topK = optionalNumber(body, 'top_k')
  const stop = optionalList(body, 'stop_sequences')?.map((value, i) => {
    if (typeof value !== 'string') throw malformed(`stop_sequences[${i}]`, 'a string')
    return value
  })
  return {
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(stop === undefined ? {} : { stop }),
  }
}
