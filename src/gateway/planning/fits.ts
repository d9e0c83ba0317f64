// Which targets a prompt surely does not fit: they are not asked first for a refusal that is known before. Only where somebody else is left, and
// nothing here is a count of tokens: a bound that no text stays below.

import { Body } from '../../core/body.ts'
import type { Job } from '../job.ts'
import type { Target } from './plan.ts'
import { mayFollow } from './tree.ts'
import type { Removed } from './wanted.ts'
import { targetId } from './candidate.ts'

/** Where the languages have what the model reads. What stands beside it (tools, names of members) is not counted. */
const TEXTS = ['system', 'instructions', 'systemInstruction', 'system_instruction', 'messages', 'input', 'contents', 'prompt'] as const
/** Of bytes that are no space and do not repeat the one before: English has about four in a token, and Chinese, of three bytes a sign, fewer. */
const MOST_BYTES_A_TOKEN = 6
/** A longer word is none, but a picture, a signature or sealed thoughts, which nobody can count. */
const LONGEST_WORD = 256

/** `removed` gets what is left out. */
export function fitting(targets: readonly Target[], job: Job, removed: Removed[]): readonly Target[] {
  const { body, intent, client } = job
  if (targets.length < 2 || client.needs === undefined || !(body instanceof Body)) return targets
  const least = Math.min(...targets.map(windowOf))
  if (body.byteLength <= least * MOST_BYTES_A_TOKEN) return targets
  if (intent.needs.has('image') || intent.needs.has('audio') || intent.needs.has('file')) return targets
  if (body.member(['truncation']) === '"auto"') return targets // the place cuts it until it fits
  // Whoever is there for prompts that are too long is led to by the refusal of the one before.
  if (targets.some(({ leaf }) => mayFollow(leaf, 'context', null) && !mayFollow(leaf, 'outage', null))) return targets
  const tokens = leastTokens(body)
  const left = targets.filter((target) => windowOf(target) >= tokens)
  if (left.length === targets.length || !left.some(({ leaf }) => mayFollow(leaf, 'outage', null))) return targets
  for (const one of targets)
    if (!left.includes(one)) removed.push({ target: targetId(one.candidate), by: 'context_length', leaf: one.leaf })
  return left
}

/** In tokens; one that nobody knows takes anything. */
function windowOf({ candidate }: Target): number {
  return candidate.entry?.contextTokens ?? Number.POSITIVE_INFINITY
}

function leastTokens(body: Pick<Body, 'span'>): number {
  let bytes = 0
  for (const name of TEXTS) {
    const span = body.span(name)
    if (span === null || (name === 'prompt' && span[0] === LIST)) continue // each of a list of prompts is by itself
    bytes += textBytes(span)
  }
  return Math.floor(bytes / MOST_BYTES_A_TOKEN)
}

const LIST = 0x5b
const QUOTE = 0x22
const BACKSLASH = 0x5c
const SMALL_U = 0x75

/** Bytes within strings of JSON that no tokenizer makes vanish. */
function textBytes(json: Uint8Array): number {
  let sum = 0
  let word = 0
  let isAscii = true
  let inside = false
  let before = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0
    if (byte === QUOTE || byte <= 0x20 || byte === BACKSLASH) {
      if (word <= LONGEST_WORD || !isAscii) sum += word
      word = 0
      isAscii = true
      before = byte
      if (byte === QUOTE) inside = !inside
      if (byte !== BACKSLASH) continue
      const isSign = json[at + 1] === SMALL_U
      if (isSign) sum += 2 // a sign that is written as its number
      at += isSign ? 5 : 1
      continue
    }
    if (inside && byte !== before) word++
    if (byte >= 0x80) isAscii = false
    before = byte
  }
  return sum
}
