// A folder of recorded exchanges: index.json and one file each, as test/fixtures/README.md describes them.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { at, isRecord, textAt } from './look.ts'

export type Exchange = {
  readonly id: string
  readonly provider: string
  readonly api: string
  readonly url: string
  readonly status: number
  readonly streaming: boolean
  readonly model: string
  /** Scenario that this exchange is one of; empty: none. */
  readonly group: string
  readonly request: { readonly [member: string]: unknown } | null
  readonly headers: Headers
  readonly answer: Answer
}

/** `stream`: server-sent events or lines; `bytes`: a framing that is no text; `json`: a body, a text where it was no JSON. */
export type Answer = { readonly stream: string } | { readonly bytes: Uint8Array } | { readonly json: unknown }

/** The folder cannot be read as one of recordings. */
export class FolderError extends Error {
  override readonly name = 'FolderError'
}

export type Unreadable = { readonly id: string; readonly why: string }

/** All exchanges of a folder; `unreadable` names the rows whose file is missing or is no recording. @throws FolderError */
export function readFolder(folder: string): { readonly exchanges: readonly Exchange[]; readonly unreadable: readonly Unreadable[] } {
  const index = join(folder, 'index.json')
  if (!existsSync(index)) throw new FolderError(`${index} is not there: a folder of recordings has an index.json that lists them.`)
  const rows = parsedFile(index)
  if (!Array.isArray(rows)) throw new FolderError(`${index} is no list.`)
  const exchanges: Exchange[] = []
  const unreadable: Unreadable[] = []
  rows.forEach((row: unknown, i) => {
    const id = textAt(row, 'id') || `row ${i}`
    const file = textAt(row, 'file')
    try {
      if (file === '') throw new FolderError('its row names no file')
      exchanges.push(exchangeOf(parsedFile(join(folder, file)), row))
    } catch (error) {
      unreadable.push({ id, why: error instanceof Error ? error.message : String(error) })
    }
  })
  const reported = join(folder, 'errors-reported.json')
  if (existsSync(reported)) exchanges.push(...reportedErrors(parsedFile(reported)))
  return { exchanges, unreadable }
}

/** Error bodies that users quoted, beside the recordings proper. */
function reportedErrors(list: unknown): readonly Exchange[] {
  return (Array.isArray(list) ? list : []).map((one: unknown) => exchangeOf(one, one))
}

function parsedFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new FolderError(`${path} cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function exchangeOf(stored: unknown, row: unknown): Exchange {
  const status = at(stored, 'status')
  const [id, provider, api] = ['id', 'provider', 'api'].map((name) => textAt(stored, name))
  if (id === undefined || provider === undefined || api === undefined || id === '' || api === '' || typeof status !== 'number')
    throw new FolderError('it has no id, api or status')
  const request = at(stored, 'request_body')
  return {
    id,
    provider: provider === '' ? 'unknown' : provider,
    api,
    url: textAt(stored, 'url'),
    status,
    streaming: at(stored, 'streaming') === true,
    model: textAt(stored, 'model'),
    group: textAt(stored, 'source', 'group') || textAt(row, 'group'),
    request: isRecord(request) ? request : null,
    headers: headersOf(at(stored, 'response_headers')),
    answer: answerOf(stored),
  }
}

function answerOf(stored: unknown): Answer {
  const stream = at(stored, 'sse_text')
  if (typeof stream === 'string') return { stream }
  const base64 = at(stored, 'response_base64')
  if (typeof base64 === 'string') return { bytes: new Uint8Array(Buffer.from(base64, 'base64')) }
  return { json: at(stored, 'response_body') ?? null }
}

function headersOf(said: unknown): Headers {
  const headers = new Headers()
  if (!isRecord(said)) return headers
  for (const [name, value] of Object.entries(said)) {
    try {
      headers.set(name, String(value))
    } catch {
      // a name or value that no header can have: a recorder's own
    }
  }
  return headers
}

/** The text of a body that is no stream. */
export function bodyText({ answer }: Exchange): string {
  if ('stream' in answer) return answer.stream
  if ('bytes' in answer) return new TextDecoder().decode(answer.bytes)
  return typeof answer.json === 'string' ? answer.json : JSON.stringify(answer.json)
}
