// Canonical request → generateContent body. Turns and thinking have files of their own; here are tools, settings and the reports.

import type { ChatRequest, JsonObject, JsonValue } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import { Raw, printJson } from '../../core/json-raw.ts'
import type { Orders, Written } from '../contract.ts'
import { unsaid } from '../unsaid.ts'
import { writeThinking } from './thinking-writing.ts'
import type { Reports } from './turn-writing.ts'
import { writeTurns } from './turn-writing.ts'
import { DIALECT, MAX_STOPS, isBefore } from './wire.ts'

type Members = { readonly [key: string]: Writable }

/** The model stands in the path, so the body has none. */
export function writeRequest(request: ChatRequest, orders: Orders): Written {
  const reports: Reports = { dropped: new Set(), approximated: new Set() }
  const { model } = orders
  const turns = writeTurns(request.turns, model, orders.habits.issuer, reports)
  const tools = writeTools(request, reports)
  const own = writeExtras(request, reports)
  const config = { ...own.config, ...writeConfig(request, orders, reports) }
  for (const name of unsaid(request, 'cache', 'cacheKey')) reports.dropped.add(name)
  if (request.endUserId !== undefined) reports.dropped.add('endUserId')
  const body: Members = {
    ...own.body,
    systemInstruction: turns.system.length > 0 ? { parts: turns.system } : undefined,
    contents: turns.contents,
    tools: tools.length > 0 ? tools : undefined,
    toolConfig: writeToolConfig(request, reports, own),
    generationConfig: Object.values(config).some((value) => value !== undefined) ? config : undefined,
  }
  return { text: printJson(body), dropped: [...reports.dropped], approximated: [...reports.approximated] }
}

function writeTools(request: ChatRequest, reports: Reports): readonly Members[] {
  const functions: Members[] = []
  const natives: Members[] = []
  request.tools.forEach((tool, i) => {
    if (tool.kind === 'native') {
      if (tool.dialect === DIALECT) natives.push(tool.value)
      else reports.dropped.add(`tools[${i}]`)
      return
    }
    if (tool.strict === true) reports.dropped.add(`tools[${i}].strict`)
    if (tool.cache !== undefined) reports.dropped.add('cache')
    const schema = tool.schema.trim()
    functions.push({
      name: tool.name,
      description: tool.description,
      parametersJsonSchema: schema === '' || schema === 'null' ? undefined : new Raw(tool.schema),
    })
  })
  return functions.length > 0 ? [{ functionDeclarations: functions }, ...natives] : natives
}

function writeToolConfig(request: ChatRequest, reports: Reports, own: OwnExtras): Members | undefined {
  const hasFunctions = request.tools.some((tool) => tool.kind === 'function')
  if (request.parallelToolCalls === false && hasFunctions) reports.dropped.add('parallelToolCalls')
  const choice = request.toolChoice
  let calling: Members = own.calling
  if (choice !== undefined && hasFunctions) {
    if (choice.kind === 'one') calling = { ...calling, mode: 'ANY', allowedFunctionNames: [choice.name] }
    else calling = { ...calling, mode: choice.kind === 'auto' ? 'AUTO' : choice.kind === 'none' ? 'NONE' : 'ANY' }
  } else if (choice !== undefined && choice.kind !== 'auto' && choice.kind !== 'none') reports.dropped.add('toolChoice')
  if (Object.keys(calling).length > 0) return { ...own.toolConfig, functionCallingConfig: calling }
  return Object.keys(own.toolConfig).length > 0 ? own.toolConfig : undefined
}

function writeConfig(request: ChatRequest, orders: Orders, reports: Reports): Members {
  const { sampling } = request
  const ceiling = orders.maxOutputTokens ?? sampling.maxOutputTokens
  const thinking = writeThinking(request.reasoning, orders.model, ceiling ?? null)
  if (thinking.report !== 'said') reports[thinking.report].add('reasoning')
  const stop = sampling.stop ?? []
  if (stop.length > MAX_STOPS) reports.dropped.add('stop')
  // A seed is an int32 here; a larger one is a 400.
  const isSeed = sampling.seed !== undefined && sampling.seed === Math.trunc(sampling.seed) && Math.abs(sampling.seed) < 2 ** 31
  if (sampling.seed !== undefined && !isSeed) reports.dropped.add('seed')
  return {
    ...without({
      maxOutputTokens: ceiling,
      temperature: sampling.temperature,
      topP: sampling.topP,
      topK: sampling.topK,
      seed: isSeed ? sampling.seed : undefined,
      stopSequences: stop.length > 0 ? stop.slice(0, MAX_STOPS) : undefined,
      presencePenalty: sampling.presencePenalty,
      frequencyPenalty: sampling.frequencyPenalty,
      thinkingConfig: thinking.config ?? undefined,
    }),
    ...writeFormat(request, orders.model, reports),
    ...writeLogprobs(request),
  }
}

function writeFormat(request: ChatRequest, model: string, reports: Reports): Members {
  const format = request.replyFormat
  if (format === undefined || format.kind === 'text') return {}
  // Before Gemini 3, a reply format beside functions is a 400 ("Function calling with a response mime type … is unsupported").
  if (isBefore(model, 3) && request.tools.some((tool) => tool.kind === 'function')) {
    reports.dropped.add('replyFormat')
    return {}
  }
  return format.kind === 'schema'
    ? { responseMimeType: 'application/json', responseJsonSchema: new Raw(format.schema) }
    : { responseMimeType: 'application/json' }
}

function writeLogprobs({ logprobs }: ChatRequest): Members {
  if (logprobs === undefined) return {}
  return { responseLogprobs: true, logprobs: logprobs.top ?? undefined }
}

type OwnExtras = { readonly body: Members; readonly config: Members; readonly toolConfig: Members; readonly calling: Members }

/** Members of our own dialect go back where they were; those of another are reported, unless they ask for nothing. */
function writeExtras(request: ChatRequest, reports: Reports): OwnExtras {
  const { dialect, fields } = request.extras
  if (dialect === DIALECT) return placed(fields, reports)
  for (const [name, value] of Object.entries(fields)) {
    if (!HARMLESS.has(name) && !asksNothing(name, value)) reports.dropped.add(name)
  }
  return { body: {}, config: {}, toolConfig: {}, calling: {} }
}

/** Dotted names back into the objects they came from; members inside of turns and tools are another's to write, so they are reported. */
function placed(fields: JsonObject, reports: Reports): OwnExtras {
  const body: { [name: string]: Writable } = {}
  const config: { [name: string]: Writable } = {}
  const toolConfig: { [name: string]: Writable } = {}
  const calling: { [name: string]: Writable } = {}
  for (const [name, value] of Object.entries(fields)) {
    const steps = name.split('.')
    const last = steps.at(-1) ?? name
    const parent = steps.slice(0, -1).join('.')
    if (name.includes('[')) reports.dropped.add(name)
    else if (parent === '') body[name] = value
    else if (parent === 'generationConfig') config[last] = value
    else if (parent === 'toolConfig') toolConfig[last] = value
    else if (parent === 'toolConfig.functionCallingConfig') calling[last] = value
    else reports.dropped.add(name)
  }
  return { body, config, toolConfig, calling }
}

const HARMLESS: ReadonlySet<string> = new Set(['model', 'stream', 'stream_options'])

/** What is empty was left out by the client's half already, unless its presence asks (`web_search_options`). */
function asksNothing(name: string, value: JsonValue): boolean {
  return value === null || value === false || (name === 'n' && value === 1)
}

function without(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
