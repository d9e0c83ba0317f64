// The canonical form as a chat request, for any host of this language. The same request always gives the same bytes: a provider's cache counts on it.

import { cachedAsAsked, withBreakpoints } from '../../core/auto-cache.ts'
import type { ChatRequest, Tool, ToolChoice } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { printJson, Raw, type Writable } from '../../core/json-raw.ts'
import type { Habits, Intent, Orders, Written } from '../contract.ts'
import { unsaid } from '../unsaid.ts'
import { writeMark, writeMessages, type Reports } from './message-writing.ts'
import { OPENAI_CHAT } from './wire.ts'

type Members = { [name: string]: Writable }

export function writeRequest(asked: ChatRequest, intent: Intent, orders: Orders): Written {
  const reports: Reports = { dropped: new Set(), approximated: new Set() }
  const marks = orders.habits.accepts?.has('cache_control') === true
  const request = marks ? withBreakpoints(cachedAsAsked(asked, orders), { tools: true, turns: true }) : asked
  if (request.cache !== undefined) reports.dropped.add('cache')
  const { habits } = orders
  const members: Members = { model: orders.model, messages: writeMessages(request.turns, habits, reports) }
  /** Sets a member unless this place refuses it; `canonical` is its name in a report. */
  const put = (name: string, value: Writable, canonical = name): void => {
    if (value === undefined) return
    if (habits.refuses?.has(name) === true) reports.dropped.add(canonical)
    else members[name] = value
  }
  const { sampling } = request
  const tools = writeTools(request.tools, habits, reports)
  const hasTools = tools.length > 0
  put('tools', hasTools ? tools : undefined)
  // Without tools these two are a 400, and say nothing.
  if (hasTools) {
    put('tool_choice', writeToolChoice(request.toolChoice), 'toolChoice')
    put('parallel_tool_calls', request.parallelToolCalls, 'parallelToolCalls')
  } else if (request.toolChoice?.kind === 'any' || request.toolChoice?.kind === 'one') reports.dropped.add('toolChoice')
  put('response_format', writeReplyFormat(request.replyFormat), 'replyFormat')
  put('reasoning_effort', writeEffort(request.reasoning, reports), 'reasoning')
  const ceiling = orders.maxOutputTokens ?? sampling.maxOutputTokens
  put(habits.ceilingMember ?? 'max_tokens', ceiling, 'maxOutputTokens')
  put('temperature', sampling.temperature)
  put('top_p', sampling.topP, 'topP')
  if (habits.accepts?.has('top_k') === true) put('top_k', sampling.topK, 'topK')
  else if (sampling.topK !== undefined) reports.dropped.add('topK')
  put('seed', sampling.seed)
  put('stop', sampling.stop === undefined || sampling.stop.length === 0 ? undefined : sampling.stop)
  put('presence_penalty', sampling.presencePenalty, 'presencePenalty')
  put('frequency_penalty', sampling.frequencyPenalty, 'frequencyPenalty')
  put('user', request.endUserId, 'endUserId')
  put('logprobs', request.logprobs === undefined ? undefined : true)
  put('top_logprobs', request.logprobs?.top ?? undefined, 'topLogprobs')
  if (habits.accepts?.has('prompt_cache_key') === true) put('prompt_cache_key', request.cacheKey)
  else for (const name of unsaid(request, 'cacheKey')) reports.dropped.add(name)
  writeExtras(request, members, reports, habits)
  if (intent.stream) {
    members['stream'] = true
    if (habits.usageByRequest !== false) members['stream_options'] = { include_usage: true }
  }
  return { text: print(members), dropped: [...reports.dropped], approximated: [...reports.approximated] }
}

export function print(members: { readonly [name: string]: Writable }): string {
  try {
    return printJson(members)
  } catch (cause) {
    if (cause instanceof RangeError) throw new GatewayError('request-malformed', 'The request is nested too deeply.', { cause })
    throw cause
  }
}

function writeTools(tools: readonly Tool[], habits: Habits, reports: Reports): readonly Writable[] {
  const written: Writable[] = []
  tools.forEach((tool, i) => {
    if (tool.kind === 'function') {
      const { name, description, schema, strict, cache } = tool
      const made = { name, description, parameters: new Raw(schema), strict }
      written.push({ type: 'function', function: made, cache_control: writeMark(cache, { ...reports, habits }) })
    } else if (tool.dialect === OPENAI_CHAT) written.push(tool.value)
    else reports.dropped.add(`tools[${i}]`)
  })
  return written
}

function writeToolChoice(choice: ToolChoice | undefined): Writable {
  if (choice === undefined) return undefined
  if (choice.kind === 'one') return { type: 'function', function: { name: choice.name } }
  return choice.kind === 'any' ? 'required' : choice.kind
}

function writeReplyFormat(format: ChatRequest['replyFormat']): Writable {
  if (format?.kind !== 'schema') return format?.kind === 'json' ? { type: 'json_object' } : undefined
  return { type: 'json_schema', json_schema: { name: safeName(format.name), schema: new Raw(format.schema), strict: format.strict } }
}

/** OpenAI takes letters, digits, `_` and `-`, at most 64. */
export function safeName(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)
  return safe === '' ? 'response' : safe
}

/** "Off" is said by silence: models that do not reason refuse the member, and only some of those that do know `none`. */
function writeEffort(reasoning: ChatRequest['reasoning'], reports: Reports): string | undefined {
  if (reasoning === undefined) return undefined
  if ('off' in reasoning) {
    reports.approximated.add('reasoning')
    return undefined
  }
  if ('effort' in reasoning) return reasoning.effort
  reports.approximated.add('reasoning')
  return reasoning.budgetTokens <= 2048 ? 'low' : reasoning.budgetTokens <= 8192 ? 'medium' : 'high'
}

/** Members that OpenAI itself refuses or takes for something else, or that others refuse; they go only to places that are known to take them. */
const NOT_OPENAIS: ReadonlySet<string> = new Set(
  'min_p top_a repetition_penalty image_config stop_server_tools_when trace metadata prompt_cache_retention'.split(' '),
)

/** What only this language knows goes back to it; of another language's members each is named. */
function writeExtras({ extras }: ChatRequest, members: Members, { dropped }: Reports, habits: Habits): void {
  for (const [name, value] of Object.entries(extras.fields)) {
    const isMember = extras.dialect === OPENAI_CHAT && !name.includes('.') && !name.includes('[')
    const isTaken = NOT_OPENAIS.has(name) ? habits.accepts?.has(name) === true : habits.refuses?.has(name) !== true
    if (isMember && isTaken && !Object.hasOwn(members, name)) members[name] = value
    else dropped.add(name)
  }
}
