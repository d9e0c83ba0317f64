// The wish for reasoning as OpenRouter takes it: `reasoning`, its shorthand `reasoning_effort`, and the older `include_reasoning`.

import type { ChatRequest, JsonObject, JsonValue } from '../../core/canonical.ts'
import { isCount, malformed, optionalBoolean, optionalObject, optionalText } from '../openai-chat/expecting.ts'

export type Reasoning = {
  readonly wish: ChatRequest['reasoning']
  /** The client does not want to see it. */
  readonly hidden: boolean
}

/**
 * Of a request, or of an object with just these members. A budget says more than an effort, an effort more than a switch.
 * @throws GatewayError `request-malformed`
 */
export function reasoningIn(request: JsonObject): Reasoning {
  const said: JsonObject = optionalObject(request, 'reasoning') ?? {}
  const effort = optionalText(said, 'effort', 'reasoning.effort')
  const shorthand = optionalText(request, 'reasoning_effort')
  if (effort !== undefined && shorthand !== undefined && effort !== shorthand)
    throw malformed('reasoning_effort', 'the same as reasoning.effort where both are sent')
  const enabled = optionalBoolean(said, 'enabled', 'reasoning.enabled')
  const excluded = optionalBoolean(said, 'exclude', 'reasoning.exclude') ?? optionalBoolean(request, 'include_reasoning') === false
  return { wish: wishOf(budgetIn(said['max_tokens']), effort ?? shorthand, enabled), hidden: excluded }
}

function budgetIn(said: JsonValue | undefined): number | undefined {
  if (said === undefined || said === null) return undefined
  if (said !== 0 && !isCount(said)) throw malformed('reasoning.max_tokens', 'a whole number from 0 up')
  return said
}

function wishOf(budgetTokens: number | undefined, effort: string | undefined, enabled: boolean | undefined): ChatRequest['reasoning'] {
  if (enabled === false || budgetTokens === 0) return { off: true }
  if (budgetTokens !== undefined) return { budgetTokens }
  if (effort !== undefined) return effort === 'none' ? { off: true } : { effort }
  return enabled === true ? { effort: 'medium' } : undefined
}
