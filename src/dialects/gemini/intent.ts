// What the gateway must know of a Gemini request before it understands it: the path, and the raw texts of a few members.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import type { ClientBody, Incoming, Intent, Need } from '../contract.ts'
import { readAddress } from './address.ts'
import { besides, isCount, malformed, said, snakeOf } from './spelling.ts'
import { isObject, objectOf } from './wire.ts'

/** @throws GatewayError `path-unknown`, or `request-malformed` for the members that the gateway itself relies on */
export function readIntent({ path, query, headers, body, nowSeconds }: Incoming): Intent {
  const { model, stream } = readAddress(path)
  const config = member(body, 'generationConfig')
  if (config !== undefined && !isObject(config)) throw malformed('generationConfig', 'an object')
  const settings = config ?? {}
  const thinking = objectOf(said(settings, 'thinkingConfig'))
  const budget = said(thinking, 'thinkingBudget')
  const tools = toolsOf(body)
  const choices = said(settings, 'candidateCount') ?? 1
  if (!isCount(choices)) throw malformed('generationConfig.candidateCount', 'a positive whole number')
  return {
    model,
    stream,
    ...(stream && query.get('alt') !== 'sse' ? { framing: 'json-array' } : {}),
    wantsUsage: true,
    maxOutputTokens: ceilingOf(body, settings),
    reasoningTokens: isCount(budget) ? budget : null,
    choices,
    needs: needsOf(body, settings, tools, choices),
    inputBound: body.refersOutside || tools.some(runsAtProvider) || member(body, 'cachedContent') !== undefined ? null : body.byteLength,
    ...providerRuns(tools),
    endUserId: null,
    session: headers.get('x-session-id'),
    ...(said(thinking, 'includeThoughts') === false ? { hidesReasoning: true } : {}),
    nowSeconds,
  }
}

/** 0 counts as not said, as in the other languages. Two spellings of one ceiling would let a hold see one and the provider the other. */
function ceilingOf(body: ClientBody, settings: JsonObject): number | null {
  const outer = body.member(['generationConfig']) === null ? 'generation_config' : 'generationConfig'
  const texts = ['maxOutputTokens', 'max_output_tokens'].map((name) => body.member([outer, name]))
  if (texts.every((text) => text !== null)) throw malformed('generationConfig.maxOutputTokens', 'said once')
  const ceiling = said(settings, 'maxOutputTokens')
  if (ceiling === undefined || ceiling === 0) return null
  if (!isCount(ceiling)) throw malformed('generationConfig.maxOutputTokens', 'a positive whole number')
  return Math.min(ceiling, Number.MAX_SAFE_INTEGER)
}

function needsOf(body: ClientBody, settings: JsonObject, tools: readonly JsonValue[], choices: number): ReadonlySet<Need> {
  const needs = new Set<Need>()
  if (tools.length > 0) needs.add('tools')
  if (said(settings, 'responseSchema') !== undefined || said(settings, 'responseJsonSchema') !== undefined) needs.add('schema')
  const thinking = said(settings, 'thinkingConfig')
  if (isObject(thinking) && said(thinking, 'thinkingBudget') !== 0) needs.add('reasoning')
  if (said(settings, 'responseLogprobs') === true) needs.add('logprobs')
  if (choices > 1) needs.add('many')
  for (const type of body.types) {
    if (type.startsWith('image/')) needs.add('image')
    else if (type.startsWith('audio/')) needs.add('audio')
    else if (/^(application|text|video)\//.test(type)) needs.add('file')
  }
  return needs
}

function toolsOf(body: ClientBody): readonly JsonValue[] {
  const tools = member(body, 'tools')
  return Array.isArray(tools) ? (tools as readonly JsonValue[]) : isObject(tools) ? [tools] : []
}

/** A search, a page that is read, code that is run: the provider adds context of its own. */
function runsAtProvider(tool: JsonValue): boolean {
  return isObject(tool) && besides(tool, ['functionDeclarations']).length > 0
}

/** No member says how often they may run. */
function providerRuns(tools: readonly JsonValue[]): Pick<Intent, 'providerRuns'> {
  const at = tools.findIndex(runsAtProvider)
  const [name] = besides(objectOf(tools[at]), ['functionDeclarations'])[0] ?? ['']
  return at < 0 ? {} : { providerRuns: { calls: null, said: `tools[${at}].${name}` } }
}

/** A top-level member as a value, under either spelling but not both. */
function member(body: ClientBody, name: string): JsonValue | undefined {
  const snake = snakeOf(name)
  const text = body.member([name])
  const other = snake === name ? null : body.member([snake])
  if (text !== null && other !== null) throw malformed(name, 'said once, in one spelling')
  const value = JSON.parse(text ?? other ?? 'null') as JsonValue
  return value ?? undefined
}
