// What the gateway must know of a chat request before it understands it, from the raw texts of a few members.

import { GatewayError } from '../../core/errors.ts'
import type { Path } from '../../core/json-splice.ts'
import type { ClientBody, Incoming, Intent, Need } from '../contract.ts'
import { isCount, malformed } from './expecting.ts'

const MAX_MODEL_LENGTH = 512
const NO_SCALAR = Symbol('an object or a list')

/** @throws GatewayError `request-malformed` for the members that the gateway itself relies on */
export function readIntent({ headers, body, nowSeconds }: Incoming): Intent {
  const ceilings = [readCeiling(body, 'max_completion_tokens'), readCeiling(body, 'max_tokens')]
  const choices = readCount(body, 'n') ?? 1
  return {
    model: readModel(body),
    stream: readFlag(body, ['stream']),
    wantsUsage: body.member(['stream_options', 'include_usage']) === 'true',
    maxOutputTokens: ceilings.find((ceiling) => ceiling !== null) ?? null,
    reasoningTokens: thinkingBudget(body),
    choices,
    needs: needsOf(body, choices),
    inputBound: body.refersOutside || isSaid(body, 'web_search_options') || isSaid(body, 'plugins') ? null : body.byteLength,
    endUserId: readText(body, 'user') ?? readText(body, 'safety_identifier'),
    session: headers.get('x-session-id') ?? readText(body, 'session_id'),
    nowSeconds,
  }
}

function readModel(body: ClientBody): string {
  const model = valueAt(body, ['model'])
  if (typeof model !== 'string' || model === '') throw malformed('model', 'the name of a model')
  if (model.length > MAX_MODEL_LENGTH || !isPrintable(model)) throw malformed('model', 'a name of printable characters')
  return model
}

function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c === 0x2028 || c === 0x2029) return false
  }
  return text.isWellFormed()
}

function needsOf(body: ClientBody, choices: number): ReadonlySet<Need> {
  const needs = new Set<Need>()
  if (isSaid(body, 'tools') || isSaid(body, 'functions')) needs.add('tools')
  if (body.member(['response_format', 'type']) === '"json_schema"') needs.add('schema')
  const effort = valueAt(body, ['reasoning_effort'])
  if ((typeof effort === 'string' && effort !== 'none') || thinkingBudget(body) !== null) needs.add('reasoning')
  if (body.member(['logprobs']) === 'true') needs.add('logprobs')
  if (choices > 1) needs.add('many')
  if (body.types.has('image_url')) needs.add('image')
  if (body.types.has('input_audio')) needs.add('audio')
  if (body.types.has('file')) needs.add('file')
  return needs
}

/** A member that is there and holds something: neither `null` nor an empty list. */
function isSaid(body: ClientBody, name: string): boolean {
  const text = body.member([name])
  return text !== null && text !== 'null' && !(text.length < 64 && text.startsWith('[') && text.slice(1, -1).trim() === '')
}

function thinkingBudget(body: ClientBody): number | null {
  for (const path of [
    ['reasoning', 'max_tokens'],
    ['thinking', 'budget_tokens'],
  ] as const) {
    const budget = valueAt(body, path)
    if (isCount(budget)) return budget
  }
  return null
}

function readCount(body: ClientBody, name: string): number | null {
  const value = valueAt(body, [name])
  if (value === null) return null
  if (!isCount(value)) throw malformed(name, 'a positive whole number')
  return value
}

/** Ollama's clients say 0 for "no ceiling": it counts as not said. */
function readCeiling(body: ClientBody, name: string): number | null {
  if (body.member([name]) === '0') return null
  const count = readCount(body, name)
  return count === null ? null : Math.min(count, Number.MAX_SAFE_INTEGER)
}

function readFlag(body: ClientBody, path: Path): boolean {
  const text = body.member(path)
  if (text === null || text === 'null' || text === 'false') return false
  if (text !== 'true') throw malformed(path.join('.'), 'true or false')
  return true
}

function readText(body: ClientBody, name: string): string | null {
  const value = valueAt(body, [name])
  if (value === null) return null
  if (typeof value !== 'string') throw malformed(name, 'a string')
  return value
}

/** The value of a small member; objects and lists are not parsed, for none is asked for. */
function valueAt(body: ClientBody, path: Path): unknown {
  const text = body.member(path)
  if (text === null) return null
  if (text.startsWith('{') || text.startsWith('[')) return NO_SCALAR
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GatewayError('request-malformed', `Invalid value for '${path.join('.')}'.`, { at: path.join('.'), cause })
  }
}
