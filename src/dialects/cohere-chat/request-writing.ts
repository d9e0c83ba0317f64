// Canonical request → v2 chat body. Messages have a file of their own; here are tools, settings and the reports.

import type { ChatRequest, JsonValue } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { printJson, Raw, type Writable } from '../../core/json-raw.ts'
import type { Intent, Orders, Written } from '../contract.ts'
import { unsaid } from '../unsaid.ts'
import { writeMessages, type Reports } from './message-writing.ts'
import { reasons } from './model-rules.ts'
import { COHERE_CHAT } from './wire.ts'

type Members = { readonly [name: string]: Writable }

const MOST_STOPS = 5
const MOST_K = 500
/** Tokens to think for, by effort; `high` and above have no bound but the ceiling. */
const BUDGET: { readonly [effort: string]: number } = { minimal: 512, low: 1024, medium: 8192 }

export function writeRequest(request: ChatRequest, intent: Intent, orders: Orders): Written {
  const reports: Reports = { dropped: new Set(), approximated: new Set() }
  const tools = writeTools(request, reports)
  const body: Members = {
    ...writeExtras(request, reports),
    model: orders.model,
    messages: writeMessages(request.turns, orders.model, reports),
    ...tools,
    response_format: writeFormat(request, reports),
    thinking: writeThinking(request.reasoning, orders.model, reports),
    max_tokens: orders.maxOutputTokens ?? request.sampling.maxOutputTokens,
    ...writeSampling(request, reports),
    stream: intent.stream ? true : undefined,
  }
  for (const name of unsaid(request, 'cache', 'cacheKey', 'logprobs')) reports.dropped.add(name)
  if (request.endUserId !== undefined) reports.dropped.add('endUserId')
  return { text: print(body), dropped: [...reports.dropped], approximated: [...reports.approximated] }
}

function print(body: Members): string {
  try {
    return printJson(body)
  } catch (cause) {
    if (cause instanceof RangeError) throw new GatewayError('request-malformed', 'The request is nested too deeply.', { cause })
    throw cause
  }
}

function writeTools(request: ChatRequest, reports: Reports): Members {
  const written: Writable[] = []
  const strict: number[] = []
  request.tools.forEach((tool, i) => {
    if (tool.kind === 'native') {
      if (tool.dialect === COHERE_CHAT) written.push(tool.value)
      else reports.dropped.add(`tools[${i}]`)
      return
    }
    if (tool.cache !== undefined) reports.dropped.add('cache')
    if (tool.strict === true) strict.push(i)
    const schema = tool.schema.trim()
    const parameters = schema === '' || schema === 'null' ? { type: 'object', properties: {} } : new Raw(tool.schema)
    written.push({ type: 'function', function: { name: tool.name, description: tool.description, parameters } })
  })
  const hasTools = written.length > 0
  // Strictness is the whole list's here.
  const allStrict = hasTools && strict.length === written.length
  if (!allStrict) for (const i of strict) reports.dropped.add(`tools[${i}].strict`)
  if (request.parallelToolCalls === false && hasTools) reports.dropped.add('parallelToolCalls')
  const choice = request.toolChoice
  const mustCall = choice?.kind === 'any' || choice?.kind === 'one'
  if (mustCall && !hasTools) reports.dropped.add('toolChoice')
  // Which tool cannot be said, only that one must be called.
  if (choice?.kind === 'one' && hasTools) reports.approximated.add('toolChoice')
  return {
    tools: hasTools ? written : undefined,
    strict_tools: allStrict ? true : undefined,
    tool_choice: hasTools ? (mustCall ? 'REQUIRED' : choice?.kind === 'none' ? 'NONE' : undefined) : undefined,
  }
}

/** A JSON reply beside tools is a 400. */
function writeFormat({ replyFormat, tools }: ChatRequest, reports: Reports): Writable {
  if (replyFormat === undefined || replyFormat.kind === 'text') return undefined
  if (tools.length > 0) {
    reports.dropped.add('replyFormat')
    return undefined
  }
  return { type: 'json_object', json_schema: replyFormat.kind === 'schema' ? new Raw(replyFormat.schema) : undefined }
}

function writeThinking(reasoning: ChatRequest['reasoning'], model: string, reports: Reports): Writable {
  if (reasoning === undefined) return undefined
  const off = 'off' in reasoning || ('effort' in reasoning && reasoning.effort === 'none')
  if (!reasons(model)) {
    if (!off) reports.dropped.add('reasoning')
    return undefined
  }
  if (off) return { type: 'disabled' }
  if ('budgetTokens' in reasoning) return { type: 'enabled', token_budget: reasoning.budgetTokens }
  if (!('effort' in reasoning)) return undefined
  reports.approximated.add('reasoning')
  return { type: 'enabled', token_budget: Object.hasOwn(BUDGET, reasoning.effort) ? BUDGET[reasoning.effort] : undefined }
}

/** Values beyond what Cohere takes are a 400: they are brought within, and that is reported. */
function writeSampling({ sampling }: ChatRequest, { dropped, approximated }: Reports): Members {
  const within = (name: string, value: number | undefined, least: number, most: number): number | undefined => {
    if (value === undefined) return undefined
    const kept = Math.min(Math.max(value, least), most)
    if (kept !== value) approximated.add(name)
    return kept
  }
  const { seed } = sampling
  const isSeed = seed !== undefined && Number.isSafeInteger(seed) && seed >= 0
  if (seed !== undefined && !isSeed) dropped.add('seed')
  const stop = sampling.stop ?? []
  if (stop.length > MOST_STOPS) dropped.add('stop')
  return {
    temperature: sampling.temperature,
    p: within('topP', sampling.topP, 0.01, 0.99),
    k: within('topK', sampling.topK, 0, MOST_K),
    seed: isSeed ? seed : undefined,
    stop_sequences: stop.length > 0 ? stop.slice(0, MOST_STOPS) : undefined,
    frequency_penalty: within('frequencyPenalty', sampling.frequencyPenalty, 0, 1),
    presence_penalty: within('presencePenalty', sampling.presencePenalty, 0, 1),
  }
}

/** Members of our own dialect go back where they were; those of another are reported, unless they ask for nothing. */
function writeExtras({ extras }: ChatRequest, { dropped }: Reports): Members {
  if (extras.dialect === COHERE_CHAT) return extras.fields
  for (const [name, value] of Object.entries(extras.fields)) if (!HARMLESS.has(name) && !asksNothing(name, value)) dropped.add(name)
  return {}
}

const HARMLESS: ReadonlySet<string> = new Set(['model', 'stream', 'stream_options'])

/** What is empty was left out by the client's half already, unless its presence asks (`web_search_options`). */
function asksNothing(name: string, value: JsonValue): boolean {
  return value === null || value === false || (name === 'n' && value === 1)
}
