// Ends a forwarded stream of chat or text completion chunks as if the output limit were reached.

import type { JsonObject, Usage } from '../../core/canonical.ts'
import type { Frame, Intent, StreamCutter } from '../contract.ts'
import { startsMember } from './frame-glance.ts'
import { writeUsage } from './usage.ts'
import { firstText, isObject, objectsOf } from './wire.ts'

const HEAD = ['id', 'object', 'created', 'model', 'system_fingerprint', 'service_tier', 'provider'] as const

export class ChunkCutter implements StreamCutter {
  readonly #wantsUsage: boolean
  readonly #lastChoice: JsonObject
  #head: JsonObject | null = null
  #isOver = false

  /** `lastChoice`: what the last choice says beside its finish reason. */
  constructor({ wantsUsage }: Intent, lastChoice: JsonObject) {
    this.#wantsUsage = wantsUsage
    this.#lastChoice = lastChoice
  }

  see({ data }: Frame): void {
    this.#isOver ||= startsMember(data, '"finish_reason"', '"') && finishes(data)
    this.#head ??= headOf(data)
  }

  cut(usage: Usage | null): readonly Frame[] | null {
    if (this.#isOver) return null
    const head = this.#head ?? {}
    const choice = { index: 0, ...this.#lastChoice, logprobs: null, finish_reason: 'length' }
    const frames = [{ data: JSON.stringify({ ...head, choices: [choice] }) }]
    if (this.#wantsUsage && usage !== null) frames.push({ data: JSON.stringify({ ...head, choices: [], usage: writeUsage(usage) }) })
    return [...frames, { data: '[DONE]' }]
  }
}

function headOf(data: string): JsonObject | null {
  const chunk = parsed(data)
  if (chunk === null || chunk['choices'] === undefined) return null
  return Object.fromEntries(HEAD.flatMap((name) => (chunk[name] === undefined ? [] : [[name, chunk[name]] as const])))
}

/** Some hosts send an empty reason until there is one. */
function finishes(data: string): boolean {
  return objectsOf(parsed(data)?.['choices']).some((choice) => firstText(choice['finish_reason']) !== '')
}

function parsed(data: string): JsonObject | null {
  try {
    const chunk: unknown = JSON.parse(data)
    return isObject(chunk) ? chunk : null
  } catch {
    return null
  }
}
