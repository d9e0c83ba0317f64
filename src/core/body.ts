// A request body as it arrived: found members, raw texts, edits on the bytes. It never rebuilds what the client wrote.

import type { JsonObject } from './canonical.ts'
import { GatewayError } from './errors.ts'
import { parseKeepingRaw, type RawPaths } from './json-raw.ts'
import { membersOf, scanJson, textOf, type Member, type Scan } from './json-scan.ts'
import type { Edits, Path } from './json-splice.ts'

const encoder = new TextEncoder()

/** Implements the `ClientBody` of the dialect contract over bytes. */
export class Body {
  readonly bytes: Uint8Array
  readonly #scan: Scan
  #parsed: { readonly raw: RawPaths; readonly value: JsonObject } | null = null

  /** @throws GatewayError `request-malformed` */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#scan = scanJson(bytes)
  }

  get byteLength(): number {
    return this.bytes.length
  }

  get types(): ReadonlySet<string> {
    return this.#scan.types
  }

  get refersOutside(): boolean {
    return this.#scan.refersOutside
  }

  /** Raw JSON text of a member; `null` when it, or a parent, is absent or no object. @throws GatewayError `request-malformed` for a repeated nested member */
  member(path: Path): string | null {
    let found = this.#scan.members.get(path[0])
    for (let i = 1; i < path.length && found !== undefined; i++) {
      if (this.bytes[found.valueStart] !== 0x7b) return null
      const name = path[i]
      found = membersOf(this.bytes, found.valueStart).list.find((m) => m.name === name)
    }
    return found === undefined ? null : textOf(this.bytes, found.valueStart, found.valueEnd)
  }

  /** The bytes of a top-level member's value, shared with the body; `null`: it has none. For who must not make a text of them. */
  span(name: string): Uint8Array | null {
    const found = this.#scan.members.get(name)
    return found === undefined ? null : this.bytes.subarray(found.valueStart, found.valueEnd)
  }

  parsed(raw: RawPaths): JsonObject {
    if (this.#parsed?.raw !== raw) {
      try {
        this.#parsed = { raw, value: parseKeepingRaw(textOf(this.bytes, 0, this.bytes.length), raw) }
      } catch (cause) {
        throw new GatewayError('request-malformed', 'The body is not valid JSON.', { cause })
      }
    }
    return this.#parsed.value
  }

  /** The body with the edits made, as pieces that share the client's bytes. Later edits of one member win. */
  spliced(edits: Edits): readonly Uint8Array[] {
    if (edits.length === 0) return [this.bytes]
    const patches: Patch[] = []
    patchObject(this.bytes, [...this.#scan.members.values()], firstByte(this.bytes), edits, 0, patches)
    patches.sort((a, b) => a.start - b.start || a.end - b.end)
    const pieces: Uint8Array[] = []
    let from = 0
    for (const patch of patches) {
      if (patch.start > from) pieces.push(this.bytes.subarray(from, patch.start))
      if (patch.text !== '') pieces.push(encoder.encode(patch.text))
      from = Math.max(from, patch.end)
    }
    pieces.push(this.bytes.subarray(from))
    return pieces
  }
}

type Patch = { readonly start: number; readonly end: number; readonly text: string }

function firstByte(bytes: Uint8Array): number {
  return bytes.indexOf(0x7b)
}

/** Collects the patches for one object: `edits` are those below it, `level` steps of their paths are behind us. */
function patchObject(bytes: Uint8Array, members: readonly Member[], open: number, edits: Edits, level: number, patches: Patch[]): void {
  const byName = new Map<string, Edits>()
  for (const edit of edits) {
    const name = edit.path[level] as string
    byName.set(name, [...(byName.get(name) ?? []), edit])
  }
  const removed = new Set<string>()
  const known = new Set<string>()
  const added: string[] = []
  for (const member of members) {
    const group = byName.get(member.name)
    if (group === undefined) continue
    known.add(member.name)
    const own = group.findLast((e) => e.path.length === level + 1)
    if (own !== undefined) {
      if (own.json === null) removed.add(member.name)
      else patches.push({ start: member.valueStart, end: member.valueEnd, text: own.json })
    } else if (bytes[member.valueStart] === 0x7b) {
      patchObject(bytes, membersOf(bytes, member.valueStart).list, member.valueStart, group, level + 1, patches)
    } else {
      const fresh = freshObject(group, level + 1)
      if (fresh !== null) patches.push({ start: member.valueStart, end: member.valueEnd, text: fresh })
    }
  }
  for (const [name, group] of byName) {
    if (known.has(name)) continue
    const own = group.findLast((e) => e.path.length === level + 1)
    const text = own === undefined ? freshObject(group, level + 1) : own.json
    if (text !== null) added.push(`${JSON.stringify(name)}:${text}`)
  }
  patchRemoved(members, open, removed, patches)
  if (added.length > 0) {
    const last = members.findLast((m) => !removed.has(m.name))
    const at = last?.valueEnd ?? open + 1
    patches.push({ start: at, end: at, text: `${last === undefined ? '' : ','}${added.join(',')}` })
  }
}

/** A removed member takes the comma behind it along; a run of removed ones at the end takes the comma before it. */
function patchRemoved(members: readonly Member[], open: number, removed: ReadonlySet<string>, patches: Patch[]): void {
  if (removed.size === 0) return
  let tail = members.length
  while (tail > 0 && removed.has((members[tail - 1] as Member).name)) tail--
  for (let i = 0; i < tail; i++) {
    const member = members[i] as Member
    if (removed.has(member.name)) patches.push({ start: member.keyStart, end: (members[i + 1] as Member).keyStart, text: '' })
  }
  if (tail < members.length) {
    patches.push({ start: members[tail - 1]?.valueEnd ?? open + 1, end: (members.at(-1) as Member).valueEnd, text: '' })
  }
}

/** The text of an object that holds just these edits, or `null` when all of them remove. */
function freshObject(edits: Edits, level: number): string | null {
  const parts: string[] = []
  const names = new Set(edits.map((e) => e.path[level] as string))
  for (const name of names) {
    const group = edits.filter((e) => e.path[level] === name)
    const own = group.findLast((e) => e.path.length === level + 1)
    const text = own === undefined ? freshObject(group, level + 1) : own.json
    if (text !== null) parts.push(`${JSON.stringify(name)}:${text}`)
  }
  return parts.length === 0 ? null : `{${parts.join(',')}}`
}
