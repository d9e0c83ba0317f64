// What the gateway must know of a completion before it understands it: as of a chat, but several prompts are several answers.

import { GatewayError } from '../../core/errors.ts'
import type { Incoming, Intent, Need, ClientBody } from '../contract.ts'
import { readIntent as readChatIntent } from '../openai-chat/intent.ts'
import { readCount, valueAt } from '../openai-chat/scanned-members.ts'

/** @throws GatewayError `request-malformed` for the members that the gateway itself relies on */
export function readIntent(incoming: Incoming): Intent {
  const { body } = incoming
  refuseNegative(body)
  const intent = readChatIntent(incoming)
  // All that are tried are billed, not only the best ones.
  const tried = Math.max(intent.choices, readCount(body, 'best_of') ?? 1)
  const choices = tried * countPrompts(body)
  return {
    ...intent,
    choices,
    needs: needsOf(intent.needs, body, tried), // several prompts are refused by their own name, where they must be
    // The prompt is only to be told back, with the chances of its tokens: nothing comes out, and no ceiling may be put there.
    ...(body.member(['max_tokens']) === '0' && body.member(['echo']) === 'true' ? { maxOutputTokens: 0, isCeilingFixed: true } : {}),
  }
}

/** In OpenAI's own words: here, other than in its chats, a ceiling of zero has a meaning. */
function refuseNegative(body: ClientBody): void {
  const said = valueAt(body, ['max_tokens'])
  if (typeof said !== 'number' || !Number.isInteger(said) || said >= 0) return
  const message = `Invalid 'max_tokens': integer below minimum value. Expected a value >= 0, but got ${said} instead.`
  throw new GatewayError('request-malformed', message, { at: 'max_tokens' })
}

function needsOf(known: ReadonlySet<Need>, body: ClientBody, tried: number): ReadonlySet<Need> {
  const needs = new Set(known)
  const logprobs = valueAt(body, ['logprobs'])
  if (typeof logprobs === 'number' && logprobs > 0) needs.add('logprobs')
  if (tried > 1) needs.add('many')
  return needs
}

/** A list of texts or of lists of tokens is as many prompts; a list of tokens is one. */
function countPrompts(body: ClientBody): number {
  const text = body.member(['prompt'])
  if (text === null || !text.startsWith('[')) return 1
  const list: unknown = JSON.parse(text)
  return Array.isArray(list) && typeof list[0] !== 'number' ? Math.max(1, list.length) : 1
}
