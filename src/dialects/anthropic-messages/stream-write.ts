// Writes a reply as a Messages stream. Blocks of this dialect never interleave: while one is open, steps of others wait.

import type { ChatEvent, Citation, JsonObject, Seal, Usage } from '../../core/canonical.ts'
import { extrasOf } from '../../core/collect.ts'
import { GatewayError } from '../../core/errors.ts'
import { asObjectText, printJson, type Writable } from '../../core/json-raw.ts'
import type { Frame, FrameWriter } from '../contract.ts'
import { writeCitation } from './citations.ts'
import { writeError } from './errors-write.ts'
import { nativeInput, writeNative } from './native.ts'
import { callSealBlock, messageId, reasoningBlock } from './response-write.ts'
import { ToolIds } from './tool-ids.ts'
import { writeUsage } from './usage.ts'
import { ANTHROPIC_MESSAGES, isObject, stopReasonOf } from './wire.ts'

type BlockEvent = Extract<ChatEvent, { readonly index: number }>
type Start = Extract<ChatEvent, { kind: 'start' }>
type Finish = Extract<ChatEvent, { kind: 'finish' }>

/** The block that is being written. `frames` gets what the event becomes; a block that turns out empty is never opened. */
interface OpenBlock {
  delta(text: string): void
  note(citations: readonly Citation[]): void
  end(seal: Seal | undefined): void
}

export class AnthropicWriter implements FrameWriter {
  private held: Start | null = null
  private done = false
  private usage: Usage | null = null
  private extras: JsonObject = {}
  private wireIndex = 0
  private said = { calls: false, refusal: false }
  private ids = new ToolIds('toolu')
  private frames: Frame[] = []

  private active: { readonly index: number; readonly block: OpenBlock; seal: Seal | undefined } | null = null
  /** Steps of blocks that began while another was open, by block, in the order the blocks began. */
  private readonly waiting = new Map<number, BlockEvent[]>()

  write(event: ChatEvent): readonly Frame[] {
    if (this.done) return []
    this.take(event)
    return this.drain()
  }

  fail(error: GatewayError): readonly Frame[] {
    if (this.done) return []
    this.done = true
    return [...this.drain(), { event: 'error', data: JSON.stringify(writeError(error, null)) }]
  }

  end(): readonly Frame[] {
    return []
  }

  private drain(): readonly Frame[] {
    const frames = this.frames
    this.frames = []
    return frames
  }

  private take(event: ChatEvent): void {
    switch (event.kind) {
      case 'start':
        // Held until the next event: a provider that tells its usage at the start is then repeated faithfully.
        this.held = event
        this.ids = new ToolIds(`toolu_${event.id}`)
        return
      case 'usage':
        this.usage = event.usage
        return this.begin()
      case 'ping':
        this.begin()
        return this.put('ping', {})
      case 'native':
        return this.native(event)
      case 'block-start':
      case 'block-delta':
      case 'block-note':
      case 'block-seal':
      case 'block-end':
        this.begin()
        return this.step(event)
      case 'finish':
        this.begin()
        return this.finish(event)
      case 'error':
        this.done = true
        this.frames.push({
          event: 'error',
          data: JSON.stringify(writeError(new GatewayError(event.code, event.message), null)),
        })
        return
      default:
        event satisfies never
    }
  }

  private put(type: string, members: { readonly [member: string]: Writable }): void {
    this.frames.push({ event: type, data: printJson({ type, ...members }) })
  }

  private begin(): void {
    if (this.held === null) return
    const { id, model } = this.held
    this.held = null
    this.put('message_start', {
      message: {
        id: messageId(id),
        type: 'message',
        role: 'assistant',
        model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: writeUsage(this.usage),
      },
    })
  }

  private native(event: Extract<ChatEvent, { kind: 'native' }>): void {
    const extras = extrasOf(event)
    if (extras !== null) {
      if (extras.dialect === ANTHROPIC_MESSAGES) this.extras = extras.fields
      return
    }
    if (event.dialect !== ANTHROPIC_MESSAGES || !isObject(event.value) || typeof event.value['type'] !== 'string') return
    this.begin()
    this.frames.push({ event: event.value['type'], data: JSON.stringify(event.value) })
  }

  private step(event: BlockEvent): void {
    if (this.active === null && event.kind === 'block-start') {
      this.active = { index: event.index, block: this.open(event), seal: undefined }
      return
    }
    if (this.active?.index !== event.index) {
      const queue = this.waiting.get(event.index)
      if (queue !== undefined) queue.push(event)
      else if (event.kind === 'block-start') this.waiting.set(event.index, [event])
      return
    }
    switch (event.kind) {
      case 'block-delta':
        return this.active.block.delta(event.text)
      case 'block-note':
        if (event.citations !== undefined) this.active.block.note(event.citations)
        return
      case 'block-seal':
        this.active.seal = event.seal
        return
      case 'block-end':
        return this.close()
      case 'block-start':
        return
      default:
        event satisfies never
    }
  }

