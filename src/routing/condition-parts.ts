// Takes a part of a condition's tree out as a condition of its own: its stretch of the text, read again. The library's positions leave out the
// brackets around a part's first and last operand, so those are looked for; its serializer is the last resort, for it rounds numbers and loads
// the platform's number formats, which takes 25 ms.

import { serialize, type ASTNode } from '@marcbachmann/cel-js'
import { ConditionFault } from './condition-words.ts'

/** What one reading gives: the tree and its evaluation. */
export type Part = ((values: { readonly [variable: string]: unknown }) => unknown) & { readonly ast: ASTNode }

/** The node as a condition by itself. @throws ConditionFault when it would not be the same */
export function partOf(node: ASTNode, parse: (text: string) => Part): Part {
  const shape = shapeOf(node)
  for (const text of [() => bracketed(node), () => serialize(node)]) {
    try {
      const part = parse(text())
      if (shapeOf(part.ast) === shape) return part
    } catch {
      // not a text by itself: the next way
    }
  }
  throw new ConditionFault('this cannot be evaluated by itself; write it with fewer brackets or comments', node.start)
}

/** The node's stretch of its text, with the brackets that it opens or closes only outside. */
function bracketed({ input, start, end }: ASTNode): string {
  let depth = 0
  let least = 0
  for (let at = start; at < end;) {
    const c = input[at]
    if (c === '"' || c === "'") {
      at = behindString(input, at)
      continue
    }
    if (c === '(') depth++
    else if (c === ')') least = Math.min(least, --depth)
    at++
  }
  const from = outwards(input, start, -1, -least)
  const to = outwards(input, end - 1, 1, depth - least)
  return input.slice(from, to + 1)
}

/** The place of so many brackets, nothing but space between them. */
function outwards(input: string, start: number, step: 1 | -1, count: number): number {
  let at = start
  for (let left = count; left > 0; left--) {
    at += step
    while (/\s/.test(input[at] ?? '')) at += step
  }
  return at
}

/** Behind a text in one or three quotes; raw ones have no escapes. */
function behindString(input: string, open: number): number {
  const quote = input[open] ?? ''
  const mark = input.startsWith(quote.repeat(3), open) ? quote.repeat(3) : quote
  const isRaw = /r/i.test(input.slice(Math.max(0, open - 2), open))
  for (let at = open + mark.length; at < input.length; at++) {
    if (input[at] === '\\' && !isRaw) at++
    else if (input.startsWith(mark, at)) return at + mark.length
  }
  return input.length
}

/** A tree as a text that is the same for the same tree only. */
function shapeOf(part: unknown): string {
  if (Array.isArray(part)) return `[${part.map(shapeOf).join()}]`
  if (typeof part === 'bigint') return `${part}n`
  if (typeof part !== 'object' || part === null) return JSON.stringify(part)
  if ('op' in part && 'args' in part) return `${String(part.op)}${shapeOf(part.args)}`
  if (part instanceof Uint8Array) return `b${part.join()}`
  const plain: unknown = part.valueOf()
  return typeof plain === 'bigint' ? `${plain}u` : 'unknown'
}
