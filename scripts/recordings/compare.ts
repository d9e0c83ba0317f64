// Says in words where our reading of an answer differs from what the recording holds.

import { isDeepStrictEqual } from 'node:util'
import type { Facts, Tokens } from './facts.ts'

/** One line for each difference; none: they are the same. */
export function differences(held: Facts, ours: Facts): readonly string[] {
  if (held.error !== null) return errorDifferences(held, ours)
  if (ours.error !== null) return [`an error instead of an answer: ${short(ours.error)}`]
  const found: string[] = []
  if (held.text !== ours.text) found.push(`text ${firstDifference(held.text, ours.text)}`)
  // Parts of a summary may be joined by other white space.
  if (squeezed(held.reasoning) !== squeezed(ours.reasoning)) found.push(`reasoning ${firstDifference(held.reasoning, ours.reasoning)}`)
  found.push(...callDifferences(held, ours))
  if (held.finish !== null && held.finish !== ours.finish) found.push(`finish: held ${held.finish}, read ${ours.finish}`)
  found.push(...tokenDifferences(held.tokens, ours.tokens))
  return found
}

function callDifferences(held: Facts, ours: Facts): readonly string[] {
  const names = ({ calls }: Facts): string => calls.map((call) => call.name).join(', ')
  if (names(held) !== names(ours)) return [`tool calls: held [${names(held)}], read [${names(ours)}]`]
  return held.calls.flatMap((call, i) => {
    const read = ours.calls[i]
    const found: string[] = []
    if (!isDeepStrictEqual(call.args, read?.args))
      found.push(`arguments of ${call.name}: held ${short(call.args)}, read ${short(read?.args)}`)
    // Where none was told, or the same for two calls, ours must still tell them apart; the client contract holds that.
    const isOwn = call.id !== '' && held.calls.filter((other) => other.id === call.id).length === 1
    if (isOwn && call.id !== read?.id) found.push(`id of ${call.name}: held ${call.id}, read ${read?.id}`)
    return found
  })
}

function tokenDifferences(held: Tokens | null, ours: Tokens | null): readonly string[] {
  if (held === null) return ours === null ? [] : ['usage: none is told, yet some was read']
  if (ours === null) return ['usage: lost']
  const kinds = Object.keys(held) as (keyof Tokens)[]
  return kinds
    .filter((kind) => (held[kind] ?? 0) !== (ours[kind] ?? 0) && !(kind === 'input' && held.input === null))
    .map((kind) => `usage ${kind}: held ${held[kind]}, read ${ours[kind]}`)
}

function errorDifferences(held: Facts, ours: Facts): readonly string[] {
  if (ours.error === null) return [`an answer instead of the error ${short(held.error)}`]
  const found: string[] = []
  if (held.error !== null && !says(ours.error, held.error)) found.push(`error words: held ${short(held.error)}, read ${short(ours.error)}`)
  if (held.text !== ours.text) found.push(`text before the error ${firstDifference(held.text, ours.text)}`)
  return found
}

/** Whether a message has these words in it: quotes, escapes and white space aside, the first 160 characters. */
export function says(message: string, words: string): boolean {
  return bare(message).includes(bare(words).slice(0, 160))
}

function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, '')
}

function bare(text: string): string {
  return text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/\\[nrt]|[\\"\s]+/g, '')
}

export function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 100 ? `${text.slice(0, 60)}…${text.slice(-30)}` : text
}

function firstDifference(held: string, read: string): string {
  if (read === '') return `lost (${held.length} characters)`
  let i = 0
  while (i < held.length && held[i] === read[i]) i++
  return `differs at character ${i} of ${held.length}: held ${short(held.slice(i, i + 40))}, read ${short(read.slice(i, i + 40))}`
}
