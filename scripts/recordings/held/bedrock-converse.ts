// What a recorded Converse answer holds, whole or as events of its event stream.

import { argsOf, facts, tokens, wordsOf, type Ending, type Facts, type Tokens } from '../facts.ts'
import { at, isRecord, listAt, numberAt, textAt } from '../look.ts'

const ENDINGS: { readonly [native: string]: Ending } = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  guardrail_intervened: 'filtered',
  content_filtered: 'filtered',
}

function tokensOf(usage: unknown): Tokens | null {
  const input = numberAt(usage, 'inputTokens')
  const output = numberAt(usage, 'outputTokens')
  if (input === null && output === null) return null
  const cacheRead = numberAt(usage, 'cacheReadInputTokens') ?? 0
  const cacheWrite = numberAt(usage, 'cacheWriteInputTokens') ?? 0
  const cacheWrite1h = listAt(usage, 'cacheDetails').reduce<number>(
    (sum, one) => sum + (textAt(one, 'ttl') === '1h' ? (numberAt(one, 'inputTokens') ?? 0) : 0),
    0,
  )
  return tokens({ input: (input ?? 0) + cacheRead + cacheWrite, output: output ?? 0, cacheRead, cacheWrite, cacheWrite1h })
}

export function isAnswer(body: unknown): boolean {
  return isRecord(at(body, 'output', 'message'))
}

export function whole(answer: unknown): Facts {
  const blocks = listAt(answer, 'output', 'message', 'content')
  const native = textAt(answer, 'stopReason')
  const calls = blocks
    .map((block) => at(block, 'toolUse'))
    .filter((used) => isRecord(used) && used['type'] !== 'server_tool_use')
    .map((used) => ({ id: textAt(used, 'toolUseId'), name: textAt(used, 'name'), args: argsOf(at(used, 'input')) }))
  return facts({
    text: blocks
      .map(
        (block) =>
          textAt(block, 'text') +
          listAt(block, 'citationsContent', 'content')
            .map((part) => textAt(part, 'text'))
            .join(''),
      )
      .join(''),
    reasoning: blocks.map((block) => textAt(block, 'reasoningContent', 'reasoningText', 'text')).join(''),
    calls,
    finish: native === '' ? null : (ENDINGS[native] ?? 'other'),
    tokens: tokensOf(at(answer, 'usage')),
  })
}

type Growing = { used: { readonly [name: string]: unknown } | null; text: string; thinking: string; input: string }

export function events(list: readonly unknown[]): Facts {
  const blocks: Growing[] = []
  let stopReason = ''
  let usage: unknown
  let error: string | null = null
  const block = (index: number | null): Growing => (blocks[index ?? 0] ??= { used: null, text: '', thinking: '', input: '' })
  for (const event of list) {
    if (!isRecord(event)) continue
    for (const [type, payload] of Object.entries(event)) {
      const open = (): Growing => block(numberAt(payload, 'contentBlockIndex'))
      if (type === 'contentBlockStart') {
        const used = at(payload, 'start', 'toolUse')
        if (isRecord(used)) open().used = used
      }
      if (type === 'contentBlockDelta') {
        const growing = open()
        growing.text += textAt(payload, 'delta', 'text')
        growing.thinking += textAt(payload, 'delta', 'reasoningContent', 'text')
        growing.input += textAt(payload, 'delta', 'toolUse', 'input')
      }
      if (type === 'messageStop') stopReason = textAt(payload, 'stopReason')
      if (type === 'metadata') usage = at(payload, 'usage')
      if (type.endsWith('Exception')) error = wordsOf(payload) ?? type
    }
  }
  const content = blocks
    .filter((growing) => growing !== undefined)
    .map(({ used, text, thinking, input }) => ({
      text,
      reasoningContent: { reasoningText: { text: thinking } },
      ...(used === null ? {} : { toolUse: { ...used, input } }),
    }))
  return { ...whole({ output: { message: { content } }, stopReason, usage }), error }
}
