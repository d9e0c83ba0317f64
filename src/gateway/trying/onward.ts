// What another target is asked when an answer has broken off: the same conversation, with what was answered so far, and what that can cost.

import type { ChatRequest, Turn } from '../../core/canonical.ts'
import { planHold } from '../../core/hold-plan.ts'
import { rulesOf } from '../../dialects/anthropic-messages/model-rules.ts'
import type { Intent, Need } from '../../dialects/contract.ts'
import type { Candidate } from '../planning/candidate.ts'
import { candidateAsk } from '../planning/candidates.ts'
import type { Way } from '../chat-request.ts'
import type { Job } from '../job.ts'

const GO_ON =
  'Your last message above was cut off by a fault of the connection. Go on exactly where it breaks off, in the middle of the word if need be: ' +
  'repeat nothing of it, add no introduction and no apology, and write only what is missing.'
const ADDED_BYTES = 512

const NOT_TEXT: readonly Need[] = ['tools', 'schema', 'reasoning', 'logprobs', 'many']
/** What can be billed or said beside text, by the names that some languages have for it. */
const MORE_THAN_TEXT = ['modalities', 'audio', 'plugins', 'web_search_options', 'responseModalities', 'generationConfig.responseModalities']

/** Whether only text can come of it: no calls, no form that two halves would have to keep together, no thoughts. */
export function asksForText(request: ChatRequest, { choices, needs, providerRuns, guess, units }: Intent): boolean {
  const { tools, replyFormat, logprobs, reasoning, turns, extras } = request
  const last = turns.at(-1)?.role
  return (
    choices === 1 &&
    tools.length === 0 &&
    (replyFormat === undefined || replyFormat.kind === 'text') &&
    logprobs === undefined &&
    (reasoning === undefined || 'off' in reasoning) &&
    !NOT_TEXT.some((need) => needs.has(need)) &&
    providerRuns === undefined &&
    guess === undefined &&
    units === undefined &&
    (last === 'user' || last === 'system') && // behind an assistant's turn its own prefill would have to be told apart
    !MORE_THAN_TEXT.some((name) => Object.hasOwn(extras.fields, name))
  )
}

/**
 * Where a place goes on with the assistant's last turn the text stands there, else a user's turn behind it says what to do. By what the makers say:
 * Claude in its own language does so before 4.6 and refuses it since; most hosts of OpenAI's language answer anew, or want a member of their own.
 */
export function carriesOn({ voice }: Way, { model }: Candidate): boolean {
  return voice.dialect === 'anthropic-messages' && rulesOf(model).prefill
}

export function onwardRequest(request: ChatRequest, text: string, prefill: boolean): ChatRequest {
  const said: Turn = { role: 'assistant', parts: [{ kind: 'text', text }] }
  const asked: Turn = { role: 'user', parts: [{ kind: 'text', text: GO_ON }] }
  return { ...request, turns: [...request.turns, said, ...(prefill ? [] : [asked])] }
}

/** Bytes that are sent beside the client's own. */
export function onwardBytes(text: string): number {
  return new TextEncoder().encode(text).length + ADDED_BYTES
}

/** What a target may cost at worst for it, in whole nano-dollars; `null`: nothing bounds it. `ceiling`: output tokens, `null`: none is set. */
export function onwardNeed(job: Job, candidate: Candidate, bytes: number, ceiling: number | null, budgeted: boolean): number | null {
  const { asked: _, inputTokens, ...target } = candidateAsk(job, candidate)
  const longer = { ...target, inputTokens: inputTokens === null ? null : inputTokens + bytes }
  if (budgeted && ceiling === null && (target.worst?.outputPico ?? 1) > 0) return null
  const asked = { outputTokens: ceiling, leastOutputTokens: 1, choices: 1 }
  const plan = planHold(longer, asked, budgeted, Number.MAX_SAFE_INTEGER, ceiling ?? 0)
  return plan.kind === 'fits' ? plan.nanoUsd : null
}
