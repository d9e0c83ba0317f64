// A whole reply as a response object.

import type { ChatResponse, FinishReason, Usage } from '../../core/canonical.ts'
import { printJson, type Writable } from '../../core/json-raw.ts'
import type { Intent } from '../contract.ts'
import { argumentsOf, callItem, callSealItem, imageItem, ItemIds, messageItem, reasoningItem, type Content } from './output-items.ts'
import { writeUsage } from './usage.ts'
import { incompleteReason, OPENAI_RESPONSES } from './wire.ts'

export function writeResponse(response: ChatResponse, intent: Intent): string {
  const ids = new ItemIds(response.id, intent.nowSeconds)
  const model = response.model === '' ? intent.model : response.model
  const output = writeOutput(response, ids)
  return printJson(responseObject(intent, { id: ids.responseId, model, output, usage: response.usage, end: response.finish.reason }))
}

export type Told = {
  readonly id: string
  readonly model: string
  readonly output: readonly Writable[]
  readonly usage: Usage | null
  /** How it ended; `null`: it goes on. */
  readonly end: FinishReason | 'failed' | null
  readonly error?: Writable
}

/** The members that every response object has. What the request said is not repeated: strict clients need the members, not the values. */
export function responseObject(intent: Intent, { id, model, output, usage, end, error }: Told): Writable {
  const reason = end === null || end === 'failed' ? null : incompleteReason(end)
  return {
    id,
    object: 'response',
    created_at: intent.nowSeconds,
    status: end === null ? 'in_progress' : end === 'failed' ? 'failed' : reason === null ? 'completed' : 'incomplete',
    background: false,
    error: error ?? null,
    incomplete_details: reason === null ? null : { reason },
    instructions: null,
    max_output_tokens: intent.maxOutputTokens,
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: usage === null ? null : writeUsage(usage),
    user: null,
    metadata: {},
  }
}

/** Texts and refusals in a row are one message. */
function writeOutput({ parts, finish, logprobs }: ChatResponse, ids: ItemIds): readonly Writable[] {
  const output: Writable[] = []
  let said: Content[] = []
  let message = ''
  let isFirstText = true
  const flush = (isLast: boolean): void => {
    if (said.length > 0)
      output.push(messageItem(message, said, isLast && incompleteReason(finish.reason) !== null ? 'incomplete' : 'completed'))
    said = []
  }
  for (const part of parts) {
    if (part.kind === 'text' || part.kind === 'refusal') {
      if (said.length === 0) message = ids.item('msg')
      const told = isFirstText && logprobs !== undefined ? [logprobs] : []
      isFirstText = false
      said.push({ kind: part.kind, text: part.text, citations: part.kind === 'text' ? (part.citations ?? []) : [], logprobs: told })
      continue
    }
    flush(false)
    switch (part.kind) {
      case 'reasoning':
        if (part.text !== '' || part.seal !== undefined) output.push(reasoningItem(ids.item('rs'), part.text, part.seal, 'completed'))
        break
      case 'tool-call': {
        const call = { id: ids.item('fc'), callId: ids.call(part.id), name: part.name }
        output.push(callItem(call, argumentsOf(part.arguments), 'completed'))
        if (part.seal !== undefined) output.push(callSealItem(ids.item('rs'), call.callId, part.seal))
        break
      }
      case 'media':
        if (part.source.at === 'inline' && part.mediaType.startsWith('image/'))
          output.push(imageItem(ids.item('ig'), part.mediaType, part.source.base64))
        break
      case 'native':
        if (part.dialect === OPENAI_RESPONSES) output.push(part.value)
        break
      case 'tool-result':
        break // no provider answers with one
      default:
        part satisfies never
    }
  }
  flush(true)
  return output
}
