// The judge of `npm run recordings` itself: it passes the project's recordings, and a reader that loses something is caught by each of its checks.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAnswer } from '../../scripts/recordings/check-answer.ts'
import { checkOperation, language } from '../../scripts/recordings/check-operation.ts'
import { checkRequest } from '../../scripts/recordings/check-request.ts'
import { readFolder, type Exchange } from '../../scripts/recordings/exchange.ts'
import * as held from '../../scripts/recordings/held/openai-chat.ts'
import { judge } from '../../scripts/recordings/judge.ts'
import type { ChatEvent, ChatResponse } from '../../src/core/canonical.ts'
import type { UpstreamDialect } from '../../src/dialects/contract.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'
import { openaiChatUpstream } from '../../src/dialects/openai-chat/upstream.ts'
import type { OperationResponse, OperationUpstream } from '../../src/operations/contract.ts'

const { exchanges } = readFolder(join(import.meta.dirname, '../fixtures'))
const chats = exchanges.filter(({ api }) => api === 'openai.chat')
const wholes = chats.filter(({ status, streaming }) => status < 400 && !streaming)
const streams = chats.filter(({ status, streaming }) => status < 400 && streaming)
const errors = chats.filter(({ status }) => status >= 400)

/** How many of these a reader with this fault is caught at. */
function caught(list: readonly Exchange[], fault: Partial<UpstreamDialect>): number {
  return list.filter((exchange) => checkAnswer({ ...openaiChatUpstream, ...fault }, held, exchange).length > 0).length
}

/** A reader of streams whose events are passed through `change`. */
function reading(change: (events: readonly ChatEvent[]) => readonly ChatEvent[]): Partial<UpstreamDialect> {
  return {
    reader() {
      const reader = openaiChatUpstream.reader()
      return { read: (frame) => change(reader.read(frame)), end: () => change(reader.end()) }
    },
  }
}

function answering(change: (response: ChatResponse) => ChatResponse): Partial<UpstreamDialect> {
  return { read: (text) => change(openaiChatUpstream.read(text)) }
}

describe('the judge of recordings', () => {
  it('passes every recording of the project', () => {
    const others = exchanges.map(judge).filter(({ outcome }) => outcome !== 'pass')
    const unjudged = others.map(({ api, outcome, reasons }) => `${api} ${outcome}: ${reasons.join('; ')}`)
    expect([...new Set(unjudged)]).toEqual(["cohere.embed not judged: Cohere's v1 is no API of ours: v2 is"])
  })

  it('catches a whole answer whose text, calls, finish or usage is lost', () => {
    expect(
      caught(
        wholes,
        answering((response) => ({ ...response, parts: response.parts.slice(1) })),
      ),
    ).toBeGreaterThan(10)
    expect(
      caught(
        wholes,
        answering((response) => ({ ...response, usage: null })),
      ),
    ).toBeGreaterThan(10)
    const wrong = answering((response) => ({ ...response, finish: { reason: 'paused', native: null } }))
    expect(caught(wholes, wrong)).toBeGreaterThan(10)
  })

  it('catches a stream that loses a delta, its end, or ends twice', () => {
    const least = streams.length - 3
    expect(
      caught(
        streams,
        reading((events) => events.filter(({ kind }) => kind !== 'block-delta')),
      ),
    ).toBeGreaterThan(least - 5)
    expect(
      caught(
        streams,
        reading((events) => events.filter(({ kind }) => kind !== 'finish' && kind !== 'error')),
      ),
    ).toBeGreaterThan(least)
    const twice = reading((events) => events.concat(events.filter(({ kind }) => kind === 'finish')))
    expect(caught(streams, twice)).toBeGreaterThan(least)
  })

  it('catches an error that is not seen, or told in other words', () => {
    expect(caught(errors, { readError: () => null })).toBe(errors.length)
  })

  it('catches a request that loses a turn on the way', () => {
    const asked = chats.filter(({ request, status }) => request !== null && status < 400)
    const forgetful: UpstreamDialect = {
      ...openaiChatUpstream,
      write: (request, ...rest) => openaiChatUpstream.write({ ...request, turns: request.turns.slice(1) }, ...rest),
    }
    const faulty = asked.filter((exchange) => checkRequest(openaiChatClient, forgetful, exchange).faults.length > 0)
    expect(faulty.length).toBeGreaterThan(asked.length / 2)
  })
})

