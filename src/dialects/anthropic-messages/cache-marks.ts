// The prompt cache takes four breakpoints a request; of more, the earliest are left out, since a later one covers them.

import type { CacheMark, ChatRequest, JsonObject, Part } from '../../core/canonical.ts'
import type { Report } from './report.ts'

const MAX_BREAKPOINTS = 4

/** Hands out `cache_control` members in prompt order: tools, system, messages. */
export class CacheMarks {
  private surplus: number
  private readonly report: Report

  constructor(request: ChatRequest, report: Report) {
    this.report = report
    const tools = request.tools.filter((tool) => tool.kind === 'function' && tool.cache !== undefined).length
    const turns = request.turns.reduce((sum, turn) => sum + marksOf(turn.parts), 0)
    this.surplus = tools + turns - MAX_BREAKPOINTS
  }

  /** The member for a block, or nothing. */
  take(mark: CacheMark | undefined): { readonly cache_control?: JsonObject } {
    if (mark === undefined) return {}
    if (this.surplus > 0) {
      this.surplus--
      this.report.drop('cache')
      return {}
    }
    return { cache_control: { type: 'ephemeral', ...(mark.ttl === '1h' ? { ttl: '1h' } : {}) } }
  }
}

function marksOf(parts: readonly Part[]): number {
  let sum = 0
  for (const part of parts) {
    if ('cache' in part && part.cache !== undefined) sum++
    if (part.kind === 'tool-result') sum += marksOf(part.content)
  }
  return sum
}
