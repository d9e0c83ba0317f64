// Canonical request → Converse body. Turns and media have files of their own; here are tools, settings and what each family takes.

import { cachedAsAsked, withBreakpoints } from '../../core/auto-cache.ts'
import type { ChatRequest, JsonValue, Tool } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { printJson, Raw, type Writable } from '../../core/json-raw.ts'
import { CacheMarks } from '../anthropic-messages/cache-marks.ts'
import { Report } from '../anthropic-messages/report.ts'
import { writeThinking } from '../anthropic-messages/thinking-write.ts'
import type { Intent, Orders, Written } from '../contract.ts'
import { unsaid } from '../unsaid.ts'
import { cachePoint, toolName, writeTurns, type WrittenTurns } from './message-writing.ts'
import { familyOf, takesSchemas } from './model-rules.ts'
import { BEDROCK_CONVERSE, type WireBlock } from './wire.ts'

type Members = { readonly [member: string]: Writable }

/** The model stands in the path, and whether it streams, too. */
export function writeRequest(asked: ChatRequest, intent: Intent, orders: Orders): Written {
  const report = new Report()
  const request = cached(asked, orders, report)
  const marks = new CacheMarks(request, report)
  const { model } = orders
  const tools = request.tools.flatMap((tool, i) => writeTool(tool, i, model, marks, report))
  const turns = writeTurns(request.turns, model, orders.habits.issuer, marks, report)
  const settings =
    familyOf(model) === 'claude' ? claudeSettings(request, intent, orders, turns, report) : plainSettings(request, orders, report)
  const own = writeExtras(request, report)
  const more = { ...settings.additional, ...own.additional }
  const body: Members = {
    ...own.body,
    system: turns.system.length > 0 ? turns.system : undefined,
    messages: turns.messages,
    toolConfig: writeToolConfig(request, tools, turns, report),
    inferenceConfig: Object.values(settings.inference).some((value) => value !== undefined) ? settings.inference : undefined,
    additionalModelRequestFields: Object.keys(more).length > 0 ? more : undefined,
    outputConfig: writeFormat(request, model, report),
  }
  for (const name of unsaid(request, 'cacheKey', 'logprobs')) report.drop(name)
  for (const name of ['seed', 'presencePenalty', 'frequencyPenalty'] as const) if (request.sampling[name] !== undefined) report.drop(name)
  if (request.endUserId !== undefined) report.drop('endUserId')
  return { text: print(body), dropped: report.dropped, approximated: report.approximated }
}

/** Claude caches tools and turns, Nova turns alone, the others nothing. */
function cached(request: ChatRequest, orders: Orders, report: Report): ChatRequest {
  const family = familyOf(orders.model)
  if (family === 'claude' || family === 'nova' || family === 'nova-2')
    return withBreakpoints(cachedAsAsked(request, orders), { tools: family === 'claude', turns: true })
  if (request.cache !== undefined) report.drop('cache')
  return request
}

function print(body: Members): string {
  try {
    return printJson(body)
  } catch (cause) {
    if (cause instanceof RangeError) throw new GatewayError('request-malformed', 'The request is nested too deeply.', { cause })
    throw cause
  }
}

function writeTool(tool: Tool, i: number, model: string, marks: CacheMarks, report: Report): readonly WireBlock[] {
  if (tool.kind === 'native') {
    if (tool.dialect === BEDROCK_CONVERSE) return [tool.value]
    report.drop(`tools[${i}]`)
    return []
  }
  const strict = tool.strict === true && takesSchemas(model)
  if (tool.strict === true && !strict) report.drop(`tools[${i}].strict`)
  const schema = tool.schema.trim()
  const json = schema === '' || schema === 'null' ? { type: 'object', properties: {} } : new Raw(tool.schema)
  const name = toolName(tool.name)
  if (name !== tool.name) report.change(`tools[${i}].name`)
  const spec = { name, description: tool.description || undefined, inputSchema: { json }, strict: strict ? true : undefined }
  // Nova caches no tools.
  if (tool.cache !== undefined && familyOf(model) !== 'claude') {
    report.drop('cache')
    return [{ toolSpec: spec }]
  }
  return [{ toolSpec: spec }, ...cachePoint(tool.cache, { model, marks, report })]
}

function writeToolConfig(request: ChatRequest, tools: readonly WireBlock[], turns: WrittenTurns, report: Report): Members | undefined {
  const choice = request.toolChoice
  if (request.parallelToolCalls === false && tools.length > 0) report.drop('parallelToolCalls')
  if (tools.length === 0) {
    if (choice?.kind === 'any' || choice?.kind === 'one') report.drop('toolChoice')
    if (turns.called.size === 0) return undefined
    // Calls and results without any tool defined are refused.
    report.approximate('tools')
    return { tools: [...turns.called].map((name) => ({ toolSpec: { name, inputSchema: { json: { type: 'object', properties: {} } } } })) }
  }
  if (choice?.kind === 'none') report.drop('toolChoice') // no word for it
  const said = choice?.kind === 'one' ? { tool: { name: toolName(choice.name) } } : choice?.kind === 'any' ? { any: {} } : undefined
  return { tools, toolChoice: choice?.kind === 'auto' ? { auto: {} } : said }
}

