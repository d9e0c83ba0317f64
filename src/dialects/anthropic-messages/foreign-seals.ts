// Thinking blocks of a conversation that was led elsewhere before, in a request that is forwarded: their signatures are others' or
// none, and the API refuses both. All other blocks and messages stay byte for byte.

import type { JsonObject, JsonValue } from '../../core/canonical.ts'
import { parseKeepingRaw, printJson, Raw, rawPaths, type Writable } from '../../core/json-raw.ts'
import type { ClientBody, Orders, Unsealed } from '../contract.ts'
import { isArray, isObject, ISSUER, parseObject, readForeignSignature, textOr } from './wire.ts'

const MESSAGES = rawPaths('messages.*')
const BLOCKS = rawPaths('content.*')
const OURS = /"sluice(?:-call)?:/
/** A thought that came without a seal is told with an empty signature. Hosts that sign nothing take it back so. */
const UNSIGNED = /"signature"\s*:\s*""/

type Reports = { readonly dropped: string[]; readonly approximated: string[] }

/** `null`: every thought in it is the place's own. */
export function withoutForeignSeals(body: ClientBody, { habits }: Orders): Unsealed | null {
  if (!body.types.has('thinking')) return null
  const text = body.member(['messages'])
  const refuses = (some: string): boolean => OURS.test(some) || (habits.issuer === ISSUER && UNSIGNED.test(some))
  if (text === null || !refuses(text) || !holdsObjects(text)) return null
  const raws = parseKeepingRaw(`{"messages":${text}}`, MESSAGES)['messages']
  if (!isArray(raws)) return null
  const reports: Reports = { dropped: [], approximated: [] }
  const messages = raws.flatMap((raw, i): readonly Message[] => {
    const said = rawText(raw)
    const message = refuses(said) ? rewritten(said, `messages[${i}]`, habits.issuer, reports) : null
    if (message === null) return [{ json: new Raw(said), text: said }]
    return message === '' ? [] : [{ json: new Raw(message), text: message }]
  })
  const edits = [{ path: ['messages'] as const, json: printJson(messages.map(({ json }) => json)) }]
  if (
    mayThink(
      body,
      messages.map((message) => parseObject(message.text) ?? {}),
    )
  )
    return { edits, ...reports }
  return { edits: [...edits, { path: ['thinking'], json: null }], ...reports, dropped: [...reports.dropped, 'reasoning'] }
}

type Message = { readonly json: Writable; readonly text: string }

/** The message's text without what is foreign, empty where nothing is left; `null`: it stays as it is. */
function rewritten(text: string, at: string, issuer: string, reports: Reports): string | null {
  const blocks = parseObject(text)?.['content']
  if (!isArray(blocks) || !blocks.every(isObject)) return null
  const message = parseKeepingRaw(text, BLOCKS)
  const raws = message['content']
  if (!isArray(raws)) return null
  const content = blocks.flatMap((block, i) => blockOf(block, rawText(raws[i]), at, issuer, reports))
  return content.length === 0 ? '' : printJson({ ...message, content })
}

function blockOf(block: JsonObject, raw: string, at: string, issuer: string, reports: Reports): readonly Writable[] {
  if (block['type'] !== 'thinking') return [new Raw(raw)]
  const thinking = textOr(block['thinking'], '')
  const signature = textOr(block['signature'], '')
  const foreign = readForeignSignature(signature)
  if (foreign === null && (signature !== '' || issuer !== ISSUER)) return [new Raw(raw)]
  if (foreign?.of === 'reasoning' && foreign.seal.issuer === issuer) return [{ ...block, signature: foreign.seal.value }]
  if (foreign !== null) reports.dropped.push(`${at}.signature`)
  if (foreign?.of === 'call' || thinking.trim() === '') return []
  reports.approximated.push(`${at}.reasoning`)
  return [{ type: 'text', text: `<thinking>${thinking}</thinking>` }]
}

/** A thinking budget needs the calls that are being answered to stand behind a thinking block. */
function mayThink(body: ClientBody, messages: readonly JsonObject[]): boolean {
  if (body.member(['thinking', 'type']) !== '"enabled"') return true
  const last = messages.at(-1)
  if (last?.['role'] !== 'user' || !blocksOf(last).some((block) => block['type'] === 'tool_result')) return true
  const spoke = messages.findLast((message) => message['role'] === 'assistant')
  const first = spoke === undefined ? undefined : blocksOf(spoke)[0]?.['type']
  return spoke === undefined || first === 'thinking' || first === 'redacted_thinking'
}

function blocksOf(message: JsonObject): readonly JsonObject[] {
  const { content } = message
  return isArray(content) ? content.filter(isObject) : []
}

/** A value at a raw path is its own text. */
function rawText(raw: JsonValue | undefined): string {
  return typeof raw === 'string' ? raw : JSON.stringify(raw ?? null)
}

function holdsObjects(text: string): boolean {
  const value: unknown = JSON.parse(text)
  return Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null && !Array.isArray(item))
}
