// Scans a Messages request for what the gateway must know before it has understood it.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import type { ClientBody, Incoming, Intent, Need } from '../contract.ts'
import { malformed, objectAt, optionalCount, optionalFlag, optionalText } from './expect.ts'
import { parseObject } from './wire.ts'

/** Tools that run at the provider: they read pages and sample again, so the body's size bounds nothing. */
const SERVER_TOOL = /^(?:web_search|web_fetch|code_execution|advisor|tool_search_tool_bm25|tool_search_tool_regex)_\d{8}$/

/** Nothing says how often these run, and no call of theirs has a price. */
const TURNS_ONLY = /^(?:code_execution|tool_search_tool_bm25|tool_search_tool_regex)_\d{8}$/
/** The provider's loop over its own tools ends a reply (`pause_turn`) after so many turns: platform.claude.com, server tools. */
const LOOP_TURNS = 10

/** Members that bring context which is not in the body. */
const OUTSIDE = ['mcp_servers', 'thread', 'container'] as const

/** @throws GatewayError `request-malformed` */
export function readIntent(incoming: Incoming): Intent {
  const { body, headers } = incoming
  const top = scalars(body, ['model', 'stream', 'max_tokens', 'speed', 'service_tier'])
  const model = top['model']
  // A name with control characters or half a surrogate pair could not stand in a log, a header or a path.
  if (typeof model !== 'string' || model.trim() === '' || /[\p{Cc}\p{Cs}]/u.test(model)) throw malformed('model', 'the name of a model')
  const thinking = member(body, 'thinking')
  const metadata = member(body, 'metadata')
  const thinks = thinking?.['type'] === 'enabled' || thinking?.['type'] === 'adaptive'
  return {
    model,
    stream: optionalFlag(top, 'stream') ?? false,
    wantsUsage: true,
    maxOutputTokens: optionalCount(top, 'max_tokens') ?? null,
    reasoningTokens: thinking?.['type'] === 'enabled' ? (optionalCount(thinking, 'budget_tokens', 'thinking.budget_tokens') ?? null) : null,
    choices: 1,
    needs: needsOf(body, thinks),
    inputBound: isBounded(body) ? body.byteLength : null,
    ...providerRuns(body),
    endUserId: metadata === null ? null : (optionalText(metadata, 'user_id', 'metadata.user_id') ?? null),
    session: headers.get('x-session-id'),
    nowSeconds: incoming.nowSeconds,
    ...serviceAsked(top),
  }
}

/** What is no text is the provider's to refuse. */
function serviceAsked(top: JsonObject): Pick<Intent, 'service'> {
  const asked = top['speed'] === 'fast' ? 'fast' : top['service_tier']
  return typeof asked === 'string' ? { service: asked } : {}
}

function needsOf(body: ClientBody, thinks: boolean): ReadonlySet<Need> {
  const needs = new Set<Need>()
  const tools = body.member(['tools'])
  if (tools !== null && tools !== 'null' && !/^\[\s*\]$/.test(tools)) needs.add('tools')
  if (isThere(body.member(['output_config', 'format'])) || isThere(body.member(['output_format']))) needs.add('schema')
  if (thinks) needs.add('reasoning')
  if (body.types.has('image')) needs.add('image')
  // A document of text is text.
  if (body.types.has('document') && ['base64', 'url', 'file'].some((source) => body.types.has(source))) needs.add('file')
  return needs
}

function isBounded(body: ClientBody): boolean {
  if (body.refersOutside) return false
  for (const type of body.types) if (SERVER_TOOL.test(type)) return false
  return OUTSIDE.every((name) => {
    const text = body.member([name])
    return !isThere(text) || text === '[]'
  })
}

/** Its tools say how often they may be used; those that cannot are bounded by the turns of the provider's own loop. */
function providerRuns(body: ClientBody): Pick<Intent, 'providerRuns'> {
  const servers = body.member(['mcp_servers'])
  if (isThere(servers) && servers !== '[]') return { providerRuns: { calls: null, said: 'mcp_servers' } }
  if (![...body.types].some((type) => SERVER_TOOL.test(type))) return {}
  const tools = JSON.parse(body.member(['tools']) ?? 'null') as JsonValue
  let calls = 0
  for (const [i, tool] of (Array.isArray(tools) ? (tools as readonly JsonValue[]) : []).entries()) {
    const { type, max_uses: most } = tool === null || typeof tool !== 'object' ? {} : (tool as JsonObject)
    if (typeof type !== 'string' || !SERVER_TOOL.test(type)) continue
    if (typeof most === 'number' && Number.isSafeInteger(most) && most >= 0) calls += most
    else if (TURNS_ONLY.test(type)) calls += LOOP_TURNS
    else return { providerRuns: { calls: null, said: `tools[${i}].max_uses` } }
  }
  return calls === 0 ? {} : { providerRuns: { calls, said: 'tools' } }
}

function isThere(text: string | null): text is string {
  return text !== null && text !== 'null'
}

/** The named members as values; a member that is a list or an object stays its text, which no check below takes for a number or a flag. */
function scalars(body: ClientBody, names: readonly string[]): JsonObject {
  const out: { [name: string]: JsonValue } = {}
  for (const name of names) {
    const text = body.member([name])
    if (text === null) continue
    const first = text.charCodeAt(0)
    out[name] = first === 91 || first === 123 ? [] : (JSON.parse(text) as JsonValue)
  }
  return out
}

function member(body: ClientBody, name: string): JsonObject | null {
  const text = body.member([name])
  return isThere(text) ? objectAt(parseObject(text) ?? undefined, name) : null
}
