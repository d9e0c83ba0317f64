// A reply as OpenAI's text completions know it, whole and as chunks. Only what was said: there is no place for thoughts and calls.

import type { ChatEvent, ChatResponse, Usage } from '../../core/canonical.ts'
import { GatewayError } from '../../core/errors.ts'
import { printJson, type Writable } from '../../core/json-raw.ts'
import type { Frame, FrameWriter, Intent } from '../contract.ts'
import { writeError } from '../openai-chat/error-writing.ts'
import { writeUsage } from '../openai-chat/usage.ts'
import { writeFinish } from '../openai-chat/wire.ts'

export function writeResponse({ id, model, parts, finish, usage }: ChatResponse, intent: Intent): string {
  const text = parts.map((part) => (part.kind === 'text' || part.kind === 'refusal' ? part.text : '')).join('')
  return printJson({
    ...headOf(id, model, intent),
    choices: [choiceOf(text, finishOf(finish.reason))],
    usage: usage === null ? undefined : writeUsage(usage),
  })
}

export class CompletionStreamWriter implements FrameWriter {
  readonly #intent: Intent
  readonly #spoken = new Set<number>()
  #head: { readonly [name: string]: Writable }
  #usage: Usage | null = null
  #failed = false

  constructor(intent: Intent) {
    this.#intent = intent
    this.#head = headOf('', '', intent)
  }

  write(event: ChatEvent): readonly Frame[] {
    if (this.#failed) return []
    switch (event.kind) {
      case 'start':
        this.#head = headOf(event.id, event.model, this.#intent)
        return []
      case 'block-start':
        if (event.block.kind === 'text' || event.block.kind === 'refusal') this.#spoken.add(event.index)
        return []
      case 'block-delta':
        return this.#spoken.has(event.index) && event.text !== '' ? [this.#chunk([choiceOf(event.text, null)])] : []
      case 'block-end':
        this.#spoken.delete(event.index)
        return []
      case 'usage':
        this.#usage = event.usage
        return []
      case 'finish':
        return [this.#chunk([choiceOf('', finishOf(event.reason))])]
      case 'error':
        return this.fail(new GatewayError(event.code, event.message))
      case 'block-note':
      case 'block-seal':
      case 'ping':
      case 'native':
        return []
      default:
        return event satisfies never
    }
  }

  /** No `[DONE]` comes after an error: clients take it for a good end. */
  fail(error: GatewayError): readonly Frame[] {
    this.#failed = true
    return [{ data: printJson(writeError(error)) }]
  }

  end(): readonly Frame[] {
    if (this.#failed) return []
    const done = { data: '[DONE]' }
    if (!this.#intent.wantsUsage || this.#usage === null) return [done]
    return [this.#chunk([], writeUsage(this.#usage)), done]
  }

  #chunk(choices: readonly Writable[], usage?: Writable): Frame {
    return { data: printJson({ ...this.#head, choices, usage }) }
  }
}

function headOf(replyId: string, model: string, { nowSeconds, model: asked }: Intent): { readonly [name: string]: Writable } {
  return {
    id: replyId === '' ? `cmpl-${nowSeconds}` : replyId,
    object: 'text_completion',
    created: nowSeconds,
    model: model === '' ? asked : model,
  }
}

function choiceOf(text: string, finish: string | null): Writable {
  return { text, index: 0, logprobs: null, finish_reason: finish }
}

/** Nothing was offered that could be called. */
function finishOf(reason: ChatResponse['finish']['reason']): string {
  return reason === 'tool-calls' ? 'stop' : writeFinish(reason)
}
