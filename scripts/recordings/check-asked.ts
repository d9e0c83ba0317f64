// Judges what a recording beside chat asks: what the gateway goes by, and what is left of it in each language it can be written in.

import { isDeepStrictEqual } from 'node:util'
import { Body } from '../../src/core/body.ts'
import type { JsonValue } from '../../src/core/canonical.ts'
import { GatewayError } from '../../src/core/errors.ts'
import type { Intent } from '../../src/dialects/contract.ts'
import type { OperationClient, OperationIncoming, OperationRequest, OperationUpstream } from '../../src/operations/contract.ts'
import { OPERATION_UPSTREAMS } from '../../src/operations/index.ts'
import type { Language } from './check-operation.ts'
import { compareRequests, ordersFor, refusal } from './check-request.ts'
import type { Exchange } from './exchange.ts'
import { HELD_OPERATIONS } from './held/operations.ts'
import { at, parsed, textAt } from './look.ts'
import { factDifferences, type Asked } from './operation-facts.ts'
import type { Findings } from './verdict.ts'

const encoder = new TextEncoder()
const HABITS = { issuer: 'nobody' }

export function checkAsked(spoken: Language, exchange: Exchange): Findings {
  const { upstream, client, held } = spoken
  const { request } = exchange
  if (request === null) return noted('its request was not recorded')
  if ('@base64' in request) return noted('its request is a form: it is not read')
  const asked = held.asked?.(request) ?? null
  if (client === undefined) {
    if (asked === null || upstream.write === undefined) return noted('clients do not speak its language here: its request is not read')
    return writtenIn(upstream, requestOf(asked), asked, exchange, 'request')
  }
  try {
    const incoming = incomingOf(client, exchange, JSON.stringify(request))
    const intent = client.intent(incoming)
    const faults = [...intentFaults(spoken, intent, incoming, exchange)]
    if (client.read === undefined || incoming.json === null) return { faults, notes: [] }
    const read = client.read(incoming.json)
    const others = OPERATION_UPSTREAMS.filter((one) => one.kind === read.kind && one.id !== upstream.id)
    const kin = read.kind === 'count-tokens' ? [upstream] : [upstream, ...others]
    const findings = kin.map((one) =>
      read.kind === 'count-tokens'
        ? countedAgain(one, client, read, intent)
        : writtenIn(one, read, asked, exchange, one === upstream ? 'request' : `in ${one.id}`),
    )
    return {
      faults: [...faults, ...findings.flatMap((one) => one.faults)],
      notes: [...new Set(findings.flatMap((one) => one.notes))],
    }
  } catch (error) {
    return refusal(error, exchange)
  }
}

/** Held against what the body says: the model, whether it streams, and that nothing is edited where the model is the one that was asked. */
function intentFaults(
  { upstream, client }: Language,
  intent: Intent,
  { json }: OperationIncoming,
  { request, model }: Exchange,
): readonly string[] {
  const found: string[] = []
  const said = textAt(request, 'model')
  // Where Gemini's clients name it.
  const isInPath = client?.claims !== undefined && model !== ''
  if (!isInPath && said !== '' && intent.model !== said) found.push(`request: model: held ${said}, read ${intent.model}`)
  if (intent.stream !== (at(request, 'stream') === true || at(request, 'stream_format') === 'sse'))
    found.push('request: whether it streams is misread')
  for (const { path, json: edited } of upstream.edits(
    intent,
    orders(isInPath ? model : intent.model),
    (member) => json?.member(member) ?? null,
  ))
    if (!isDeepStrictEqual(parsed(edited ?? ''), at(request, ...path)))
      found.push(`request: ${path.join('.')} is edited though the model is the same`)
  return found
}

/** One that is written in a language says there what it said. */
function writtenIn(upstream: OperationUpstream, read: OperationRequest, asked: Asked | null, exchange: Exchange, where: string): Findings {
  const reader = HELD_OPERATIONS.get(upstream.id)
  if (upstream.write === undefined || reader?.asked === undefined || asked === null) return { faults: [], notes: [] }
  try {
    const { text, dropped, approximated } = upstream.write(read, orders(exchange.model), intentOf(exchange))
    const again = reader.asked(parsed(text))
    const gone = new Set([...dropped, ...approximated])
    // All else of what can be compared has a word in every language.
    const { purpose, ...rest } = { purpose: null, ...asked }
    const kept = gone.has('purpose') ? rest : { ...rest, purpose }
    return {
      faults: again === null ? [`${where}: it asks for nothing`] : factDifferences(where, kept, again),
      notes: [...gone].map((name) => `${where}: ${name} is not said`),
    }
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'request-unsupported')
      return noted(`${where}: it is not translated: ${error.message}`)
    return refusal(error, exchange)
  }
}

/** A count is asked for a chat, which must come back as it was; how it would be sampled changes no count. */
function countedAgain(upstream: OperationUpstream, client: OperationClient, read: OperationRequest, intent: Intent): Findings {
  if (read.kind !== 'count-tokens' || upstream.write === undefined) return { faults: [], notes: [] }
  const chat = { ...read.chat, sampling: {} }
  const written = upstream.write(read, ordersFor(chat, intent.model), intent)
  const again = client.read?.(new Body(encoder.encode(written.text)))
  if (again?.kind !== 'count-tokens') return { faults: ['request: it comes back as another thing'], notes: [] }
  return compareRequests(chat, written, { ...again.chat, sampling: {} })
}

/** What was asked in a language that no client speaks, as one of ours would have asked it. */
export function requestOf(asked: Asked): OperationRequest {
  if (asked.kind === 'embeddings') return { format: 'float', ...asked, others: [] }
  // They are of a parsed body.
  return { ...asked, documents: asked.documents as readonly JsonValue[], others: [] }
}

function incomingOf(client: OperationClient, { url, model }: Exchange, text: string): OperationIncoming {
  const method = /:(\w+)(?:\?|$)/.exec(url)?.[1]
  return {
    path: client.claims === undefined ? (client.paths[0] ?? '') : `/v1beta/models/google/${model === '' ? 'gemini' : model}:${method}`,
    query: new URLSearchParams(),
    headers: new Headers({ 'content-type': 'application/json' }),
    nowSeconds: 0,
    json: new Body(encoder.encode(text)),
    form: null,
  }
}

function orders(model: string): ReturnType<typeof ordersFor> {
  return { model: model === '' ? 'model' : model, maxOutputTokens: null, habits: HABITS }
}

/** For those who look at nothing but whether it streams. What is likely (units) is no reading, and is left out. */
export function intentOf({ model, streaming }: Exchange): Intent {
  return {
    model,
    stream: streaming,
    wantsUsage: true,
    maxOutputTokens: 0,
    reasoningTokens: null,
    choices: 1,
    needs: new Set(),
    inputBound: null,
    endUserId: null,
    session: null,
    nowSeconds: 0,
  }
}

function noted(note: string): Findings {
  return { faults: [], notes: [note] }
}
