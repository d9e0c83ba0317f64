// What a recorded OpenAI response holds, whole or as events. Of a stream it is the deltas and the finished items that count, not the closing copy.

import { argsOf, facts, tokens, wordsOf, type Call, type Ending, type Facts, type Tokens } from '../facts.ts'
import { at, listAt, numberAt, textAt } from '../look.ts'

function tokensOf(usage: unknown): Tokens | null {
  const input = numberAt(usage, 'input_tokens')
  const output = numberAt(usage, 'output_tokens')
  if (input === null && output === null) return null
  return tokens({
    input: input ?? 0,
    output: output ?? 0,
    cacheRead: numberAt(usage, 'input_tokens_details', 'cached_tokens') ?? 0,
    cacheWrite: numberAt(usage, 'input_tokens_details', 'cache_write_tokens') ?? 0,
    reasoning: numberAt(usage, 'output_tokens_details', 'reasoning_tokens'),
  })
}

function ending(response: unknown, calls: number): Ending | null {
  const status = textAt(response, 'status')
  const why = textAt(response, 'incomplete_details', 'reason')
  if (status === 'incomplete') return why === 'max_output_tokens' ? 'length' : why === 'content_filter' ? 'filtered' : 'other'
  if (status === 'completed' || status === '') return calls > 0 ? 'tool-calls' : 'stop'
  return 'other'
}

export function isAnswer(body: unknown): boolean {
  return Array.isArray(at(body, 'output')) || at(body, 'error') != null
}

export function whole(response: unknown, items = listAt(response, 'output')): Facts {
  let text = ''
  let reasoning = ''
  const calls: Call[] = []
  for (const item of items) {
    const type = textAt(item, 'type')
    if (type === 'message') for (const part of listAt(item, 'content')) text += textAt(part, 'text') + textAt(part, 'refusal')
    if (type === 'reasoning')
      reasoning += [...listAt(item, 'summary'), ...listAt(item, 'content')].map((part) => textAt(part, 'text')).join('')
    if (type === 'function_call') calls.push(call(item, argsOf(at(item, 'arguments'))))
    if (type === 'custom_tool_call') calls.push(call(item, argsOf(at(item, 'input'))))
  }
  const failed = at(response, 'error') != null || textAt(response, 'status') === 'failed'
  return facts({
    text,
    reasoning,
    calls,
    finish: ending(response, calls.length),
    tokens: tokensOf(at(response, 'usage')),
    error: failed ? (wordsOf(at(response, 'error')) ?? '') : null,
  })
}

function call(item: unknown, args: unknown): Call {
  return { id: textAt(item, 'call_id'), name: textAt(item, 'name'), args }
}

export function events(list: readonly unknown[]): Facts {
  const items: unknown[] = []
  let text = ''
  let streamedText = false
  let closing: unknown
  let error: string | null = null
  for (const event of list) {
    const type = textAt(event, 'type')
    if (type === 'response.output_text.delta' || type === 'response.refusal.delta') {
      text += textAt(event, 'delta')
      streamedText = true
    }
    if (type === 'response.output_item.done') items[numberAt(event, 'output_index') ?? items.length] = at(event, 'item')
    if (type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed') closing = at(event, 'response')
    if (type === 'error') error = wordsOf(at(event, 'error')) ?? wordsOf(event) ?? ''
  }
  const done = items.filter((item) => item !== undefined)
  const read = whole(closing ?? {}, done.length > 0 ? done : listAt(closing, 'output'))
  return {
    ...read,
    text: streamedText ? text : read.text,
    finish: closing === undefined ? null : read.finish,
    error: error ?? read.error,
  }
}
