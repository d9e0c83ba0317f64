// Judges one recorded request: read by our client half, written by our upstream half of the same language, and read again.

import { isDeepStrictEqual } from 'node:util'
import { Body } from '../../src/core/body.ts'
import type { ChatRequest } from '../../src/core/canonical.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { ClientDialect, Incoming, Orders, UpstreamDialect, Written } from '../../src/dialects/contract.ts'
import { short } from './compare.ts'
import type { Exchange } from './exchange.ts'
import type { Findings } from './verdict.ts'

const encoder = new TextEncoder()
/** Members that some models of a language refuse though the language has a word for them: they may be left out when that is said. */
const MODEL_MAY_REFUSE: ReadonlySet<string> = new Set(['reasoning', 'temperature', 'topP', 'topK'])
/** Members beyond their language's own that some of its hosts take. */
const ACCEPTS: ReadonlySet<string> = new Set(
  `top_k cache_control reasoning_content reasoning_details min_p top_a repetition_penalty image_config stop_server_tools_when trace metadata
  plugins prompt_cache_key prompt_cache_retention`.split(/\s+/),
)
/** Said in place of a wish for caching as a whole (the newest of Anthropic's ways to ask): marks on what is to be cached. */
const WISH = 'request: its wish for caching is said as marks'

export function checkRequest(client: ClientDialect, upstream: UpstreamDialect, exchange: Exchange): Findings {
  const { request } = exchange
  if (request === null) return { faults: [], notes: ['its request was not recorded'] }
  if (client.id !== 'gemini' && request['model'] === undefined)
    return { faults: [], notes: ['its request is not translated: it names no model (a stored prompt does), so nothing can route it'] }
  try {
    const incoming = incomingOf(client, exchange, JSON.stringify(request))
    const intent = client.intent(incoming)
    if (intent.choices > 1) return { faults: [], notes: ['its request asks for several answers: forwarded, not translated'] }
    const read = client.read(incoming.body)
    const written = upstream.write(read, intent, ordersFor(read, exchange.model))
    return compareRequests(read, written, client.read(new Body(encoder.encode(written.text))))
  } catch (error) {
    return refusal(error, exchange)
  }
}

/** What a request that was read (`before`) says after its own language has written it and it is read `again`. */
export function compareRequests(before: ChatRequest, written: Written, again: ChatRequest): Findings {
  const reported = [...written.dropped, ...written.approximated]
  const unforeseen = reported
    .filter((name) => !MODEL_MAY_REFUSE.has(name) && !/[.[]/.test(name))
    .map((name) => `request: ${name} cannot be said in its own language`)
  const [left, right] = [without(before, reported), without(again, reported)]
  const notes = reported.map((name) => `request: ${name} is not said to this model`)
  if (before.cache === undefined || again.cache !== undefined) return { faults: [...unforeseen, ...requestDifferences(left, right)], notes }
  const [had, has] = [marksIn(left), marksIn(right)]
  const unmarked = has > had ? [] : ['request: its wish for caching is lost: nothing is marked']
  return { faults: [...unforeseen, ...unmarked, ...requestDifferences(bare(left), bare(right))], notes: [...notes, WISH] }
}

/** A request that is refused: forwarded only, or refused by its provider as well; else a fault. */
export function refusal(error: unknown, exchange: Exchange): Findings {
  if (!(error instanceof GatewayError)) {
    const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(0, 2).join(' ') : String(error)
    return { faults: [`request: reading it throws ${stack}`], notes: [] }
  }
  if (exchange.status >= 400 || error.code === 'request-unsupported')
    return { faults: [], notes: [`its request is not translated: ${error.message}`] }
  return { faults: [`request: ${error.code}: ${error.message}`], notes: [] }
}

function incomingOf(client: ClientDialect, { url, streaming, model }: Exchange, text: string): Incoming {
  const named = /models\/([^:/?]+):/.exec(url)?.[1] ?? model
  const path =
    client.id === 'gemini'
      ? `/v1beta/models/google/${named === '' ? 'gemini' : named}:${streaming ? 'streamGenerateContent' : 'generateContent'}`
      : (client.paths[0] ?? '')
  return {
    path,
    query: new URLSearchParams(),
    headers: new Headers({ 'content-type': 'application/json' }),
    body: new Body(encoder.encode(text)),
    nowSeconds: 0,
  }
}

/** To a place that opens the request's own seals and takes every member. */
export function ordersFor(request: ChatRequest, model: string): Orders {
  const seals = request.turns.flatMap(({ parts }) =>
    parts.flatMap((part) => ('seal' in part && part.seal !== undefined ? [part.seal] : [])),
  )
  return {
    model: model === '' ? 'model' : model,
    maxOutputTokens: null,
    habits: { issuer: seals[0]?.issuer ?? 'nobody', accepts: ACCEPTS },
  }
}

type Plain = { readonly [name: string]: unknown }

/** A request without the members reported (turns all, where one is reported), and without where its turns stood: turns may be joined or parted on the way. */
function without(request: ChatRequest, reported: readonly string[]): Plain {
  const isGone = (name: string): boolean => reported.some((said) => said === name || said.startsWith(`${name}[`))
  const kept = (of: object): Plain => Object.fromEntries(Object.entries(of).filter(([name]) => !isGone(name)))
  const turns = reported.some((said) => /^(messages|system|input|instructions|contents)\b/.test(said))
    ? []
    : request.turns.map(({ role, parts }) => ({ role, parts }))
  return { ...kept(request), extras: kept(request.extras.fields), sampling: kept(request.sampling), turns }
}

/** Marks on parts and tools; the wish itself is none. */
function marksIn(request: Plain): number {
  return JSON.stringify({ ...request, cache: undefined }).split('"cache":{"ttl"').length - 1
}

/** Without its marks and its wish for them. */
function bare(request: Plain): Plain {
  return JSON.parse(JSON.stringify(request, (name, value: unknown) => (name === 'cache' ? undefined : value))) as Plain
}

function requestDifferences(before: Plain, after: Plain): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names]
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => `request: ${name} does not come back: ${short(before[name])}, then ${short(after[name])}`)
}
