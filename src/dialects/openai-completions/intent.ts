// What the gateway must know of a completion before it understands it: as of a chat, but several prompts are several answers.

import type { Incoming, Intent, Need, ClientBody } from '../contract.ts'
import { readIntent as readChatIntent } from '../openai-chat/intent.ts'
import { readCount, valueAt } from '../openai-chat/scanned-members.ts'

/** @throws GatewayError `request-malformed` for the members that the gateway itself relies on */
export function readIntent(incoming: Incoming): Intent {
  const { body } = incoming
  const intent = readChatIntent(incoming)
  // All that are tried are billed, not only the best ones.
  const choices = Math.max(intent.choices, readCount(body, 'best_of') ?? 1) * countPrompts(body)
  return {
    ...intent,
    choices,
    needs: needsOf(intent.needs, body, choices),
    // The prompt is only to be told back, with the chances of its tokens: nothing comes out, and no ceiling may be put there.
    ...(body.member(['max_tokens']) === '0' && body.member(['echo']) === 'true' ? { maxOutputTokens: 0, isCeilingFixed: true } : {}),
  }
}

function needsOf(known: ReadonlySet<Need>, body: ClientBody, choices: number): ReadonlySet<Need> {
  const needs = new Set(known)
  const logprobs = valueAt(body, ['logprobs'])
  if (typeof logprobs === 'number' && logprobs > 0) needs.add('logprobs')
  if (choices > 1) needs.add('many')
  return needs
}

/** A list of texts or of lists of tokens is as many prompts; a list of tokens is one. */
function countPrompts(body: ClientBody): number {
  const text = body.member(['prompt'])
  if (text === null || !text.startsWith('[')) return 1
  const list: unknown = JSON.parse(text)
  return Array.isArray(list) && typeof list[0] !== 'number' ? Math.max(1, list.length) : 1
}
