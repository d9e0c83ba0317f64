// What the gateway must know of a chat request before it understands it, from the raw texts of a few members.

import type { ClientBody, Incoming, Intent, Need } from '../contract.ts'
import { isCount } from './expecting.ts'
import { isSaid, readCount, readFlag, readModel, readText, serviceAsked, valueAt } from './scanned-members.ts'

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
    // A search model searches once.
    ...(isSaid(body, 'web_search_options') ? { providerRuns: { calls: 1, said: 'web_search_options' } } : {}),
    endUserId: readText(body, 'user') ?? readText(body, 'safety_identifier'),
    session: headers.get('x-session-id') ?? readText(body, 'session_id'),
    nowSeconds,
    ...serviceAsked(body),
  }
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

/** Ollama's clients say 0 for "no ceiling": it counts as not said. */
function readCeiling(body: ClientBody, name: string): number | null {
  if (body.member([name]) === '0') return null
  const count = readCount(body, name)
  return count === null ? null : Math.min(count, Number.MAX_SAFE_INTEGER)
}
