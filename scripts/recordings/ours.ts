// What our readers made of an answer, in the plain form it is judged in.

import type { ChatEvent, ChatResponse, Usage } from '../../src/core/canonical.ts'
import { Collector } from '../../src/core/collect.ts'
import { GatewayError } from '../../src/core/errors.ts'
import { argsOf, facts, tokens, type Facts, type Tokens } from './facts.ts'

export function factsOf(response: ChatResponse): Facts {
  const { parts } = response
  return facts({
    text: parts.map((part) => (part.kind === 'text' || part.kind === 'refusal' ? part.text : '')).join(''),
    reasoning: parts.map((part) => (part.kind === 'reasoning' ? part.text : '')).join(''),
    calls: parts.flatMap((part) => (part.kind === 'tool-call' ? [{ id: part.id, name: part.name, args: argsOf(part.arguments) }] : [])),
    finish: response.finish.reason,
    tokens: response.usage === null ? null : tokensOf(response.usage),
  })
}

/** Of a reply that ended in an error: what came before it, and its words. */
export function factsOfEvents(events: readonly ChatEvent[]): { readonly facts: Facts; readonly response: ChatResponse | null } {
  const collector = new Collector()
  try {
    for (const event of events) collector.add(event)
    const response = collector.response()
    return { facts: factsOf(response), response }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const partial = new Collector()
    for (const event of events) if (event.kind !== 'error') partial.add(event)
    if (!events.some((event) => event.kind === 'finish')) partial.add({ kind: 'finish', reason: 'other', native: null })
    return { facts: { ...factsOf(partial.response()), finish: null, error: error.message }, response: null }
  }
}

function tokensOf(usage: Usage): Tokens {
  return tokens({
    input: usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h + usage.inputAudio,
    output: usage.output + usage.outputAudio + usage.outputImage,
    cacheRead: usage.cacheRead,
    cacheWrite: usage.cacheWrite5m + usage.cacheWrite1h,
    cacheWrite1h: usage.cacheWrite1h,
    inputAudio: usage.inputAudio,
    outputAudio: usage.outputAudio,
    outputImage: usage.outputImage,
    reasoning: usage.reasoning,
  })
}
