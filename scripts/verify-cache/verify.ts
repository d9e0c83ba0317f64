// Sends the two requests and says what the second one read from the provider's cache.

import { setTimeout as wait } from 'node:timers/promises'
import type { Tokens } from '../recordings/facts.ts'
import { wordsOf } from '../recordings/facts.ts'
import * as anthropicMessages from '../recordings/held/anthropic-messages.ts'
import * as gemini from '../recordings/held/gemini.ts'
import * as openaiChat from '../recordings/held/openai-chat.ts'
import * as openaiResponses from '../recordings/held/openai-responses.ts'
import { parsed } from '../recordings/look.ts'
import { hasMarks, question, systemPrompt, type Dialect } from './question.ts'

export type Plan = {
  readonly base: string
  readonly key: string
  readonly model: string
  readonly dialect: Dialect
  readonly prefixTokens: number
  readonly leastTokens: number
  readonly pauseMs: number
  /** Tells this run's prompt from all others. */
  readonly name: string
}

export type Answer = { readonly tokens: Tokens | null; readonly costUsd: string | null; readonly provider: string | null }

/** A request that was not answered: nothing is said about a cache. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

const TIMEOUT_MS = 120_000
const QUESTIONS = ['Is rule 1 about reports?', 'Is rule 2 about reports?'] as const
const READERS = {
  'openai-chat': openaiChat,
  openrouter: openaiChat,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  gemini,
} as const

/** Both answers. @throws RefusedError */
export async function askTwice(plan: Plan, tell: (line: string) => void): Promise<readonly [Answer, Answer]> {
  const prompt = systemPrompt(plan.name, plan.prefixTokens)
  const first = await askOnce(plan, prompt, QUESTIONS[0])
  tell(`first   ${answerLine(first)}`)
  await wait(plan.pauseMs)
  const second = await askOnce(plan, prompt, QUESTIONS[1])
  tell(`second  ${answerLine(second)}`)
  return [first, second]
}

/** Whether the second answer shows a cache read, in words; what to look at where it does not. */
export function verdictOf(plan: Plan, [first, second]: readonly [Answer, Answer]): { readonly isRead: boolean; readonly words: string } {
  const { tokens } = second
  if (tokens === null) return { isRead: false, words: 'The second answer tells no usage, so nothing shows that a cache was read.' }
  const read = tokens.cacheRead
  if (read >= plan.leastTokens) {
    const share =
      tokens.input === null || tokens.input === 0 ? '' : ` of ${count(tokens.input)} (${Math.round((100 * read) / tokens.input)} %)`
    return { isRead: true, words: `The second request read ${count(read)} tokens${share} from the cache.` }
  }
  const hints = [
    read > 0 ? `at least ${count(plan.leastTokens)} were asked for` : '',
    hasMarks(plan.dialect)
      ? ''
      : `${plan.dialect} has no cache marks, so the provider decides; --dialect anthropic-messages or openrouter sends one`,
    (first.tokens?.cacheWrite ?? 0) === 0 ? 'the first answer tells of nothing written' : '',
    `the prompt may be shorter than the model's minimum (--tokens, now ${count(plan.prefixTokens)})`,
    'the entry may need longer to appear (--pause)',
  ].filter((hint) => hint !== '')
  return {
    isRead: false,
    words: `The second request read ${read === 0 ? 'nothing' : `only ${count(read)} tokens`} from the cache: ${hints.join('; ')}.`,
  }
}

async function askOnce({ base, key, model, dialect }: Plan, prompt: string, ask: string): Promise<Answer> {
  const { path, headers, body } = question(dialect, model, key, prompt, ask)
  let response: Response
  let text: string
  try {
    response = await fetch(base + path, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' })
    text = await response.text()
  } catch (cause) {
    const reason = cause instanceof Error && cause.name === 'TimeoutError' ? `no answer within ${TIMEOUT_MS / 1000} s` : 'nobody answers'
    throw new RefusedError(`${base}${path}: ${reason}.`, { cause })
  }
  const answer = parsed(text)
  if (!response.ok) throw new RefusedError(`${base}${path} answered ${response.status}: ${wordsOf(answer) ?? text.slice(0, 300)}`)
  const reader = READERS[dialect]
  if (!reader.isAnswer(answer)) throw new RefusedError(`${base}${path} does not answer in ${dialect}: ${text.slice(0, 300)}`)
  return {
    tokens: reader.whole(answer).tokens,
    costUsd: response.headers.get('x-sluice-cost-usd'),
    provider: response.headers.get('x-sluice-provider'),
  }
}

function answerLine({ tokens, costUsd }: Answer): string {
  const cost = costUsd === null ? '' : `, $${costUsd}`
  if (tokens === null) return `no usage told${cost}`
  const input = tokens.input === null ? '' : `${count(tokens.input)} tokens in, `
  return `${input}${count(tokens.cacheRead)} read from the cache, ${count(tokens.cacheWrite)} written to it${cost}`
}

function count(tokens: number): string {
  return tokens.toLocaleString('en-US')
}
