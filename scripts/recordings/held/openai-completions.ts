// What a recorded answer of OpenAI's old text completions holds: a choice is a text, all else is as in a chat.

import { facts, wordsOf, type Ending, type Facts, type Tokens } from '../facts.ts'
import { at, isRecord, listAt, numberAt, textAt } from '../look.ts'
import { chatTokens } from './openai-chat.ts'

const ENDINGS: { readonly [native: string]: Ending } = { stop: 'stop', eos: 'stop', length: 'length', content_filter: 'filtered' }

function ending(native: string): Ending | null {
  return native === '' ? null : (ENDINGS[native] ?? 'other')
}

export function isAnswer(body: unknown): boolean {
  return isRecord(at(body, 'error')) || Array.isArray(at(body, 'choices'))
}

export function whole(body: unknown): Facts {
  if (isRecord(at(body, 'error'))) return facts({ error: wordsOf(at(body, 'error')) ?? '' })
  const choice = at(body, 'choices', 0)
  return facts({ text: textAt(choice, 'text'), finish: ending(textAt(choice, 'finish_reason')), tokens: chatTokens(at(body, 'usage')) })
}

/** Of several answers at once the first one. */
export function events(chunks: readonly unknown[]): Facts {
  let text = ''
  let native = ''
  let tokens: Tokens | null = null
  let error: string | null = null
  for (const chunk of chunks) {
    if (at(chunk, 'error') != null) error = wordsOf(at(chunk, 'error')) ?? ''
    tokens = chatTokens(at(chunk, 'usage')) ?? tokens
    for (const choice of listAt(chunk, 'choices').filter((one) => (numberAt(one, 'index') ?? 0) === 0)) {
      text += textAt(choice, 'text')
      native = textAt(choice, 'finish_reason') || native
    }
  }
  return facts({ text, finish: ending(native), tokens, error })
}

/** Chunks of a chat under this path: what was recorded is not this API. */
export function isAtFault(chunks: readonly unknown[]): boolean {
  return chunks.some((chunk) => textAt(chunk, 'object') === 'chat.completion.chunk')
}
