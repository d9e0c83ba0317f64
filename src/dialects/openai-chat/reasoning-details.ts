// `reasoning_details`, OpenRouter's member for reasoning that a client must send back: seals and texts, to canonical parts and back.

import type { JsonObject, JsonValue, Part, Seal } from '../../core/canonical.ts'
import { firstText, formatOf, issuerOf, objectsOf } from './wire.ts'

export type Reasoning = Extract<Part, { kind: 'reasoning' }>

export type Details = {
  readonly parts: readonly Reasoning[]
  /** Seals that belong to a tool call, by its id (Gemini's thought signatures). */
  readonly ofCalls: ReadonlyMap<string, Seal>
}

/**
 * Reads a message's reasoning. `text` is what `reasoning_content` or `reasoning` said: the same text as the details' where both
 * are there, so it only stands in for what they lack.
 */
export function readReasoning(text: string, details: JsonValue | undefined, callIds: ReadonlySet<string>): Details {
  const parts: Reasoning[] = []
  const ofCalls = new Map<string, Seal>()
  for (const detail of objectsOf(details)) {
    const said = firstText(detail['text'], detail['summary'])
    const value = firstText(detail['signature'], detail['data'])
    const issuer = issuerOf(detail['format'])
    const seal = value === '' ? undefined : { issuer, value }
    const id = detail['id']
    if (seal !== undefined && said === '' && typeof id === 'string' && callIds.has(id)) {
      ofCalls.set(id, seal)
      continue
    }
    const last = parts.at(-1)
    if (said === '' && seal === undefined) continue
    // OpenAI's encrypted item follows the summary it belongs to; a signature may follow its text as an item of its own.
    if (last !== undefined && last.seal === undefined && said === '' && seal !== undefined && belongs(detail, issuer)) {
      parts[parts.length - 1] = { ...last, seal }
    } else if (last !== undefined && last.seal === undefined && said !== '') {
      parts[parts.length - 1] = { kind: 'reasoning', text: last.text + said, ...(seal === undefined ? {} : { seal }) }
    } else parts.push({ kind: 'reasoning', text: said, ...(seal === undefined ? {} : { seal }) })
  }
  if (text !== '' && parts.every((part) => part.text === '')) {
    const only = parts.length === 1 ? parts[0] : undefined
    if (only?.seal === undefined) parts.unshift({ kind: 'reasoning', text })
    else parts[0] = { kind: 'reasoning', text, seal: only.seal }
  }
  return { parts, ofCalls }
}

/** A redacted thought (`data`) of Anthropic or Gemini stands alone; a signature, and OpenAI's `data`, end what was said before them. */
function belongs(detail: JsonObject, issuer: string): boolean {
  return firstText(detail['signature']) !== '' || issuer === 'openai'
}

/** The details of one part; none when it has no seal, for plain text is told by `reasoning_content` alone. */
export function detailsOf(text: string, seal: Seal | undefined, index: number): readonly JsonObject[] {
  if (seal === undefined) return []
  const format = formatOf(seal.issuer)
  const encrypted = { type: 'reasoning.encrypted', data: seal.value, format, index }
  if (text === '') return [encrypted]
  // OpenRouter's own form for OpenAI is a summary and, after it, the encrypted item.
  if (seal.issuer === 'openai') return [{ type: 'reasoning.summary', summary: text, format, index }, encrypted]
  return [{ type: 'reasoning.text', text, signature: seal.value, format, index }]
}
