// What a recorded answer of Anthropic's Messages API holds, whole or as events.

import { argsOf, facts, tokens, wordsOf, type Ending, type Facts, type Tokens } from '../facts.ts'
import { at, isRecord, listAt, numberAt, textAt } from '../look.ts'

const ENDINGS: { readonly [native: string]: Ending } = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  refusal: 'filtered',
  pause_turn: 'paused',
}

function tokensOf(usage: unknown): Tokens | null {
  const input = numberAt(usage, 'input_tokens')
  const output = numberAt(usage, 'output_tokens')
  if (input === null && output === null) return null
  const cacheRead = numberAt(usage, 'cache_read_input_tokens') ?? 0
  const cacheWrite1h = numberAt(usage, 'cache_creation', 'ephemeral_1h_input_tokens') ?? 0
  const cacheWrite =
    numberAt(usage, 'cache_creation_input_tokens') ?? cacheWrite1h + (numberAt(usage, 'cache_creation', 'ephemeral_5m_input_tokens') ?? 0)
  return tokens({
    input: (input ?? 0) + cacheRead + cacheWrite,
    output: output ?? 0,
    cacheRead,
    cacheWrite,
    cacheWrite1h,
    reasoning: numberAt(usage, 'output_tokens_details', 'thinking_tokens'),
  })
}

export function isAnswer(body: unknown): boolean {
  return Array.isArray(at(body, 'content')) || textAt(body, 'type') === 'error'
}

export function whole(message: unknown): Facts {
  if (textAt(message, 'type') === 'error') return facts({ error: wordsOf(at(message, 'error')) ?? '' })
  const blocks = listAt(message, 'content')
  const of = (type: string): readonly unknown[] => blocks.filter((block) => textAt(block, 'type') === type)
  const native = textAt(message, 'stop_reason')
  return facts({
    text: of('text')
      .map((block) => textAt(block, 'text'))
      .join(''),
    reasoning: of('thinking')
      .map((block) => textAt(block, 'thinking'))
      .join(''),
    calls: of('tool_use').map((block) => ({ id: textAt(block, 'id'), name: textAt(block, 'name'), args: argsOf(at(block, 'input')) })),
    finish: native === '' ? null : (ENDINGS[native] ?? 'other'),
    tokens: tokensOf(at(message, 'usage')),
  })
}

type Growing = { block: { readonly [name: string]: unknown }; text: string; thinking: string; json: string }

export function events(list: readonly unknown[]): Facts {
  const blocks: Growing[] = []
  let usage: { readonly [name: string]: unknown } = {}
  let stop: unknown = null
  let error: string | null = null
  const told = (said: unknown): void => {
    if (isRecord(said)) usage = { ...usage, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null)) }
  }
  for (const event of list) {
    const type = textAt(event, 'type')
    const index = numberAt(event, 'index') ?? 0
    if (type === 'message_start') told(at(event, 'message', 'usage'))
    if (type === 'content_block_start') {
      const block = at(event, 'content_block')
      if (isRecord(block)) blocks[index] = { block, text: textAt(block, 'text'), thinking: textAt(block, 'thinking'), json: '' }
    }
    const open = blocks[index]
    if (type === 'content_block_delta' && open !== undefined) {
      open.text += textAt(event, 'delta', 'text')
      open.thinking += textAt(event, 'delta', 'thinking')
      open.json += textAt(event, 'delta', 'partial_json')
    }
    if (type === 'message_delta') {
      stop = at(event, 'delta', 'stop_reason') ?? stop
      told(at(event, 'usage'))
    }
    if (type === 'error') error = wordsOf(at(event, 'error')) ?? ''
  }
  const content = blocks
    .filter((block) => block !== undefined)
    .map(({ block, text, thinking, json }) => ({ ...block, text, thinking, input: json === '' ? block['input'] : argsOf(json) }))
  return { ...whole({ content, usage, stop_reason: stop }), error }
}
