// An independent reader of what a Gemini client is sent. @google/genai is no dependency here; this reads a stream as its `processStreamResponse`
// does: an event is one `data:` line, and an `error` in it is thrown.

import type { Judge, Plain } from './dialect-sdk.ts'

type Wire = { readonly [member: string]: unknown }
const CUT_SHORT = '(arguments cut short)'
const FINISH: { readonly [said: string]: string } = { STOP: 'stop', MAX_TOKENS: 'length', OTHER: 'other' }

class GeminiError extends Error {}

export const GEMINI_JUDGE: Judge = {
  isOurs: true,
  stream(text) {
    const events = text.split('\n\n')
    if (events.pop() !== '') return Promise.reject(new Error('Incomplete JSON segment at the end'))
    return Promise.resolve().then(() => plain(events.map((event) => good(JSON.parse(lineOf(event))))))
  },
  whole: (text) => Promise.resolve().then(() => plain([good(JSON.parse(text))])),
  refusal(status, text) {
    return Promise.resolve({ status, message: text })
  },
  isErrorShape: ({ error, ...others }) =>
    Object.keys(others).length === 0 &&
    isObject(error) &&
    Number.isInteger(error['code']) &&
    typeof error['message'] === 'string' &&
    error['message'] !== '' &&
    typeof error['status'] === 'string' &&
    /^[A-Z_]+$/.test(error['status']),
}

function lineOf(event: string): string {
  if (!event.startsWith('data:') || event.includes('\n')) throw new Error(`no event of one line: ${event.slice(0, 80)}`)
  return event.slice(5)
}

function good(value: unknown): Wire {
  if (!isObject(value)) throw new Error('no object')
  if (isObject(value['error'])) throw new GeminiError(String(value['error']['message']))
  return value
}

function plain(responses: readonly Wire[]): Plain {
  let text = ''
  let reasoning = ''
  let finish = ''
  const calls: Plain['calls'][number][] = []
  let usage: Plain['usage'] = null
  for (const response of responses) {
    const [candidate] = list(response['candidates'])
    for (const part of list(object(candidate?.['content'])['parts'])) {
      const call = part['functionCall']
      if (isObject(call)) calls.push({ id: String(call['id']), name: String(call['name']), arguments: argsOf(call['args']) })
      else if (part['thought'] === true) reasoning += String(part['text'])
      else if (typeof part['text'] === 'string') text += part['text']
    }
    if (typeof candidate?.['finishReason'] === 'string') finish = candidate['finishReason']
    const told = response['usageMetadata']
    if (isObject(told)) {
      const count = (name: string): number => Number(told[name] ?? 0)
      const output = count('candidatesTokenCount') + count('thoughtsTokenCount')
      usage = { input: count('promptTokenCount'), cacheRead: count('cachedContentTokenCount'), output }
      if (count('totalTokenCount') !== usage.input + output) throw new Error('the total is no sum')
    }
  }
  const reason = FINISH[finish] ?? 'filtered'
  return {
    text,
    reasoning,
    calls,
    finish: reason === 'stop' && calls.length > 0 ? 'tool-calls' : reason,
    refused: reason === 'filtered',
    usage,
  }
}

function argsOf(args: unknown): unknown {
  return isObject(args) ? ('_raw' in args ? CUT_SHORT : args) : CUT_SHORT
}

function list(value: unknown): readonly Wire[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function object(value: unknown): Wire {
  return isObject(value) ? value : {}
}

function isObject(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
