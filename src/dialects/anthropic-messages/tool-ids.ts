// Tool call ids that the Messages API and its clients accept: ^[a-zA-Z0-9_-]+$, each once.

/** Gives each call its id on the wire, and each result the id of the call it answers. `missing` is the base of ids for calls that have none. */
export class ToolIds {
  private readonly taken = new Set<string>()
  private readonly waiting = new Map<string, string[]>()
  private readonly last = new Map<string, string>()
  private readonly missing: string

  constructor(missing: string) {
    this.missing = plainId(missing)
  }

  call(id: string): string {
    const plain = plainId(id)
    const base = plain === '' ? this.missing : plain
    let wire = plain === '' ? `${base}_1` : base
    for (let n = 2; this.taken.has(wire); n++) wire = `${base}_${n}`
    this.taken.add(wire)
    const queue = this.waiting.get(id)
    if (queue === undefined) this.waiting.set(id, [wire])
    else queue.push(wire)
    return wire
  }

  /** Calls that share an id are answered in order; a result without a call keeps its own id. */
  result(id: string): string {
    const wire = this.waiting.get(id)?.shift() ?? this.last.get(id) ?? this.call(id)
    this.last.set(id, wire)
    return wire
  }
}

export function plainId(id: string): string {
  return id.replace(/[^a-zA-Z0-9_-]/g, '_')
}
