// Writes canonical turns as `system` and `messages`.

import type { ChatRequest, Part, Turn } from '../../core/canonical.ts'
import { asObjectText, Raw, type Writable } from '../../core/json-raw.ts'
import type { CacheMarks } from './cache-marks.ts'
import { writeCitations } from './citations.ts'
import { writeMedia } from './media-write.ts'
import { writeNative } from './native.ts'
import type { Report } from './report.ts'
import { ToolIds } from './tool-ids.ts'
import { ANTHROPIC_MESSAGES, omittedSignature } from './wire.ts'

type WireBlock = { readonly type: string; readonly [member: string]: Writable }
type WireMessage = { readonly role: 'user' | 'assistant'; content: WireBlock[] }

export type WrittenMessages = {
  readonly system: Writable | undefined
  readonly messages: Writable
  /** A thinking budget needs the calls that are being answered to stand behind a thinking block. */
  readonly mayThink: boolean
}

/** `issuer` is whose seals the place can open; others' never go out. */
export function writeMessages(request: ChatRequest, issuer: string, marks: CacheMarks, report: Report): WrittenMessages {
  const writer = new MessagesWriter(issuer, marks, report)
  let leading = 0
  while (request.turns[leading]?.role === 'system') leading++
  let system = writer.system(request.turns.slice(0, leading))
  for (const turn of request.turns.slice(leading)) writer.turn(turn)
  const messages = writer.messages
  if (messages.length === 0 && system.length > 0) {
    // At least one message is required; a request that is all instructions becomes the user's.
    messages.push({ role: 'user', content: system })
    system = []
    report.approximate('system')
  }
  for (const message of messages)
    if (message.role === 'user')
      // Results must come first in the message that answers calls.
      message.content.sort((a, b) => Number(b['type'] === 'tool_result') - Number(a['type'] === 'tool_result'))
  trimPrefill(messages)
  const [only] = system
  return {
    system:
      system.length === 1 && only !== undefined && !('cache_control' in only) ? only['text'] : system.length === 0 ? undefined : system,
    messages: messages.map(({ role, content }) => ({ role, content: plainText(content) ?? content })),
    mayThink: mayThink(messages),
  }
}

class MessagesWriter {
  readonly messages: WireMessage[] = []
  private readonly ids = new ToolIds('call')
  private readonly issuer: string
  private readonly marks: CacheMarks
  private readonly report: Report

  constructor(issuer: string, marks: CacheMarks, report: Report) {
    this.issuer = issuer
    this.marks = marks
    this.report = report
  }

  system(turns: readonly Turn[]): WireBlock[] {
    const blocks: WireBlock[] = []
    for (const turn of turns)
      for (const part of turn.parts)
        if (part.kind === 'text') blocks.push(...this.text(part))
        else this.report.drop(`${turn.at ?? 'system'}.${part.kind}`)
    return blocks
  }

  turn(turn: Turn): void {
    const at = turn.at ?? 'messages'
    const blocks = turn.parts.flatMap((part) => this.part(part, turn.role, at))
    if (turn.role === 'system') this.report.approximate(at) // instructions amid the conversation are said by the user
    if (blocks.length === 0) return
    const role = turn.role === 'assistant' ? 'assistant' : 'user'
    const last = this.messages.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else this.messages.push({ role, content: blocks })
  }

  private part(part: Part, role: Turn['role'], at: string): WireBlock[] {
    switch (part.kind) {
      case 'text':
        return this.text(part)
      case 'refusal':
        return this.text({ kind: 'text', text: part.text })
      case 'media':
        return writeMedia(part, at, this.marks, this.report)
      case 'reasoning':
        return role === 'assistant' ? this.reasoning(part, at) : this.text({ kind: 'text', text: part.text })
      case 'tool-call': {
        if (part.seal !== undefined && part.seal.issuer !== this.issuer) this.report.drop(`${at}.signature`)
        const input = asObjectText(part.arguments)
        // What is no object (`null`, a text that was cut) cannot be said as it is.
        if (input !== part.arguments && part.arguments.trim() !== '') this.report.drop(`${at}.tool_call.arguments`)
        return [{ type: 'tool_use', id: this.ids.call(part.id), name: part.name, input: new Raw(input), ...this.marks.take(part.cache) }]
      }
      case 'tool-result': {
        const content = part.content.flatMap((inner) => this.part(inner, 'tool', at))
        return [
          {
            type: 'tool_result',
            tool_use_id: this.ids.result(part.callId),
            content: content.length === 0 ? undefined : (plainText(content) ?? content),
            is_error: part.isError ? true : undefined,
            ...this.marks.take(part.cache),
          },
        ]
      }
      case 'native': {
        const { value } = part
        if (part.dialect === ANTHROPIC_MESSAGES && typeof value === 'object' && value !== null && 'type' in value)
          return [writeNative(value) as WireBlock]
        this.report.drop(`${at}.${nativeName(value)}`)
        return []
      }
      default:
        return part satisfies never
    }
  }

  /** Blank text blocks are refused by the API and say nothing. */
  private text(part: Extract<Part, { kind: 'text' }>): WireBlock[] {
    if (part.text.trim() === '') return []
    const citations = writeCitations(part.citations)
    return [{ type: 'text', text: part.text, citations: citations.length === 0 ? undefined : citations, ...this.marks.take(part.cache) }]
  }

  /** A thinking block needs its signature; thoughts of others are said as text. */
  private reasoning(part: Extract<Part, { kind: 'reasoning' }>, at: string): WireBlock[] {
    const { text, seal } = part
    if (seal !== undefined && seal.issuer === this.issuer) {
      if (text !== '') return [{ type: 'thinking', thinking: text, signature: seal.value }]
      const signature = omittedSignature(seal.value)
      if (signature !== null) return [{ type: 'thinking', thinking: '', signature }]
      return [{ type: 'redacted_thinking', data: seal.value }]
    }
    if (seal !== undefined) this.report.drop(`${at}.signature`)
    if (text.trim() === '') return []
    this.report.approximate(`${at}.reasoning`)
    return [{ type: 'text', text: `<thinking>${text}</thinking>` }]
  }
}

function plainText(content: readonly WireBlock[]): Writable | undefined {
  const [only] = content
  if (content.length !== 1 || only?.['type'] !== 'text') return undefined
  return 'cache_control' in only || only['citations'] !== undefined ? undefined : only['text']
}

/** A prefill may not end in white space. */
function trimPrefill(messages: readonly WireMessage[]): void {
  const last = messages.at(-1)
  const block = last?.content.at(-1)
  if (last?.role === 'assistant' && block?.type === 'text' && typeof block['text'] === 'string')
    last.content[last.content.length - 1] = { ...block, text: block['text'].trimEnd() }
}

function mayThink(messages: readonly WireMessage[]): boolean {
  const last = messages.at(-1)
  if (last === undefined) return true
  if (last.role === 'user' && !last.content.some((block) => block.type === 'tool_result')) return true
  const spoke = messages.findLast((message) => message.role === 'assistant')
  const first = spoke?.content[0]?.type
  return spoke === undefined || first === 'thinking' || first === 'redacted_thinking'
}

/** A word for a part that only another dialect knows (`video_url`), safe to stand in a header. */
function nativeName(value: unknown): string {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : null
  return typeof type === 'string' && /^[\w.-]{1,64}$/.test(type) ? type : 'native'
}
