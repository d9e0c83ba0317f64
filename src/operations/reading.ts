// Looks into bodies and answers of the operations that are translated: whole JSON texts, vectors, lists.

import type { JsonObject, JsonValue } from '../core/canonical.ts'
import { GatewayError } from '../core/errors.ts'
import type { ClientBody, Incoming, Intent } from '../dialects/contract.ts'
import { malformed } from '../dialects/openai-chat/expecting.ts'
import type { EmbeddingInput, OperationIncoming, OperationRequest } from './contract.ts'

/** A raw path for bodies that hold none. */
export const NO_RAW = {}

/** @throws GatewayError `upstream-garbled` */
export function answerObject(text: string): JsonObject {
  const value = objectIn(text)
  if (value === null) throw garbled('is no JSON object')
  return value
}

export function garbled(what: string): GatewayError {
  return new GatewayError('upstream-garbled', `The provider's answer ${what}.`)
}

/** The object that a text is; `null`: none. */
export function objectIn(text: string | null): JsonObject | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: unknown): value is readonly JsonValue[] {
  return Array.isArray(value)
}

export function countIn(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

/** The member `name` of `of`, where that is an object. */
export function within(of: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(of) ? of[name] : undefined
}

/** The body of a request that must be JSON. @throws GatewayError `request-malformed` */
export function jsonBody({ json }: OperationIncoming): ClientBody {
  if (json === null) throw new GatewayError('request-malformed', 'A JSON body (application/json) is wanted here.')
  return json
}

/** The same request as a chat dialect knows it. */
export function asChat(incoming: OperationIncoming): Incoming {
  const { path, query, headers, nowSeconds } = incoming
  return { path, query, headers, nowSeconds, body: jsonBody(incoming) }
}

/** What an operation on text has in common: nothing streams, nothing comes out that is billed by the token. */
export function plainIntent(model: string, body: ClientBody, nowSeconds: number): Intent {
  return {
    model,
    stream: false,
    wantsUsage: true,
    maxOutputTokens: 0,
    isCeilingFixed: true,
    reasoningTokens: null,
    choices: 1,
    needs: new Set(),
    inputBound: body.refersOutside ? null : body.byteLength,
    endUserId: null,
    session: null,
    nowSeconds,
  }
}

/** @throws Error when a language is handed what it did not ask for: a mistake in the code */
export function expected<Kind extends OperationRequest['kind'], T extends { readonly kind: string }>(
  kind: Kind,
  value: T,
): Extract<T, { readonly kind: Kind }> {
  if (value.kind !== kind) throw new Error(`${kind} was expected, not ${value.kind}.`)
  return value as Extract<T, { readonly kind: Kind }>
}

/** Inputs as texts. @throws GatewayError `request-unsupported`: tokens are those of one vocabulary, and nobody else's */
export function textsOf(inputs: readonly EmbeddingInput[]): readonly string[] {
  return inputs.map((input) => {
    if (typeof input === 'string') return input
    throw new GatewayError(
      'request-unsupported',
      "'input' as tokens is only possible where the place takes OpenAI's language: send texts.",
      {
        at: 'input',
      },
    )
  })
}

/** A vector as the client wants it. @throws GatewayError `upstream-garbled` */
export function vectorOf(value: JsonValue | undefined, format: 'float' | 'base64'): readonly number[] | string {
  const numbers = isList(value) ? value.filter((one) => typeof one === 'number') : []
  if (!isList(value) || numbers.length !== value.length || numbers.length === 0) throw garbled('has no vector where one must be')
  return format === 'float' ? numbers : base64Of(numbers)
}

/** float32, little-endian. */
export function base64Of(numbers: readonly number[]): string {
  const bytes = new Uint8Array(numbers.length * 4)
  const view = new DataView(bytes.buffer)
  numbers.forEach((number, i) => view.setFloat32(i * 4, number, true))
  let text = ''
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(text)
}

/** The numbers of such a text; `null`: it is none. */
export function floatsOf(base64: string): readonly number[] | null {
  let text: string
  try {
    text = atob(base64)
  } catch {
    return null
  }
  if (text.length % 4 !== 0) return null
  const view = new DataView(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer)
  return Array.from({ length: text.length / 4 }, (_, i) => view.getFloat32(i * 4, true))
}

const CHUNK = 8192

export { malformed }