  /** Ends the open block and goes on with the next that waits. */
  private close(): void {
    this.active?.block.end(this.active.seal)
    this.active = null
    for (const [index, steps] of this.waiting) {
      this.waiting.delete(index)
      for (const step of steps) this.step(step)
      if (this.active !== null) return
    }
  }

  private open(event: Extract<BlockEvent, { kind: 'block-start' }>): OpenBlock {
    const { block } = event
    switch (block.kind) {
      case 'text':
        return this.textBlock()
      case 'refusal':
        this.said.refusal = true
        return this.textBlock()
      case 'reasoning':
        return this.reasoning()
      case 'tool-call':
        this.said.calls = true
        return this.toolUse(block.id, block.name)
      case 'native':
        if (block.dialect === ANTHROPIC_MESSAGES && isObject(block.value)) this.nativeBlock(block.value)
        return { delta() {}, note() {}, end() {} }
      default:
        return block satisfies never
    }
  }

  private textBlock(): OpenBlock {
    let isOpen = false
    const start = () => {
      if (!isOpen) this.put('content_block_start', { index: this.wireIndex, content_block: { type: 'text', text: '' } })
      isOpen = true
    }
    return {
      delta: (text) => {
        if (text === '') return
        start()
        this.blockDelta({ type: 'text_delta', text })
      },
      note: (citations) => {
        for (const citation of citations) {
          const written = writeCitation(citation)
          if (written === null) continue
          start()
          this.blockDelta({ type: 'citations_delta', citation: written })
        }
      },
      end: () => {
        if (isOpen) this.blockStop()
      },
    }
  }

  private reasoning(): OpenBlock {
    let text = ''
    const start = () =>
      this.put('content_block_start', {
        index: this.wireIndex,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      })
    return {
      delta: (more) => {
        if (more === '') return
        if (text === '') start()
        text = more // only whether there is some matters below
        this.blockDelta({ type: 'thinking_delta', thinking: more })
      },
      note() {},
      end: (seal) => {
        const block = reasoningBlock(text, seal)
        if (block === null) return
        if (block.type === 'redacted_thinking') this.put('content_block_start', { index: this.wireIndex, content_block: block })
        else {
          if (text === '') start()
          if (block['signature'] !== '') this.blockDelta({ type: 'signature_delta', signature: block['signature'] })
        }
        this.blockStop()
      },
    }
  }

  /**
   * Arguments go out as they come, so that a client can show them grow; that they break off at a length limit is the API's own way.
   * Only text that cannot be an object (it does not begin with a brace) waits for its end and is wrapped into one.
   */
  private toolUse(id: string, name: string): OpenBlock {
    this.put('content_block_start', {
      index: this.wireIndex,
      content_block: { type: 'tool_use', id: this.ids.call(id), name, input: {} },
    })
    let held = ''
    let streams = false
    return {
      delta: (text) => {
        if (!streams) {
          held += text
          if (!held.trimStart().startsWith('{')) return
          streams = true
          text = held
          held = ''
        }
        if (text !== '') this.blockDelta({ type: 'input_json_delta', partial_json: text })
      },
      note() {},
      end: (seal) => {
        if (!streams) this.blockDelta({ type: 'input_json_delta', partial_json: asObjectText(held) })
        this.blockStop()
        if (seal === undefined) return
        const { signature } = callSealBlock(seal)
        this.put('content_block_start', {
          index: this.wireIndex,
          content_block: { type: 'thinking', thinking: '', signature: '' },
        })
        this.blockDelta({ type: 'signature_delta', signature })
        this.blockStop()
      },
    }
  }

  private nativeBlock(value: JsonObject): void {
    const input = nativeInput(value)
    const block = input === null ? writeNative(value) : { ...value, input: {} }
    this.put('content_block_start', { index: this.wireIndex, content_block: block })
    if (input !== null) this.blockDelta({ type: 'input_json_delta', partial_json: input })
    this.blockStop()
  }

  private blockDelta(delta: Writable): void {
    this.put('content_block_delta', { index: this.wireIndex, delta })
  }

  private blockStop(): void {
    this.put('content_block_stop', { index: this.wireIndex++ })
  }

  private finish(event: Finish): void {
    this.done = true
    while (this.active !== null) this.close()
    const { context_management: contextManagement, ...fields } = this.extras
    this.put('message_delta', {
      delta: { stop_reason: stopReasonOf(event, this.said), stop_sequence: null, ...fields },
      usage: writeUsage(this.usage),
      context_management: contextManagement,
    })
    this.put('message_stop', {})
  }
}
