// What an importer of another gateway's configuration gives back: a route document, and all that did not go into it. Readers of loose JSON.

import type { RouteDocument, TargetObject } from '../document-shape.ts'
import { isObject, memberFault } from '../members.ts'

/** `path` in the file that was read; `message`: why it was left out, or what to do instead. Never a value: it may be a secret. */
export type Note = { readonly path: string; readonly message: string }
export type Imported = { readonly document: RouteDocument; readonly notes: readonly Note[] }

export type Loose = { readonly [member: string]: unknown }

export function loose(value: unknown): Loose {
  return isObject(value) ? value : {}
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}

export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Texts of numbers too, as YAML files have them. */
export function number(value: unknown): number | null {
  const said = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof said === 'number' && Number.isFinite(said) ? said : null
}

/** `null`: less than one, or none. */
export function whole(value: unknown): number | null {
  const said = number(value)
  return said === null || said < 1 ? null : Math.round(said)
}

export class Notes {
  readonly all: Note[] = []

  add(path: string, message: string): void {
    if (!this.all.some((note) => note.path === path && note.message === message)) this.all.push({ path, message })
  }

  /** A name without what names may not have. */
  name(said: string, path: string): string {
    const plain = said
      .trim()
      .replace(/[^\x21-\x7e]+/g, '-')
      .slice(0, 256)
    if (plain !== said) this.add(path, `is called ${plain} here`)
    return plain
  }

  /** What members may not be set is left out with a note; `also`: what the caller looks at itself. */
  members(said: Loose, path: string, also: readonly string[] = []): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(said).filter(([member]) => {
        if (also.includes(member)) return true
        const fault = /^[A-Za-z0-9_$-]{1,64}$/.test(member) ? memberFault(member) : 'is no name of a member'
        if (fault !== null) this.add(`${path}.${member}`, fault)
        return fault === null
      }),
    )
  }

  /** Members that nobody has asked for above. */
  rest(said: Loose, known: ReadonlyMap<string, string | null>, path: string, otherwise: string): void {
    for (const [member, value] of Object.entries(said)) {
      const why = known.get(member)
      if (why === null || value === null || value === undefined) continue
      this.add(path === '' ? member : `${path}.${member}`, why ?? otherwise)
    }
  }
}

/** A target that says nothing but its model is its name. */
export function shortest(target: TargetObject): string | TargetObject {
  return Object.keys(target).length === 1 && target.model !== undefined ? target.model : target
}

/** The account of a place whose secret stands in a variable of this name: what is behind `_API_KEY` where there is something. */
export function credentialName(variable: string): string {
  const behind = /_API_KEY_([A-Za-z0-9_-]+)$/.exec(variable)?.[1] ?? variable
  return (
    behind
      .replace(/[^A-Za-z0-9_-]+/g, '_')
      .replace(/^[_-]+/, '')
      .slice(0, 40) || 'other'
  )
}
