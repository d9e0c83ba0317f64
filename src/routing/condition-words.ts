// What a condition's tree says of it before it is ever asked: the variables and members it names, and what must not stand in it.

import type { ASTNode } from '@marcbachmann/cel-js'
import { isSecretHeader, TARGET_MEMBERS, VARIABLES } from './condition-facts.ts'
import { BOUNDED, patternFault } from './condition-patterns.ts'

/** Macros whose first argument names a variable of their own. */
const BINDING: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])

export type Words = {
  readonly variables: ReadonlySet<string>
  /** Members of `params`. */
  readonly params: ReadonlySet<string>
  /** Where the names of `matches` stand: behind what they are called on, before their argument. */
  readonly patterns: readonly (readonly [from: number, to: number])[]
}

/** Why a condition cannot be used; `start` counts characters from 0. */
export class ConditionFault extends Error {
  readonly start: number

  constructor(message: string, start: number) {
    super(message)
    this.start = start
  }
}

/** @throws ConditionFault */
export function wordsOf(tree: ASTNode): Words {
  const words: Found = { variables: new Set(), params: new Set(), patterns: [] }
  walk(tree, new Set(), words)
  return words
}

type Found = { readonly variables: Set<string>; readonly params: Set<string>; readonly patterns: [number, number][] }

function walk(node: ASTNode, bound: ReadonlySet<string>, found: Found): void {
  switch (node.op) {
    case 'value':
      return
    case 'id':
      if (bound.has(node.args)) return
      name(node.args, node.start, found)
      if (node.args === 'params') throw new ConditionFault('`params` needs the name of a member: params.temperature', node.start)
      return
    case '.':
    case '.?':
      if (!member(node.args[0], node.args[1], bound, found)) walk(node.args[0], bound, found)
      return
    case '[]':
    case '[?]':
      if (member(node.args[0], literal(node.args[1]), bound, found)) return
      break
    case 'in':
      if (member(node.args[1], literal(node.args[0]), bound, found)) return
      break
    case 'rcall': {
      const [method, receiver, args] = node.args
      const own = args[0]
      if (method === 'matches' || method === BOUNDED) {
        checkPattern(own, node.start)
        found.patterns.push([receiver.end, own?.start ?? node.end])
      }
      walk(receiver, bound, found)
      const binds = BINDING.has(method) && own?.op === 'id'
      // a list is as long as a client makes it
      if (binds && bound.size > 0) throw new ConditionFault(`\`${method}\` cannot stand inside another one of its kind`, node.start)
      const inside = binds ? new Set([...bound, own.args]) : bound
      for (const arg of args) walk(arg, inside, found)
      return
    }
    case 'call':
      for (const arg of node.args[1]) walk(arg, bound, found)
      return
    case 'list':
      for (const item of node.args) walk(item, bound, found)
      return
    case 'map':
      for (const [key, value] of node.args) {
        walk(key, bound, found)
        walk(value, bound, found)
      }
      return
    case '!_':
    case '-_':
      walk(node.args, bound, found)
      return
    default:
  }
  for (const part of node.args) walk(part, bound, found)
}

function name(variable: string, start: number, found: Found): void {
  if (!VARIABLES.has(variable)) throw new ConditionFault(`there is no variable \`${variable}\``, start)
  found.variables.add(variable)
}

/** `true`: a member of a variable whose members are checked by name. */
function member(of: ASTNode, key: string | null, bound: ReadonlySet<string>, found: Found): boolean {
  if (of.op !== 'id' || key === null || bound.has(of.args)) return false
  name(of.args, of.start, found)
  if (of.args === 'params') found.params.add(key)
  if (of.args === 'target' && !TARGET_MEMBERS.has(key)) {
    throw new ConditionFault(`\`target\` has no \`${key}\`, only ${[...TARGET_MEMBERS].join(', ')}`, of.start)
  }
  if (of.args === 'headers') {
    if (key !== key.toLowerCase()) throw new ConditionFault(`headers are named in lower case: \`${key.toLowerCase()}\``, of.start)
    if (isSecretHeader(key)) throw new ConditionFault(`\`${key}\` may hold a credential, so conditions do not see it`, of.start)
  }
  return true
}

function literal(node: ASTNode): string | null {
  return node.op === 'value' && typeof node.args === 'string' ? node.args : null
}

function checkPattern(node: ASTNode | undefined, start: number): void {
  const pattern = node === undefined ? null : literal(node)
  const fault = pattern === null ? '`matches` takes its pattern as a text' : patternFault(pattern)
  if (fault !== null) throw new ConditionFault(fault, start)
}
