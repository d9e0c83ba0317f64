// Tool calls of a chat stream put together from their fragments, whatever a host leaves out: ids, indexes, names, pieces.

import type { Block, ChatEvent, JsonObject, Seal } from '../../core/canonical.ts'
import { distinctCallId } from './response-reading.ts'
import { firstText, isObject, objectsOf, sealIn } from './wire.ts'

type Call = { said: string; name: string; index: number | null; seal: Seal | null }
export type Fragment = {
  readonly key: string | number | null
  readonly id: string
  readonly name: string
  readonly piece: string
  readonly seal: Seal | undefined
}

/** The fragments of calls in one delta; a legacy `function_call` counts as one. Arguments given as an object arrive as their raw text. */
export function fragmentsOf(delta: JsonObject): readonly Fragment[] {
  const fragments = objectsOf(delta['tool_calls']).map((call): Fragment => {
    const made = isObject(call['function']) ? call['function'] : {}
    const custom = isObject(call['custom']) ? call['custom'] : {}
    const index = call['index']
    const id = firstText(call['id'])
    return {
      key: typeof index === 'number' || typeof index === 'string' ? index : id === '' ? null : id,
      id,
      name: firstText(made['name'], custom['name']),
      piece: firstText(made['arguments'], custom['input']),
      seal: sealIn(call['extra_content']),
    }
  })
  const legacy = delta['function_call']
  if (!isObject(legacy)) return fragments
  return [...fragments, { key: 'legacy', id: '', name: firstText(legacy['name']), piece: firstText(legacy['arguments']), seal: undefined }]
}

export class CallReader {
  replyId = ''
  readonly #start: (block: Block) => number
  readonly #emit: (event: ChatEvent) => void
  readonly #calls: Call[] = []
  readonly #byKey = new Map<string | number, Call>()
  readonly #taken = new Set<string>()

  constructor(start: (block: Block) => number, emit: (event: ChatEvent) => void) {
    this.#start = start
    this.#emit = emit
  }

  get count(): number {
    return this.#calls.length
  }

  read({ key, id, name, piece, seal }: Fragment): void {
    let call = key === null ? (name === '' ? this.#calls.at(-1) : undefined) : this.#byKey.get(key)
    // Some hosts number every parallel call 0: another id with a name is another call.
    if (call === undefined || (id !== '' && call.said !== '' && id !== call.said && name !== '')) {
      if (id === '' && name === '' && piece === '') return // a legacy call of empty texts is no call
      for (const before of this.#calls) this.#begin(before)
      call = { said: id, name, index: null, seal: null }
      this.#calls.push(call)
      if (key !== null) this.#byKey.set(key, call)
    } else {
      call.said ||= id
      if (name !== '' && name !== call.name && call.index === null) call.name += name
    }
    if (seal !== undefined) call.seal ??= seal
    // Groq says `null` for no arguments; no object begins so.
    if (piece === '' || (piece === 'null' && call.index === null)) return
    // Only now is the name known to be whole.
    this.#emit({ kind: 'block-delta', index: this.#begin(call), text: piece })
  }

  /** Gives a seal to the call with this id; `false` when there is none. */
  seal(id: string, seal: Seal): boolean {
    const call = this.#calls.find(({ said }) => said === id)
    if (call === undefined) return false
    call.seal ??= seal
    return true
  }

  close(): void {
    for (const call of this.#calls) {
      const index = this.#begin(call)
      if (call.seal !== null) this.#emit({ kind: 'block-seal', index, seal: call.seal })
      this.#emit({ kind: 'block-end', index })
    }
  }

  #begin(call: Call): number {
    const id = call.index === null ? distinctCallId(call.said, this.replyId, this.#calls.indexOf(call), this.#taken) : ''
    call.index ??= this.#start({ kind: 'tool-call', id, name: call.name })
    return call.index
  }
}
