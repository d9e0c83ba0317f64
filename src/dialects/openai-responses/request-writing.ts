// The canonical form as a Responses request that keeps nothing at the provider. The same request always gives the same bytes: a provider's cache counts on it.

import type { ChatRequest, JsonValue, Tool, ToolChoice } from '../../core/canonical.ts'
import { Raw, type Writable } from '../../core/json-raw.ts'
import type { Intent, Orders, Written } from '../contract.ts'
import type { Reports } from '../openai-chat/message-writing.ts'
import { print, safeName } from '../openai-chat/request-writing.ts'
import { isArray, isObject } from '../openai-chat/wire.ts'
import { writeItems } from './item-writing.ts'
import { OPENAI_RESPONSES } from './wire.ts'

type Members = { [name: string]: Writable }

export function writeRequest(request: ChatRequest, intent: Intent, orders: Orders): Written {
  const reports: Reports = { dropped: new Set(), approximated: new Set() }
  const { sampling, extras } = request
  const isOwn = extras.dialect === OPENAI_RESPONSES
  const tools = writeTools(request.tools, isOwn, reports)
  const members: Members = {
    model: orders.model,
    ...writeItems(request, orders.habits.issuer, reports),
    tools: tools.length === 0 ? undefined : tools,
    // Without tools these two say nothing.
    tool_choice: tools.length === 0 ? undefined : writeToolChoice(request.toolChoice),
    parallel_tool_calls: tools.length === 0 ? undefined : request.parallelToolCalls,
    text: writeText(request.replyFormat),
    reasoning: writeReasoning(request.reasoning, reports),
    include: includeOf(request),
    max_output_tokens: orders.maxOutputTokens ?? sampling.maxOutputTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    user: request.endUserId,
    prompt_cache_key: request.cacheKey,
    top_logprobs: request.logprobs?.top ?? undefined,
    store: false,
    stream: intent.stream ? true : undefined,
  }
  if (tools.length === 0 && (request.toolChoice?.kind === 'any' || request.toolChoice?.kind === 'one')) reports.dropped.add('toolChoice')
  if (request.cache !== undefined) reports.dropped.add('cache')
  for (const name of ['topK', 'seed', 'stop', 'presencePenalty', 'frequencyPenalty'] as const) {
    const value = sampling[name]
    if (value !== undefined && !(isArray(value) && value.length === 0)) reports.dropped.add(name)
  }
  for (const [name, value] of Object.entries(extras.fields)) {
    if (!isOwn || !putExtra(members, name, value)) reports.dropped.add(name)
  }
  return { text: print(members), dropped: [...reports.dropped], approximated: [...reports.approximated] }
}

/** What only this language knows goes back to it, also into a member that is written (`text.verbosity`). `false`: it has no place. */
function putExtra(members: Members, name: string, value: JsonValue): boolean {
  if (name.includes('[')) return false
  const [root = '', inner, ...deeper] = name.split('.')
  if (inner === undefined) {
    if (name === 'store') return false // nothing is kept for those who did not speak to the provider themselves
    if (name === 'include' && isArray(value)) {
      const before = members['include']
      members['include'] = [...(Array.isArray(before) ? (before as readonly Writable[]) : []), ...value]
      return true
    }
    if (members[root] !== undefined) return false
    members[root] = value
    return true
  }
  const before = members[root] ?? {}
  if (deeper.length > 0 || (root !== 'text' && root !== 'reasoning') || !isObject(before)) return false
  members[root] = { ...before, [inner]: value }
  return true
}

function writeTools(tools: readonly Tool[], isOwn: boolean, reports: Reports): readonly Writable[] {
  const written: Writable[] = []
  tools.forEach((tool, i) => {
    if (tool.kind === 'function') {
      const { name, description, schema, strict, cache } = tool
      if (cache !== undefined) reports.dropped.add('cache')
      // This language is strict unless told otherwise, all others are not.
      written.push({ type: 'function', name, description, parameters: new Raw(schema), strict: strict ?? (isOwn ? undefined : false) })
    } else if (tool.dialect === OPENAI_RESPONSES) {
      const { parameters } = tool.value
      written.push(
        typeof parameters === 'string' && isObjectText(parameters) ? { ...tool.value, parameters: new Raw(parameters) } : tool.value,
      )
    } else reports.dropped.add(`tools[${i}]`)
  })
  return written
}

function isObjectText(text: string): boolean {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false
  }
}

function writeToolChoice(choice: ToolChoice | undefined): Writable {
  if (choice === undefined) return undefined
  if (choice.kind === 'one') return { type: 'function', name: choice.name }
  return choice.kind === 'any' ? 'required' : choice.kind
}

function writeText(format: ChatRequest['replyFormat']): Writable {
  if (format?.kind !== 'schema') return format?.kind === 'json' ? { format: { type: 'json_object' } } : undefined
  return { format: { type: 'json_schema', name: safeName(format.name), schema: new Raw(format.schema), strict: format.strict } }
}

/** "Off" is said by silence: models that do not reason refuse the member. */
function writeReasoning(reasoning: ChatRequest['reasoning'], reports: Reports): Members | undefined {
  if (reasoning === undefined) return undefined
  if ('off' in reasoning) {
    reports.approximated.add('reasoning')
    return undefined
  }
  if ('effort' in reasoning) return { effort: reasoning.effort, summary: 'auto' }
  reports.approximated.add('reasoning')
  const effort = reasoning.budgetTokens <= 2048 ? 'low' : reasoning.budgetTokens <= 8192 ? 'medium' : 'high'
  return { effort, summary: 'auto' }
}

/** Seals of reasoning are asked for, for nothing is kept at the provider. */
function includeOf({ reasoning, logprobs }: ChatRequest): readonly string[] | undefined {
  const include = [
    ...(reasoning === undefined || 'off' in reasoning ? [] : ['reasoning.encrypted_content']),
    ...(logprobs === undefined ? [] : ['message.output_text.logprobs']),
  ]
  return include.length === 0 ? undefined : include
}
