// What a condition's tree says of it before it is ever asked: the variables and members it names, and what must not stand in it.

import type { ASTNode } from '@marcbachmann/cel-js'
import { isSecretHeader, TARGET_MEMBERS, VARIABLES } from './condition-facts.ts'

const LONGEST_PATTERN = 200
/** Macros whose first argument names a variable of their own. */
const BINDING: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])

export type Words = {
  readonly variables: ReadonlySet<string>
  /** Members of `params`. */
  readonly params: ReadonlySet<string>
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
  const words = { variables: new Set<string>(), params: new Set<string>() }
  walk(tree, new Set(), words)
  return words
}

type Found = { readonly variables: Set<string>; readonly params: Set<string> }

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
      if (method === 'matches') checkPattern(args[0], node.start)
      const own = args[0]
      walk(receiver, bound, found)
      const inside = BINDING.has(method) && own?.op === 'id' ? new Set([...bound, own.args]) : bound
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

/** The pattern is the operator's, but what it is held against may be anybody's: one that can take exponential time is refused. */
function checkPattern(node: ASTNode | undefined, start: number): void {
  const pattern = node === undefined ? null : literal(node)
  if (pattern === null) throw new ConditionFault('`matches` takes its pattern as a text', start)
  if (pattern.length > LONGEST_PATTERN)
    throw new ConditionFault(`a pattern of \`matches\` has at most ${LONGEST_PATTERN} characters`, start)
  try {
    new RegExp(pattern)
  } catch {
    throw new ConditionFault('the pattern of `matches` is no regular expression', start)
  }
  if (isExplosive(pattern)) {
    throw new ConditionFault(
      'a repeated group of the pattern holds a repetition, alternatives or a back-reference, which can take forever',
      start,
    )
  }
}

/** A group under `*`, `+` or `{…}` with a repetition or alternatives inside, or a back-reference anywhere. Refuses more than it must. */
function isExplosive(pattern: string): boolean {
  const risky: boolean[] = []
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]
    if (c === '\\') {
      i++
      if (/[1-9k]/.test(pattern[i] ?? '')) return true
    } else if (c === '[') {
      for (i++; i < pattern.length && pattern[i] !== ']'; i++) if (pattern[i] === '\\') i++
    } else if (c === '(') {
      risky.push(false)
      if (pattern[i + 1] === '?') i++
    } else if (c === ')') {
      const inner = risky.pop() ?? false
      const repeated = /[*+{]/.test(pattern[i + 1] ?? '')
      if (inner && repeated) return true
      if ((inner || repeated) && risky.length > 0) risky[risky.length - 1] = true
    } else if (/[*+?{|]/.test(c ?? '') && risky.length > 0) risky[risky.length - 1] = true
  }
  return false
}
