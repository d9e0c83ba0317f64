// Anthropic's own events as Bedrock's InvokeModel streams them: each one in base64 inside an AWS event stream. Gives the events as they
// were, so that a client of that language can be sent them. Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html

import type { Frame } from '../dialects/contract.ts'
import { AwsEventStreamReader } from './aws-event-stream.ts'
import { GatewayError } from './errors.ts'
import { framesText, type FrameSource } from './sse.ts'

const decoder = new TextDecoder()

export class AwsWrappedEventsReader implements FrameSource {
  readonly #messages = new AwsEventStreamReader()

  push(bytes: Uint8Array): readonly Frame[] {
    return this.#messages.push(bytes).map(unwrapped)
  }

  end(): readonly Frame[] {
    return []
  }

  /** What is passed on is made of whole frames: nothing is open. */
  farewell(frames: readonly Frame[]): string {
    return framesText(frames)
  }
}

function unwrapped({ event, data }: Frame): Frame {
  if (event !== 'chunk') return errorEvent(event ?? '', data)
  const bytes = memberOf(data, 'bytes')
  let text: string
  try {
    text = decoder.decode(Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0)))
  } catch (cause) {
    throw garbled(cause)
  }
  return { event: memberOf(text, 'type'), data: text }
}

/** AWS's exceptions in the words that this language has for them. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['throttlingexception', 'rate_limit_error'],
  ['servicequotaexceededexception', 'rate_limit_error'],
  ['serviceunavailableexception', 'overloaded_error'],
  ['modelnotreadyexception', 'overloaded_error'],
  ['modeltimeoutexception', 'timeout_error'],
  ['accessdeniedexception', 'permission_error'],
  ['validationexception', 'invalid_request_error'],
])

function errorEvent(name: string, data: string): Frame {
  const type = TYPES.get(name.toLowerCase()) ?? 'api_error'
  return { event: 'error', data: JSON.stringify({ type: 'error', error: { type, message: wordsOf(data) || name } }) }
}

function wordsOf(data: string): string {
  try {
    return memberOf(data, 'message')
  } catch {
    return data // an exception whose payload is plain text
  }
}

/** A text member of a JSON object. @throws GatewayError `upstream-garbled` */
function memberOf(json: string, name: string): string {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw garbled(cause)
  }
  const member =
    typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as { [name: string]: unknown })[name] : null
  if (typeof member !== 'string') throw garbled()
  return member
}

function garbled(cause?: unknown): GatewayError {
  return new GatewayError('upstream-garbled', 'The provider sent a chunk that is no event.', { cause })
}
