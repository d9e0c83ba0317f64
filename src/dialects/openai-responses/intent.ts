// What the gateway must know of a Responses request before it understands it, from the raw texts of a few members.

import type { ClientBody, Incoming, Intent, Need } from '../contract.ts'
import { isSaid, readCount, readFlag, readModel, readText, serviceAsked, valueAt } from '../openai-chat/scanned-members.ts'

/** Tools that run at the provider: what they read is input that is not in the body. */
const PROVIDER_RUN = [
  'web_search',
  'file_search',
  'code_interpreter',
  'computer',
  'mcp',
  'image_generation',
  'x_search',
  'shell',
  'tool_search',
]
/** Members and items that stand for text kept at the provider. */
const ELSEWHERE = ['previous_response_id', 'conversation', 'prompt']

/** @throws GatewayError `request-malformed` for the members that the gateway itself relies on */
export function readIntent({ headers, body, nowSeconds }: Incoming): Intent {
  const ceiling = readCount(body, 'max_output_tokens')
  return {
    model: readModel(body),
    stream: readFlag(body, ['stream']),
    wantsUsage: true,
    maxOutputTokens: ceiling === null ? null : Math.min(ceiling, Number.MAX_SAFE_INTEGER),
    reasoningTokens: null,
    choices: 1,
    needs: needsOf(body),
    inputBound: isBounded(body) ? body.byteLength : null,
    ...providerRuns(body),
    endUserId: readText(body, 'user') ?? readText(body, 'safety_identifier'),
    session: headers.get('x-session-id') ?? readText(body, 'session_id'),
    nowSeconds,
    ...serviceAsked(body),
  }
}

function isBounded(body: ClientBody): boolean {
  if (body.refersOutside || body.types.has('item_reference') || ELSEWHERE.some((name) => isSaid(body, name))) return false
  for (const type of body.types) if (PROVIDER_RUN.some((tool) => type.startsWith(tool))) return false
  return true
}

/** Types are looked for in the tools only: those of calls that were made stand among the items, too. */
function providerRuns(body: ClientBody): Pick<Intent, 'providerRuns'> {
  const text = body.member(['tools'])
  if (text === null || ![...body.types].some(runsAtProvider)) return {}
  const tools = JSON.parse(text) as unknown
  const runs = (Array.isArray(tools) ? (tools as readonly unknown[]) : []).some(
    (tool) => typeof tool === 'object' && tool !== null && 'type' in tool && typeof tool.type === 'string' && runsAtProvider(tool.type),
  )
  return runs ? { providerRuns: { calls: readCount(body, 'max_tool_calls'), said: 'max_tool_calls' } } : {}
}

/** A computer is the client's. */
function runsAtProvider(type: string): boolean {
  return PROVIDER_RUN.some((tool) => tool !== 'computer' && type.startsWith(tool))
}

function needsOf(body: ClientBody): ReadonlySet<Need> {
  const needs = new Set<Need>()
  if (isSaid(body, 'tools')) needs.add('tools')
  if (body.member(['text', 'format', 'type']) === '"json_schema"') needs.add('schema')
  const effort = valueAt(body, ['reasoning', 'effort'])
  if (typeof effort === 'string' && effort !== 'none') needs.add('reasoning')
  const likeliest = valueAt(body, ['top_logprobs'])
  if (typeof likeliest === 'number' && likeliest > 0) needs.add('logprobs')
  if (body.types.has('input_image')) needs.add('image')
  if (body.types.has('input_audio')) needs.add('audio')
  if (body.types.has('input_file')) needs.add('file')
  return needs
}
