// What a recorded Cohere v2 chat answer holds, whole or as events.

import { argsOf, facts, tokens, wordsOf, type Ending, type Facts, type Tokens } from '../facts.ts'
import { at, isRecord, listAt, numberAt, textAt } from '../look.ts'

const ENDINGS: { readonly [native: string]: Ending } = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool-calls',
  CONTENT_FILTER: 'filtered',
}

/** What the model read and wrote; what the bill counts (without Cohere's preamble) stands beside it. */
function tokensOf(usage: unknown): Tokens | null {
  const counted = at(usage, 'tokens') ?? at(usage, 'billed_units')
  if (!isRecord(counted)) return null
  return tokens({
    input: numberAt(counted, 'input_tokens') ?? 0,
    output: numberAt(counted, 'output_tokens') ?? 0,
    cacheRead: numberAt(usage, 'cached_tokens') ?? 0,
    reasoning: numberAt(usage, 'tokens', 'reasoning_tokens'),
  })
}

export function isAnswer(body: unknown): boolean {
  return isRecord(at(body, 'message'))
}

export function whole(answer: unknown): Facts {
  const message = at(answer, 'message')
  const parts = listAt(message, 'content')
  const native = textAt(answer, 'finish_reason')
  return facts({
    text: textAt(message, 'content') + parts.map((part) => textAt(part, 'text')).join(''),
    reasoning: textAt(message, 'tool_plan') + parts.map((part) => textAt(part, 'thinking')).join(''),
    calls: listAt(message, 'tool_calls').map((call) => ({
      id: textAt(call, 'id'),
      name: textAt(call, 'function', 'name'),
      args: argsOf(at(call, 'function', 'arguments')),
    })),
    finish: native === '' ? null : (ENDINGS[native] ?? 'other'),
    tokens: tokensOf(at(answer, 'usage')),
  })
}

export function events(list: readonly unknown[]): Facts {
  let text = ''
  let thinking = ''
  let plan = ''
  let end: unknown
  const calls: { id: string; name: string; text: string }[] = []
  for (const event of list) {
    const message = at(event, 'delta', 'message')
    const called = at(message, 'tool_calls')
    const index = numberAt(event, 'index') ?? 0
    switch (textAt(event, 'type')) {
      case 'content-start':
      case 'content-delta':
        text += textAt(message, 'content', 'text')
        thinking += textAt(message, 'content', 'thinking')
        break
      case 'tool-plan-delta':
        plan += textAt(message, 'tool_plan')
        break
      case 'tool-call-start':
        calls[index] = { id: textAt(called, 'id'), name: textAt(called, 'function', 'name'), text: textAt(called, 'function', 'arguments') }
        break
      case 'tool-call-delta': {
        const open = calls[index]
        if (open !== undefined) open.text += textAt(called, 'function', 'arguments')
        break
      }
      case 'message-end':
        end = at(event, 'delta')
    }
  }
  const read = whole({ message: {}, finish_reason: at(end, 'finish_reason'), usage: at(end, 'usage') })
  return {
    ...read,
    text,
    reasoning: plan + thinking,
    calls: calls.filter((call) => call !== undefined).map(({ id, name, text: raw }) => ({ id, name, args: argsOf(raw) })),
    error: textAt(end, 'finish_reason').startsWith('ERROR') ? (wordsOf(at(end, 'error')) ?? '') : null,
  }
}
