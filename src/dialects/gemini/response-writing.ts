// A reply as a whole GenerateContentResponse, and what its parts look like. Streams are written by stream-writing.ts; both must say the same.

import type { ChatResponse, JsonValue, MediaSource, Part, Seal } from '../../core/canonical.ts'
import type { Writable } from '../../core/json-raw.ts'
import { Raw, asObjectText, printJson } from '../../core/json-raw.ts'
import type { Intent, Served } from '../contract.ts'
import { Grounding } from './grounding-writing.ts'
import { logprobsResult } from './logprobs-writing.ts'
import { writeUsage } from './usage-writing.ts'
import { DIALECT, FOREIGN_SIGNATURE, ISSUER, isObject, writeFinish } from './wire.ts'

export type WirePart = { readonly [name: string]: Writable }

export function writeResponse(response: ChatResponse, intent: Intent, served: Served): string {
  const { parts, finish, usage } = response
  const grounding = new Grounding()
  for (const part of parts) if (part.kind === 'text' && part.citations !== undefined) grounding.add(part.citations, part.text)
  const firstCall = parts.findIndex((part) => part.kind === 'tool-call')
  const isRefusal = parts.some((part) => part.kind === 'refusal')
  return printJson({
    candidates: [
      {
        content: { parts: shown(parts, intent).flatMap((part, i) => writePart(part, i === firstCall)), role: 'model' },
        finishReason: writeFinish(finish.reason, finish.native, isRefusal),
        index: 0,
        groundingMetadata: grounding.metadata(),
        logprobsResult: logprobsResult(response.logprobs),
      },
    ],
    usageMetadata: usage === null ? undefined : writeUsage(usage),
    modelVersion: response.model || intent.model,
    responseId: response.id || served.requestId,
  })
}

/** A client that wants no thoughts gets what signs them all the same: the next turn needs it. */
function shown(parts: readonly Part[], intent: Intent): readonly Part[] {
  if (intent.hidesReasoning !== true) return parts
  return parts.map((part): Part => (part.kind === 'reasoning' ? { ...part, text: '' } : part))
}

function writePart(part: Part, isFirstCall: boolean): readonly WirePart[] {
  switch (part.kind) {
    case 'text':
    case 'reasoning':
      return writeText(part.kind, part.text, part.seal)
    case 'refusal':
      return writeText('text', part.text, undefined)
    case 'tool-call':
      return [writeCall(part.id, part.name, part.arguments, part.seal, isFirstCall)]
    case 'media':
      return writeMedia(part.mediaType, part.source)
    case 'native':
      return writeNative(part.dialect, part.value)
    case 'tool-result':
      return [] // no answer has one
    default:
      return part satisfies never
  }
}

export function writeText(kind: 'text' | 'reasoning', text: string, seal: Seal | undefined): readonly WirePart[] {
  const thoughtSignature = signatureOf(seal)
  if (text === '' && thoughtSignature === undefined) return []
  return [{ text, thought: kind === 'reasoning' ? true : undefined, thoughtSignature }]
}

/** `isFirst`: Google wants the first call of a step signed when the client sends it back; one that another made gets the word for that. */
export function writeCall(id: string, name: string, args: string, seal: Seal | undefined, isFirst: boolean): WirePart {
  const thoughtSignature = signatureOf(seal) ?? (isFirst ? FOREIGN_SIGNATURE : undefined)
  return { functionCall: { id: id || undefined, name, args: new Raw(asObjectText(args)) }, thoughtSignature }
}

export function writeNative(dialect: string, value: JsonValue): readonly WirePart[] {
  return dialect === DIALECT && isObject(value) ? [value] : []
}

export function writeMedia(mimeType: string, source: MediaSource): readonly WirePart[] {
  if (source.at === 'inline') return [{ inlineData: { mimeType, data: source.base64 } }]
  if (source.at === 'url') return [{ fileData: { mimeType, fileUri: source.url } }]
  return source.provider === ISSUER ? [{ fileData: { mimeType, fileUri: source.fileId } }] : []
}

/** Only Google's own: another vendor's seal in this place would be sent back to Google. */
function signatureOf(seal: Seal | undefined): string | undefined {
  return seal?.issuer === ISSUER ? seal.value : undefined
}
