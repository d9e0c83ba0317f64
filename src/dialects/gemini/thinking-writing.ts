// How a wish for reasoning is said to Gemini: levels from generation 3 on, token budgets in 2.5, nothing before. Decides nothing else.

import type { ChatRequest } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import { isBefore } from './wire.ts'

/** `config`: the `thinkingConfig` to send, if any. */
export type Thinking = {
  readonly config: { readonly [key: string]: Writable } | null
  readonly report: 'said' | 'dropped' | 'approximated'
}

/** Share of the output ceiling that an effort may think for; as OpenRouter shares it out. */
const SHARE: { readonly [effort: string]: number } = { minimal: 0.1, low: 0.2, medium: 0.5, high: 0.8, xhigh: 0.95, max: 0.95 }
/** Tokens where no ceiling is known. */
const FIXED: { readonly [effort: string]: number } = { minimal: 512, low: 1024, medium: 8192, high: 24_576, xhigh: 24_576, max: 24_576 }
const EFFORTS: ReadonlySet<string> = new Set(Object.keys(SHARE))

/** Source: ai.google.dev/gemini-api/docs/thinking. Models before 2.5, and Gemma, answer 400 to any thinkingConfig. */
export function writeThinking(reasoning: ChatRequest['reasoning'], model: string, maxOutputTokens: number | null): Thinking {
  if (reasoning === undefined) return { config: null, report: 'said' }
  const wantsOff = 'off' in reasoning || ('effort' in reasoning && reasoning.effort === 'none')
  if (isBefore(model, 2.5) || model.startsWith('gemma')) return { config: null, report: wantsOff ? 'said' : 'dropped' }
  if (wantsOff) return thinkNot(model)
  if ('budgetTokens' in reasoning) {
    const budget = clamp(reasoning.budgetTokens, model)
    return {
      config: { thinkingBudget: budget, includeThoughts: true },
      report: budget === reasoning.budgetTokens ? 'said' : 'approximated',
    }
  }
  if (!('effort' in reasoning)) return { config: null, report: 'said' }
  const effort = EFFORTS.has(reasoning.effort) ? reasoning.effort : 'medium'
  if (!isBefore(model, 3)) return level(effort, reasoning.effort, model)
  const wanted = maxOutputTokens === null ? FIXED[effort] : Math.floor(maxOutputTokens * (SHARE[effort] ?? 0.5))
  return { config: { thinkingBudget: clamp(wanted ?? 8192, model), includeThoughts: true }, report: 'approximated' }
}

function thinkNot(model: string): Thinking {
  if (!isBefore(model, 3)) {
    // Gemini 3 cannot stop thinking; its Flash models can think next to nothing.
    if (model.includes('flash')) return { config: { thinkingLevel: 'minimal' }, report: 'approximated' }
    return { config: null, report: 'dropped' }
  }
  return model.includes('pro') ? { config: null, report: 'dropped' } : { config: { thinkingBudget: 0 }, report: 'said' }
}

function level(effort: string, asked: string, model: string): Thinking {
  let named = effort === 'xhigh' || effort === 'max' ? 'high' : effort
  // Pro models know no `minimal`, and the first of them no `medium`.
  if (model.includes('pro') && named === 'minimal') named = 'low'
  if (model.includes('gemini-3-pro') && named === 'medium') named = 'high'
  return { config: { thinkingLevel: named, includeThoughts: true }, report: named === asked ? 'said' : 'approximated' }
}

/** The budgets a model takes; one beyond them is a 400. */
function clamp(tokens: number, model: string): number {
  const least = model.includes('flash-lite') ? 512 : model.includes('flash') ? 1 : 128
  return Math.min(Math.max(Math.floor(tokens), least), model.includes('flash') ? 24_576 : 32_768)
}
