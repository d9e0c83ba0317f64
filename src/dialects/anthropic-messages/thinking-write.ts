// Writes the wish for reasoning, the output ceiling and the sampling members: they bind each other in the Messages API.

import type { ChatRequest } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import type { Intent, Orders } from '../contract.ts'
import { rulesOf } from './model-rules.ts'
import type { Report } from './report.ts'
import { ANTHROPIC_MESSAGES } from './wire.ts'

const MIN_BUDGET_TOKENS = 1024
const DEFAULT_MAX_TOKENS = 4096
const DEFAULT_MAX_TOKENS_THINKING = 8192

/** Share of the ceiling for each effort, as OpenRouter documents it (design/WIRE.md 2.1). */
const SHARE: { readonly [effort: string]: number } = { max: 0.95, xhigh: 0.95, high: 0.8, medium: 0.5, low: 0.2, minimal: 0.1 }
/** Those that every model with adaptive thinking takes. */
const EFFORTS_OF_ALL: ReadonlySet<string> = new Set(['low', 'medium', 'high'])
const EFFORTS: ReadonlySet<string> = new Set(['low', 'medium', 'high', 'xhigh', 'max'])

export type Thinking = {
  readonly maxTokens: number
  readonly thinking?: { readonly [member: string]: Writable }
  readonly effort?: string
  readonly sampling: { readonly [member: string]: Writable }
}

/**
 * `mayThink` is false where the conversation itself forbids a budget (a tool loop whose last call has no thinking block).
 * The ceiling is never raised for thinking: it is what the client or its budget can pay.
 */
export function writeThinking(request: ChatRequest, intent: Intent, orders: Orders, mayThink: boolean, report: Report): Thinking {
  const rules = rulesOf(orders.model)
  const asked = orders.maxOutputTokens ?? request.sampling.maxOutputTokens ?? intent.maxOutputTokens
  const wish = request.reasoning
  const wantsThinking = wish !== undefined && !('off' in wish) && !('effort' in wish && wish.effort === 'none')
  const maxTokens = asked ?? (wantsThinking ? DEFAULT_MAX_TOKENS_THINKING : DEFAULT_MAX_TOKENS)
  if (asked === null) report.approximate('maxOutputTokens')

  const forced = request.toolChoice?.kind === 'any' || request.toolChoice?.kind === 'one'
  let thinking: Thinking['thinking']
  let effort: string | undefined
  if (!wantsThinking) {
    // Newer models may think unless told not to; older ones do not know the member.
    // An effort that stands beside it in the client's own words would pass for a wish to think.
    if (wish !== undefined && (rules.adaptiveOnly || saysEffort(request))) thinking = { type: 'disabled' }
  } else if (forced) report.drop('reasoning') // a forced tool call and thinking exclude each other
  else if (rules.adaptiveOnly || (rules.adaptive && 'effort' in wish && EFFORTS_OF_ALL.has(wish.effort))) {
    effort = 'effort' in wish ? effortOf(wish.effort, report) : effortOfBudget(wish.budgetTokens / maxTokens, report)
    thinking = { type: 'adaptive', display: 'summarized' }
  } else {
    const budget = mayThink ? budgetOf(wish, maxTokens, report) : null
    if (budget === null) report.drop('reasoning')
    else thinking = { type: 'enabled', budget_tokens: budget }
  }
  const isThinking = thinking !== undefined && thinking['type'] !== 'disabled'
  return {
    maxTokens,
    ...(thinking === undefined ? {} : { thinking }),
    ...(effort === undefined ? {} : { effort }),
    sampling: writeSampling(request, isThinking || rules.adaptiveOnly, rules.oneOfTemperatureAndTopP, report),
  }
}

function saysEffort({ extras }: ChatRequest): boolean {
  return extras.dialect === ANTHROPIC_MESSAGES && extras.fields['output_config.effort'] !== undefined
}

function writeSampling(request: ChatRequest, fixed: boolean, onlyOne: boolean, report: Report): Thinking['sampling'] {
  const { temperature, topP, topK } = request.sampling
  const out: { [member: string]: Writable } = {}
  if (temperature !== undefined) {
    if (fixed && temperature !== 1) report.drop('temperature')
    else if (temperature < 0 || temperature > 1) {
      out['temperature'] = Math.min(1, Math.max(0, temperature))
      report.change('temperature')
    } else if (!fixed) out['temperature'] = temperature
    else out['temperature'] = 1
  }
  if (topP !== undefined) {
    if (fixed ? topP < 0.95 || topP > 1 : onlyOne && temperature !== undefined) report.drop('topP')
    else out['top_p'] = topP
  }
  if (topK !== undefined) {
    if (fixed || topK < 0 || !Number.isInteger(topK)) report.drop('topK')
    else out['top_k'] = topK
  }
  return out
}

function budgetOf(wish: { readonly effort: string } | { readonly budgetTokens: number }, maxTokens: number, report: Report): number | null {
  if (maxTokens <= MIN_BUDGET_TOKENS) return null
  const wanted = 'effort' in wish ? Math.floor(maxTokens * shareOf(wish.effort, report)) : wish.budgetTokens
  const budget = Math.min(Math.max(wanted, MIN_BUDGET_TOKENS), maxTokens - 1)
  if ('budgetTokens' in wish && budget !== wanted) report.approximate('reasoning')
  return budget
}

function shareOf(effort: string, report: Report): number {
  const share = Object.hasOwn(SHARE, effort) ? SHARE[effort] : undefined
  if (share === undefined) report.approximate('reasoning')
  return share ?? 0.5
}

function effortOf(effort: string, report: Report): string {
  if (EFFORTS.has(effort)) return effort
  report.approximate('reasoning')
  return effort === 'minimal' ? 'low' : 'medium'
}

function effortOfBudget(share: number, report: Report): string {
  report.approximate('reasoning')
  return share > 0.9 ? 'xhigh' : share > 0.65 ? 'high' : share > 0.35 ? 'medium' : 'low'
}