describe('the judge of recordings beside chat', () => {
  /** How many good answers of these APIs a language with this fault is caught at, of how many. */
  const faulty = (id: string, apis: readonly string[], fault: (half: OperationUpstream) => Partial<OperationUpstream>) => {
    const spoken = language(id)
    const list = exchanges.filter(
      ({ api, status, provider }) => apis.includes(api) && status < 400 && `${api} ${provider}` !== 'rerank voyage',
    )
    const wrong = { ...spoken, upstream: { ...spoken.upstream, ...fault(spoken.upstream) } }
    const found = list.filter((exchange) => checkOperation(wrong, exchange).faults.length > 0)
    return { all: list.length, found: found.length, asked: list.filter(({ request }) => request !== null).length }
  }
  const answering =
    (change: (response: OperationResponse) => OperationResponse) =>
    (half: OperationUpstream): Partial<OperationUpstream> => ({
      read(text, request) {
        if (half.read === undefined) throw new Error('It is not read.')
        return change(half.read(text, request))
      },
    })
  const EMBEDDINGS = ['openai-embeddings', ['openai.embeddings']] as const
  const RERANK = ['rerank', ['rerank', 'cohere.rerank']] as const
  const COUNTS = ['anthropic-count-tokens', ['anthropic.countTokens']] as const

  it('catches a vector that is another one, and one that stands elsewhere', () => {
    const bent = faulty(
      ...EMBEDDINGS,
      answering((response) => (response.kind === 'embeddings' ? { ...response, vectors: response.vectors.map(() => [0.5]) } : response)),
    )
    // Perplexity's numbers are not read at all.
    expect(bent.all).toBeGreaterThan(8)
    expect(bent.found).toBeGreaterThanOrEqual(bent.all - 1)
    const turned = faulty(
      ...EMBEDDINGS,
      answering((response) => (response.kind === 'embeddings' ? { ...response, vectors: response.vectors.toReversed() } : response)),
    )
    expect(turned.found).toBeGreaterThan(0)
  })

  it('catches a ranking that loses its last, and a count that is one less', () => {
    const cut = faulty(
      ...RERANK,
      answering((response) => (response.kind === 'rerank' ? { ...response, results: response.results.slice(0, -1) } : response)),
    )
    expect(cut.found).toBeGreaterThan(3)
    const less = faulty(
      ...COUNTS,
      answering((response) => (response.kind === 'count-tokens' ? { ...response, inputTokens: response.inputTokens - 1 } : response)),
    )
    expect([less.all, less.found]).toEqual([5, 5])
  })

  it('catches usage that is lost', () => {
    const lost = (): Partial<OperationUpstream> => ({ readUsage: () => null })
    const { all, found } = faulty(...EMBEDDINGS, lost)
    expect(found).toBeGreaterThan(all - 2)
    expect(faulty(...RERANK, lost).found).toBeGreaterThan(3)
    expect(faulty('openai-image-generations', ['openai.images'], lost).found).toBeGreaterThan(0)
    expect(faulty('openai-transcriptions', ['openai.audio.transcriptions'], lost).found).toBeGreaterThan(2)
  })

  it('catches an input, a query or a turn that is lost on the way, and a model that is edited without need', () => {
    const emptied =
      (name: string) =>
      (half: OperationUpstream): Partial<OperationUpstream> => ({
        write(request, orders, intent) {
          if (half.write === undefined) throw new Error('It is not written.')
          const written = half.write(request, orders, intent)
          const body = { ...(JSON.parse(written.text) as object), [name]: ['x'] }
          return { ...written, text: JSON.stringify(body) }
        },
      })
    const inputless = faulty(...EMBEDDINGS, emptied('input'))
    expect(inputless.found).toBe(inputless.asked)
    const unasked = faulty(...RERANK, emptied('query'))
    expect(unasked.found).toBe(unasked.asked)
    expect(Math.min(inputless.asked, unasked.asked)).toBeGreaterThan(2)
    const forgetful = faulty(...COUNTS, (half) => ({
      write(request, orders, intent) {
        if (half.write === undefined || request.kind !== 'count-tokens') throw new Error('It is not written.')
        return half.write({ ...request, chat: { ...request.chat, turns: request.chat.turns.slice(-1) } }, orders, intent)
      },
    }))
    expect(forgetful.found).toBeGreaterThan(0)
    const edited = faulty(...EMBEDDINGS, () => ({ edits: () => [{ path: ['model'], json: '"another"' }] }))
    expect(edited.found).toBe(edited.asked)
  })
})

describe('npm run recordings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-recordings-'))
  const run = (...args: readonly string[]): { readonly status: number | null; readonly said: string } => {
    const done = spawnSync(process.execPath, ['scripts/recordings.ts', ...args], {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
    })
    return { status: done.status, said: done.stdout + done.stderr }
  }
  beforeAll(() => {
    mkdirSync(folder, { recursive: true })
    const base = { id: 'a', provider: 'x', url: '', status: 200, streaming: false, response_headers: {} }
    const answer = { choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }] }
    writeFileSync(join(folder, 'a.json'), JSON.stringify({ ...base, api: 'openai.chat', response_body: answer }))
    writeFileSync(join(folder, 'b.json'), JSON.stringify({ ...base, id: 'b', api: 'weather.report', response_body: {} }))
    writeFileSync(
      join(folder, 'index.json'),
      JSON.stringify([
        { id: 'a', file: 'a.json' },
        { id: 'b', file: 'b.json' },
      ]),
    )
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('names what it cannot judge, and why', () => {
    const { status, said } = run(folder)
    expect(said).toContain('no reader for weather.report yet')
    expect(said).toContain('2 recordings: 1 pass, 0 fail, 1 not judged.')
    expect(status).toBe(0)
  })

  it('fails for a row whose file is missing', () => {
    writeFileSync(
      join(folder, 'index.json'),
      JSON.stringify([
        { id: 'a', file: 'a.json' },
        { id: 'gone', file: 'gone.json' },
      ]),
    )
    const { status, said } = run(folder)
    expect(said).toContain('gone.json')
    expect(status).toBe(1)
  })

  it('does not take what is no folder of recordings', () => {
    expect(run('/nowhere').status).toBe(2)
    expect(run('--limit', 'many').status).toBe(2)
  })
})
