// `generationConfig` and `toolConfig` of a client's request → sampling, reply format, reasoning and tool choice. What has no place there
// is kept under its dotted name.

import type { ChatRequest, JsonObject, JsonValue, ReplyFormat, Sampling, ToolChoice } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { isObjectText } from './part-wire.ts'
import { jsonSchemaOf } from './schema-reading.ts'
import type { Leftovers } from './spelling.ts'
import { besides, isCount, malformed, optionalList, optionalNumber, optionalObject, optionalText, said } from './spelling.ts'

export type Settings = Pick<ChatRequest, 'sampling' | 'replyFormat' | 'reasoning' | 'logprobs'>

const AT = 'generationConfig.'
const UNDERSTOOD = [
  'candidateCount',
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'seed',
  'stopSequences',
  'presencePenalty',
  'frequencyPenalty',
  'thinkingConfig',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  'responseLogprobs',
  'logprobs',
]

/** @throws GatewayError `request-malformed`, or `request-unsupported` for several answers */
export function readSettings(request: JsonObject, left: Leftovers): Settings {
  const config = optionalObject(request, 'generationConfig', '') ?? {}
  const candidates = said(config, 'candidateCount') ?? 1
  if (!isCount(candidates)) throw malformed(`${AT}candidateCount`, 'a positive whole number')
  if (candidates > 1) {
    const message =
      "'candidateCount' above 1 is not possible here: the provider of this model speaks another language. Send one request for each answer."
    throw new GatewayError('request-unsupported', message, { at: `${AT}candidateCount` })
  }
  for (const [name, value] of besides(config, UNDERSTOOD)) if (saysSomething(name, value)) left[AT + name] = value
  const replyFormat = readFormat(config, left)
  const reasoning = readThinking(optionalObject(config, 'thinkingConfig', AT), left)
  return {
    sampling: readSampling(config),
    ...(replyFormat === undefined ? {} : { replyFormat }),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(said(config, 'responseLogprobs') === true ? { logprobs: { top: optionalNumber(config, 'logprobs', AT) ?? null } } : {}),
  }
}

/** Text is what is answered anyway; what is not asked for is no loss. */
function saysSomething(name: string, value: JsonValue): boolean {
  if (value === false || (Array.isArray(value) && value.length === 0)) return false
  if (name !== 'responseModalities' && name !== 'response_modalities') return true
  return !(Array.isArray(value) && value.every((modality) => modality === 'TEXT'))
}

function readSampling(config: JsonObject): Sampling {
  const ceiling = said(config, 'maxOutputTokens')
  if (ceiling !== undefined && ceiling !== 0 && !isCount(ceiling)) throw malformed(`${AT}maxOutputTokens`, 'a positive whole number')
  const stop = stopsOf(config)
  const named = {
    maxOutputTokens: isCount(ceiling) ? ceiling : undefined,
    temperature: optionalNumber(config, 'temperature', AT),
    topP: optionalNumber(config, 'topP', AT),
    topK: optionalNumber(config, 'topK', AT),
    seed: optionalNumber(config, 'seed', AT),
    stop: stop.length === 0 ? undefined : stop,
    presencePenalty: optionalNumber(config, 'presencePenalty', AT),
    frequencyPenalty: optionalNumber(config, 'frequencyPenalty', AT),
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
}

function stopsOf(config: JsonObject): readonly string[] {
  const stop = said(config, 'stopSequences')
  if (typeof stop === 'string') return [stop]
  return (optionalList(config, 'stopSequences', AT) ?? []).map((value, i) => {
    if (typeof value !== 'string') throw malformed(`${AT}stopSequences[${i}]`, 'a string')
    return value
  })
}

/** A schema makes JSON of the reply, except where a bare word of an enum is asked for. */
function readFormat(config: JsonObject, left: Leftovers): ReplyFormat | undefined {
  const type = optionalText(config, 'responseMimeType', AT) ?? ''
  const written = schemaAt(config, 'responseJsonSchema')
  const schema = written ?? schemaAt(config, 'responseSchema')
  if (type !== '' && type !== 'application/json' && type !== 'text/plain') {
    left[`${AT}responseMimeType`] = type
    if (schema !== undefined) left[`${AT}responseSchema`] = JSON.parse(schema) as JsonValue
    return undefined
  }
  // Strict in OpenAI's sense asks for more than Gemini's schemas have (every member required, no others).
  if (schema !== undefined)
    return { kind: 'schema', name: 'response', schema: written === undefined ? jsonSchemaOf(schema) : schema, strict: false }
  return type === 'application/json' ? { kind: 'json' } : undefined
}

function schemaAt(config: JsonObject, name: string): string | undefined {
  const text = said(config, name)
  if (text === undefined) return undefined
  if (typeof text !== 'string' || !isObjectText(text)) throw malformed(AT + name, 'a JSON Schema object')
  return text
}

/** A level, a budget (0 is off, -1 as much as it takes), or just the wish to see thoughts. */
function readThinking(thinking: JsonObject | undefined, left: Leftovers): ChatRequest['reasoning'] {
  if (thinking === undefined) return undefined
  const at = `${AT}thinkingConfig.`
  for (const [name, value] of besides(thinking, ['thinkingLevel', 'thinkingBudget', 'includeThoughts'])) left[at + name] = value
  const level = (optionalText(thinking, 'thinkingLevel', at) ?? '').toLowerCase()
  if (level !== '' && level !== 'thinking_level_unspecified') return { effort: level }
  const budget = optionalNumber(thinking, 'thinkingBudget', at)
  if (budget === 0) return { off: true }
  if (isCount(budget)) return { budgetTokens: budget }
  if (budget !== undefined || said(thinking, 'includeThoughts') === true) return { effort: 'medium' }
  return undefined
}

/** The functions a model may or must call. */
export function readToolChoice(request: JsonObject, left: Leftovers): ToolChoice | undefined {
  const config = optionalObject(request, 'toolConfig', '')
  if (config === undefined) return undefined
  for (const [name, value] of besides(config, ['functionCallingConfig'])) if (saysSomething(name, value)) left[`toolConfig.${name}`] = value
  const calling = optionalObject(config, 'functionCallingConfig', 'toolConfig.')
  if (calling === undefined) return undefined
  const at = 'toolConfig.functionCallingConfig.'
  for (const [name, value] of besides(calling, ['mode', 'allowedFunctionNames'])) if (saysSomething(name, value)) left[at + name] = value
  const mode = (optionalText(calling, 'mode', at) ?? '').toUpperCase()
  const names = optionalList(calling, 'allowedFunctionNames', at) ?? []
  const [only] = names
  if (mode === 'ANY' && names.length === 1 && typeof only === 'string') return { kind: 'one', name: only }
  if (names.length > 0) left[`${at}allowedFunctionNames`] = names
  if (mode === 'ANY') return { kind: 'any' }
  if (mode === 'NONE') return { kind: 'none' }
  if (mode === 'AUTO') return { kind: 'auto' }
  // VALIDATED: a call or words, but calls that fit their schema. No other language has it.
  if (mode !== '' && mode !== 'MODE_UNSPECIFIED') left[`${at}mode`] = mode
  return undefined
}