type FamilySettings = { readonly inference: Members; readonly additional: Members }

/** Claude's own members stand beside Converse's, under the same rules as at Anthropic. */
function claudeSettings(request: ChatRequest, intent: Intent, orders: Orders, turns: WrittenTurns, report: Report): FamilySettings {
  const asked = orders.maxOutputTokens ?? request.sampling.maxOutputTokens
  const own = new Report()
  const { maxTokens, thinking, effort, sampling } = writeThinking(request, intent, orders, mayThink(turns), own)
  // Converse wants no ceiling, so none is made up unless thinking is measured by it.
  const needsCeiling = thinking?.['type'] === 'enabled'
  for (const name of own.dropped) report.drop(name)
  for (const name of own.approximated) if (name !== 'maxOutputTokens' || needsCeiling) report.approximate(name)
  const { temperature, top_p: topP, top_k } = sampling
  return {
    inference: { maxTokens: asked ?? (needsCeiling ? maxTokens : undefined), temperature, topP, stopSequences: stopsOf(request, report) },
    additional: {
      ...(thinking === undefined ? {} : { thinking }),
      ...(effort === undefined ? {} : { output_config: { effort } }),
      ...(top_k === undefined ? {} : { top_k }),
    },
  }
}

/** A tool loop whose last call has no thought before it must go on without thinking. */
function mayThink({ messages }: WrittenTurns): boolean {
  if (messages.at(-1)?.content.some((block) => block['toolResult'] !== undefined) !== true) return true
  return messages.findLast(({ role }) => role === 'assistant')?.content[0]?.['reasoningContent'] !== undefined
}

function plainSettings(request: ChatRequest, orders: Orders, report: Report): FamilySettings {
  const { sampling } = request
  const family = familyOf(orders.model)
  const isNova = family === 'nova' || family === 'nova-2'
  if (sampling.topK !== undefined && !isNova) report.drop('topK')
  return {
    inference: {
      maxTokens: orders.maxOutputTokens ?? sampling.maxOutputTokens,
      temperature: sampling.temperature,
      topP: sampling.topP,
      stopSequences: stopsOf(request, report),
    },
    additional: {
      ...(sampling.topK !== undefined && isNova ? { inferenceConfig: { topK: sampling.topK } } : {}),
      ...writeEffort(request.reasoning, family, report),
    },
  }
}

function writeEffort(reasoning: ChatRequest['reasoning'], family: ReturnType<typeof familyOf>, report: Report): Members {
  if (reasoning === undefined || 'off' in reasoning || ('effort' in reasoning && reasoning.effort === 'none')) return {}
  if (family !== 'gpt-oss' && family !== 'nova-2') {
    report.drop('reasoning')
    return {}
  }
  const wish =
    'effort' in reasoning ? reasoning.effort : reasoning.budgetTokens <= 2048 ? 'low' : reasoning.budgetTokens <= 8192 ? 'medium' : 'high'
  const effort = wish === 'low' || wish === 'medium' || wish === 'high' ? wish : wish === 'minimal' ? 'low' : 'high'
  if (!('effort' in reasoning) || effort !== wish) report.approximate('reasoning')
  return family === 'gpt-oss' ? { reasoning_effort: effort } : { reasoningConfig: { type: 'enabled', maxReasoningEffort: effort } }
}

/** Blank stop sequences are refused by Claude. */
function stopsOf({ sampling }: ChatRequest, report: Report): readonly string[] | undefined {
  const asked = sampling.stop ?? []
  const stop = asked.filter((sequence) => sequence.trim() !== '')
  if (stop.length < asked.length) report.drop('stop')
  return stop.length === 0 ? undefined : stop
}

/** The schema is a text here, and stays the text it was. There is no JSON mode without one. */
function writeFormat({ replyFormat: format }: ChatRequest, model: string, report: Report): Members | undefined {
  if (format === undefined || format.kind === 'text') return undefined
  if (format.kind !== 'schema' || !takesSchemas(model)) {
    report.drop('replyFormat')
    return undefined
  }
  const jsonSchema = { name: toolName(format.name), schema: format.schema }
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } }
}

/** Members of our own dialect go back where they were; those of another are reported, unless they ask for nothing. */
function writeExtras({ extras }: ChatRequest, report: Report): { readonly body: Members; readonly additional: Members } {
  if (extras.dialect === BEDROCK_CONVERSE) {
    const { additionalModelRequestFields: additional, ...body } = extras.fields
    return {
      body,
      additional: typeof additional === 'object' && additional !== null && !Array.isArray(additional) ? (additional as Members) : {},
    }
  }
  for (const [name, value] of Object.entries(extras.fields)) if (!HARMLESS.has(name) && !asksNothing(name, value)) report.drop(name)
  return { body: {}, additional: {} }
}

const HARMLESS: ReadonlySet<string> = new Set(['model', 'stream', 'stream_options'])

/** What is empty was left out by the client's half already, unless its presence asks (`web_search_options`). */
function asksNothing(name: string, value: JsonValue): boolean {
  return value === null || value === false || (name === 'n' && value === 1)
}
