// Everything beside chat on the path of a request: bytes forwarded where a place speaks the client's language, else written and read anew.

import type { Mode } from '../catalogue/entry.ts'
import { Body } from '../core/body.ts'
import { GatewayError } from '../core/errors.ts'
import type { Intent, Orders } from '../dialects/contract.ts'
import type { OperationClient, OperationKind } from '../operations/contract.ts'
import { readWishes } from '../routing/wishes/read.ts'
import { askedOf } from './asked.ts'
import type { Candidate } from './planning/candidate.ts'
import { pass } from './deliver.ts'
import { inClientWords } from './fidelity.ts'
import { Form } from './form.ts'
import { jobOf, refuseHeaders, type Job } from './job.ts'
import type { Manner } from './manner.ts'
import { commitOperation, type OperationAnswer } from './operation-answer.ts'
import { wayOf, type OperationJob, type OperationWay } from './operation-way.ts'
import { passedOn } from './passed-on.ts'
import { readBytes } from './read-bytes.ts'
import { send, type Outgoing } from './send.ts'
import { servedBy } from './served-by.ts'

const NO_HABITS: Orders['habits'] = { issuer: '' }
const encoder = new TextEncoder()
/** A form says what it wants of routing by headers alone. */
const NO_MEMBERS = { member: () => null }

/** Pictures and sounds also come from models that are there for chats. */
const MODES: { readonly [kind in OperationKind]: ReadonlySet<Mode> } = {
  embeddings: new Set(['embedding']),
  rerank: new Set(['rerank']),
  moderation: new Set(['moderation']),
  images: new Set(['image', 'chat']),
  speech: new Set(['speech', 'chat']),
  transcription: new Set(['transcription', 'chat']),
  'count-tokens': new Set(['chat']),
}

export function operation(client: OperationClient): Manner<OperationJob, OperationAnswer> {
  return {
    client,
    modes: MODES[client.kind],
    ...(client.kind === 'count-tokens' ? { isAside: true } : {}),
    begin: (request, id, deps) => begin(request, id, client, deps),
    serves: (job, provider) => wayOf(job, provider) !== null,
    async open(job, candidate, _maxOutputTokens, trace) {
      const way = wayOf(job, candidate.provider)
      if (way === null) throw new GatewayError('no-target-left', `${candidate.provider.id} cannot do this.`)
      return commitOperation(job, way, await send(job, outgoing(job, candidate, way), trace))
    },
    tell(job, answer) {
      if (answer.kind !== 'whole') throw new Error('Only a whole answer is told.')
      const { told, opened, bytes } = answer
      if (told === null) return { body: bytes, contentType: opened.response.headers.get('content-type') ?? 'application/json' }
      if (client.write === undefined) throw new Error(`${client.id} cannot be written.`)
      return { body: client.write(told, job.intent, servedBy(job, opened.candidate)), contentType: 'application/json' }
    },
    carry(job, answer) {
      if (answer.kind === 'whole') throw new Error('A whole answer is told, not carried.')
      const contentType = answer.opened.response.headers.get('content-type') ?? 'application/octet-stream'
      const isEvents = contentType.includes('event-stream')
      const { upstream } = answer.way
      return {
        contentType,
        delivery: pass(
          job,
          answer,
          (tail) => (answer.tally.usage = upstream.readUsage(isText(contentType) ? endOf(tail, isEvents) : null, job.intent)),
          // An empty line closes what was left open.
          (error) => encoder.encode(isEvents ? `\n\ndata: ${JSON.stringify(client.writeError(error, job.id))}\n\n` : ''),
        ),
      }
    },
  }
}

async function begin(request: Request, id: string, client: OperationClient, deps: Job['deps']): Promise<OperationJob> {
  const startedAt = deps.now()
  refuseHeaders(request.headers)
  const url = new URL(request.url)
  const isForm = /^multipart\/form-data\b/i.test(request.headers.get('content-type') ?? '')
  if (!client.takes.includes(isForm ? 'form' : 'json')) {
    const wanted = client.takes[0] === 'form' ? 'a form (multipart/form-data)' : 'JSON (application/json)'
    throw new GatewayError('request-malformed', `${client.id} takes ${wanted}.`)
  }
  const about = { path: url.pathname, query: url.searchParams, headers: request.headers, nowSeconds: Math.floor(startedAt / 1000) }
  if (isForm) {
    const form = await Form.read(request, { bytes: deps.limits.formBytes, heldBytes: deps.limits.bodyBytes }, client.heldBy ?? [])
    const wishes = readWishes(NO_MEMBERS, request.headers, 'plain', form.text('model'))
    return jobOf(request, id, startedAt, client, form, client.intent({ ...about, form, json: null }), deps, { wishes })
  }
  const { seen, body, wishes } = askedOf(await readBytes(request, deps.limits.bodyBytes), request.headers, client, url.pathname)
  const reread = (changed: Body): Intent => client.intent({ ...about, json: changed, form: null })
  return jobOf(request, id, startedAt, client, body, client.intent({ ...about, json: seen, form: null }), deps, { wishes, reread })
}

function outgoing(job: OperationJob, candidate: Candidate, way: OperationWay): Outgoing {
  const { voice, upstream } = way
  const orders: Orders = { model: candidate.model, maxOutputTokens: null, habits: voice.habits ?? NO_HABITS }
  const { body } = job
  const type = body instanceof Form ? (job.headers.get('content-type') ?? '') : 'application/json'
  return {
    candidate,
    path: voice.path(candidate.model, candidate.settings),
    headers: {
      'content-type': type,
      accept: job.intent.stream ? 'text/event-stream' : '*/*',
      ...(way.kind === 'forward' ? passedOn(voice.dialect, job.headers) : {}),
    },
    ...written(job, candidate, way, orders),
    ...(body instanceof Form ? { bodyFailure: () => body.failure } : {}),
    readError: upstream.readError.bind(upstream),
  }
}

function written(job: OperationJob, { provider }: Candidate, way: OperationWay, orders: Orders): Pick<Outgoing, 'body' | 'dropped'> {
  const { body, client, intent } = job
  const { upstream } = way
  if (body instanceof Form) {
    const edits = upstream.edits(intent, orders, ([name]) => body.text(name))
    const texts = edits.map(({ path, json }) => ({ name: path[0], value: json === null ? '' : String(JSON.parse(json)) }))
    return { body: body.edited(texts, job.deps.uploadAsItComes), dropped: [] }
  }
  if (way.kind === 'forward') {
    const member = body.member.bind(body)
    const edits = [...upstream.edits(intent, orders, member), ...(provider.quirks?.(way.voice.dialect, member) ?? [])]
    return { body: body.spliced(edits), dropped: [] }
  }
  if (client.read === undefined || upstream.write === undefined) throw new Error(`${client.id} cannot be translated to ${upstream.id}.`)
  const text = upstream.write(client.read(body), orders, intent)
  const dropped = text.dropped.map((name) => inClientWords(name, client.names))
  const told = new Body(encoder.encode(text.text))
  return { body: told.spliced(provider.quirks?.(way.voice.dialect, told.member.bind(told)) ?? []), dropped }
}

export function isText(contentType: string): boolean {
  return /json|text\//.test(contentType)
}

/** Of an answer whose beginning is gone: from its last `usage` on, as an object. Events are found by their lines. */
function endOf(tail: string, isEvents: boolean): string {
  const at = isEvents ? -1 : tail.lastIndexOf('"usage"')
  return at < 0 ? tail : `{${tail.slice(at)}`
}
