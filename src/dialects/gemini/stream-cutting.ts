// Ends a forwarded stream of Gemini's as if the output limit were reached.

import type { JsonObject, JsonValue, Usage } from '../../core/canonical.ts'
import type { Frame, StreamCutter } from '../contract.ts'
import { writeUsage } from './usage-writing.ts'
import { candidateOf, isObject, textOf } from './wire.ts'

export class ChunkCutter implements StreamCutter {
  #tail: JsonObject | null = null
  #isOver = false

  see({ data }: Frame): void {
    if (this.#tail !== null && !data.includes('"finishReason"')) return
    const chunk = parsed(data)
    if (chunk === null) return
    const finish = textOf(candidateOf(chunk)['finishReason'])
    this.#isOver ||= finish !== null && finish !== '' && finish !== 'FINISH_REASON_UNSPECIFIED'
    const { modelVersion, responseId } = chunk
    this.#tail ??= { ...(modelVersion === undefined ? {} : { modelVersion }), ...(responseId === undefined ? {} : { responseId }) }
  }

  cut(usage: Usage | null): readonly Frame[] | null {
    if (this.#isOver) return null
    const candidate = { content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'MAX_TOKENS', index: 0 }
    const told = usage === null ? {} : { usageMetadata: writeUsage(usage) }
    return [{ data: JSON.stringify({ candidates: [candidate], ...told, ...this.#tail }) }]
  }
}

function parsed(data: string): JsonObject | null {
  try {
    const chunk = JSON.parse(data) as JsonValue
    return isObject(chunk) ? chunk : null
  } catch {
    return null
  }
}
