// Writes a canonical request as a Messages request. The order of members is fixed: same input, same bytes, so prompt caches hold.

import { cachedAsAsked, withBreakpoints } from '../../core/auto-cache.ts'
import type { ChatRequest, JsonValue, Tool } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { printJson, Raw, type Writable } from '../../core/json-raw.ts'
import type { Intent, Orders, Written } from '../contract.ts'
import { unsaid } from '../unsaid.ts'
import { CacheMarks } from './cache-marks.ts'
import { writeMessages } from './messages-write.ts'
import { writeNative } from './native.ts'
import { Report } from './report.ts'
import { writeThinking } from './thinking-write.ts'
import { ANTHROPIC_MESSAGES, parseObject } from './wire.ts'

const MAX_USER_ID_CHARACTERS = 256

/** @throws GatewayError `request-malformed` for values nested too deep to print */
export function writeRequest(asked: ChatRequest, intent: Intent, orders: Orders): Written {
  const request = withBreakpoints(cachedAsAsked(asked, orders), { tools: true, turns: true })
  const report = new Report()
  const marks = new CacheMarks(request, report)
  const tools = request.tools.map((tool, i) => writeTool(tool, `tools[${i}]`, marks, report)).filter((tool) => tool !== null)
  const { system, messages, mayThink } = writeMessages(request, orders.habits.issuer, marks, report)
  const { maxTokens, thinking, effort, sampling } = writeThinking(request, intent, orders, mayThink, report)
  const extras = writeExtras(request, report)
  const format = writeFormat(request, report)
  const config = { ...(effort === undefined ? {} : { effort }), ...(format === undefined ? {} : { format }), ...extras.config }
  const body: { readonly [member: string]: Writable } = {
    model: orders.model,
    max_tokens: maxTokens,
    system,
    messages,
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: tools.length === 0 ? undefined : writeToolChoice(request),
    thinking,
    output_config: Object.keys(config).length === 0 ? undefined : config,
    ...sampling,
    stop_sequences: writeStop(request, report),
    metadata: writeMetadata(request, report),
    ...extras.members,
    stream: intent.stream ? true : undefined,
  }
  for (const name of unsaid(request, 'cacheKey', 'logprobs')) report.drop(name)
  for (const name of ['seed', 'presencePenalty', 'frequencyPenalty'] as const) if (request.sampling[name] !== undefined) report.drop(name)
  return { text: print(body), dropped: report.dropped, approximated: report.approximated }
}

function print(body: Writable): string {
  try {
    return printJson(body)
  } catch (cause) {
    if (cause instanceof RangeError) throw new GatewayError('request-malformed', 'The request is nested too deep.', { cause })
    throw cause
  }
}

function writeTool(tool: Tool, at: string, marks: CacheMarks, report: Report): Writable | null {
  if (tool.kind === 'native') {
    if (tool.dialect === ANTHROPIC_MESSAGES) return writeNative(tool.value)
    report.drop(at)
    return null
  }
  return {
    name: tool.name,
    description: tool.description,
    input_schema: new Raw(objectSchema(tool.schema, `${at}.schema`, report)),
    strict: tool.strict,
    ...marks.take(tool.cache),
  }
}

/** The API wants `"type":"object"` at the top of every tool schema. */
function objectSchema(schema: string, at: string, report: Report): string {
  let value: unknown
  try {
    value = JSON.parse(schema)
  } catch {
    value = null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (schema.trim() !== '' && schema.trim() !== 'null') report.change(at)
    return '{"type":"object","properties":{}}'
  }
  if ('type' in value) return schema
  const rest = schema.trimStart().slice(1).trimStart()
  if (rest.startsWith('}')) return '{"type":"object","properties":{}}'
  report.change(`${at}.type`)
  return `{"type":"object",${rest}`
}

function writeToolChoice(request: ChatRequest): Writable | undefined {
  const { toolChoice: choice, parallelToolCalls } = request
  if (choice === undefined && parallelToolCalls !== false) return undefined
  // "none" has no member for parallel calls.
  const serial = parallelToolCalls === false && choice?.kind !== 'none' ? true : undefined
  if (choice?.kind === 'one') return { type: 'tool', name: choice.name, disable_parallel_tool_use: serial }
  return { type: choice?.kind ?? 'auto', disable_parallel_tool_use: serial }
}

/** There is no JSON mode without a schema. A schema's name says nothing to the model. */
function writeFormat(request: ChatRequest, report: Report): Writable | undefined {
  const format = request.replyFormat
  if (format === undefined || format.kind === 'text') return undefined
  if (format.kind === 'schema' && parseObject(format.schema) !== null) return { type: 'json_schema', schema: new Raw(format.schema) }
  report.drop('replyFormat')
  return undefined
}

/** Blank stop sequences are refused by the API. */
function writeStop(request: ChatRequest, report: Report): Writable | undefined {
  const asked = request.sampling.stop ?? []
  const stop = asked.filter((sequence) => sequence.trim() !== '')
  if (stop.length < asked.length) report.drop('stop')
  return stop.length === 0 ? undefined : stop
}

function writeMetadata(request: ChatRequest, report: Report): Writable | undefined {
  const { endUserId } = request
  if (endUserId === undefined) return undefined
  if (endUserId.length <= MAX_USER_ID_CHARACTERS) return { user_id: endUserId }
  report.drop('endUserId')
  return undefined
}

/** Extras of our own dialect go back; a path inside a member (`tools[2].input_examples`) has lost its place and is reported, as all of others are. */
function writeExtras(request: ChatRequest, report: Report) {
  const members: { [name: string]: JsonValue } = {}
  const config: { [name: string]: JsonValue } = {}
  for (const [name, value] of Object.entries(request.extras.fields)) {
    const isOwn = request.extras.dialect === ANTHROPIC_MESSAGES
    if (isOwn && name.startsWith('output_config.')) config[name.slice('output_config.'.length)] = value
    else if (isOwn && !name.includes('.') && !name.includes('[')) members[name] = value
    else report.drop(name)
  }
  return { members, config }
}
