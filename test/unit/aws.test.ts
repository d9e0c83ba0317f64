// What Bedrock needs of AWS: event streams whose checksums count, and signatures. Vectors of smithy-typescript and awslabs/aws-c-auth.

import { EventStreamCodec } from '@smithy/core/event-streams'
import { describe, expect, it } from 'vitest'
import { AwsEventStreamReader } from '../../src/core/aws-event-stream.ts'
import { framingReader } from '../../src/core/framing.ts'
import { missingSettings } from '../../src/providers/configured.ts'
import { bedrock } from '../../src/providers/bedrock.ts'

const WORLD = { fetch: () => Promise.reject(new Error('no network')), nowMs: 0 }

const encoder = new TextEncoder()
const codec = new EventStreamCodec(
  (bytes) => new TextDecoder().decode(bytes as Uint8Array),
  (text) => encoder.encode(text),
)
const text = (value: string) => ({ type: 'string', value }) as const

function message(headers: { readonly [name: string]: string }, body: string): Uint8Array {
  return codec.encode({
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)])),
    body: encoder.encode(body),
  })
}

const EVENT = message(
  { ':message-type': 'event', ':event-type': 'contentBlockDelta', ':content-type': 'application/json' },
  '{"delta":{"text":"ä"}}',
)
const EXCEPTION = message({ ':message-type': 'exception', ':exception-type': 'throttlingException' }, '{"message":"slow down"}')
const ERROR = message({ ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'no "luck"' }, '')
const STREAM = Uint8Array.from([...EVENT, ...EXCEPTION, ...ERROR])
const FRAMES = [
  { event: 'contentBlockDelta', data: '{"delta":{"text":"ä"}}' },
  { event: 'throttlingException', data: '{"message":"slow down"}' },
  { event: 'InternalError', data: '{"message":"no \\"luck\\""}' },
]

describe('an AWS event stream', () => {
  it('gives the same frames wherever its bytes are cut', () => {
    for (let at = 0; at <= STREAM.length; at++) {
      const reader = framingReader('aws-event-stream')
      expect([...reader.push(STREAM.subarray(0, at)), ...reader.push(STREAM.subarray(at)), ...reader.end()]).toEqual(FRAMES)
    }
    const reader = new AwsEventStreamReader()
    expect(Array.from(STREAM, (_, at) => reader.push(STREAM.subarray(at, at + 1))).flat()).toEqual(FRAMES)
  })

  it('gives nothing of a message that is cut', () => {
    const reader = new AwsEventStreamReader()
    expect([...reader.push(EVENT.subarray(0, EVENT.length - 1)), ...reader.end()]).toEqual([])
  })

  it('refuses every flipped bit', () => {
    const garbled = expect.objectContaining({ name: 'GatewayError', code: 'upstream-garbled' })
    for (let at = 0; at < EVENT.length; at++) {
      const spoilt = EVENT.slice()
      spoilt[at] = (spoilt[at] ?? 0) ^ 1
      const reader = new AwsEventStreamReader()
      // A longer length waits for bytes that do not come; all else is found out.
      let frames: readonly unknown[] = []
      try {
        frames = reader.push(spoilt)
      } catch (error) {
        expect(error).toEqual(garbled)
      }
      expect(frames, `byte ${at}`).toEqual([])
    }
  })

  it('refuses a length that no message has, without waiting for it', () => {
    for (const length of [0, 15, 0x7fffffff]) {
      const bytes = new Uint8Array(16)
      new DataView(bytes.buffer).setUint32(0, length)
      expect(() => new AwsEventStreamReader().push(bytes)).toThrow(expect.objectContaining({ code: 'upstream-garbled' }))
    }
  })
})

describe('a request to Bedrock', () => {
  const call = {
    url: 'https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude%3A0/converse',
    headers: new Headers({ 'content-type': 'application/json' }),
    bytes: encoder.encode('{"messages":[]}'),
  }
  const secrets = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
  const NOW_MS = Date.UTC(2015, 7, 30, 12, 36, 0)

  it('is signed as AWS’s Signature Version 4 says', async () => {
    const signed = await bedrock.sign?.(call, { secrets, baseUrl: null, region: 'us-east-1' }, NOW_MS)
    expect(signed).toEqual({
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=${await expected()}`,
      'x-amz-date': '20150830T123600Z',
    })
  })

  it('carries the session’s token, and another signature for other bytes', async () => {
    const settings = { secrets: { ...secrets, AWS_SESSION_TOKEN: 'token' }, baseUrl: null, region: 'us-east-1' }
    const [one, other] = await Promise.all([
      bedrock.sign?.(call, settings, NOW_MS),
      bedrock.sign?.({ ...call, bytes: encoder.encode('{}') }, settings, NOW_MS),
    ])
    expect(one).toMatchObject({ 'x-amz-security-token': 'token' })
    expect(one?.['authorization']).not.toBe(other?.['authorization'])
  })

  it('is not signed when a key of Bedrock’s own is set', async () => {
    const settings = { secrets: { ...secrets, BEDROCK_API_KEY: 'key' }, baseUrl: null, region: 'us-east-1' }
    expect(await bedrock.sign?.(call, settings, NOW_MS)).toEqual({})
    expect(await bedrock.authorize(settings, WORLD)).toEqual({ authorization: 'Bearer key' })
    expect(await bedrock.authorize({ secrets, baseUrl: null, region: null }, WORLD)).toEqual({})
  })

  it('needs one way to be authorised and a region', () => {
    const missing = (...names: string[]) => missingSettings(bedrock, (name) => names.includes(name))
    expect(missing()).toEqual(['BEDROCK_API_KEY', 'BEDROCK_REGION'])
    expect(missing('AWS_ACCESS_KEY_ID', 'AWS_REGION')).toEqual(['BEDROCK_API_KEY'])
    expect(missing('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION')).toEqual([])
    expect(bedrock.address?.baseUrl((name) => (name === 'AWS_REGION' ? 'eu-west-1' : null))).toBe(
      'https://bedrock-runtime.eu-west-1.amazonaws.com',
    )
    expect(bedrock.address?.baseUrl(() => 'evil.example/x')).toBeNull()
  })

  /** The signature by the published steps, apart from the library. */
  async function expected(): Promise<string> {
    const hex = (bytes: ArrayBuffer) => Buffer.from(bytes).toString('hex')
    const sha = async (value: Uint8Array) => hex(await crypto.subtle.digest('SHA-256', value as Uint8Array<ArrayBuffer>))
    const hmac = async (key: Uint8Array, value: string) => {
      const made = await crypto.subtle.importKey('raw', key as Uint8Array<ArrayBuffer>, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
      return new Uint8Array(await crypto.subtle.sign('HMAC', made, encoder.encode(value)))
    }
    const canonical = `POST\n/model/anthropic.claude%253A0/converse\n\nhost:bedrock-runtime.us-east-1.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n${await sha(call.bytes)}`
    const toSign = `AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/bedrock/aws4_request\n${await sha(encoder.encode(canonical))}`
    let key = encoder.encode(`AWS4${secrets.AWS_SECRET_ACCESS_KEY}`) as Uint8Array
    for (const step of ['20150830', 'us-east-1', 'bedrock', 'aws4_request']) key = await hmac(key, step)
    return Buffer.from(await hmac(key, toSign)).toString('hex')
  }
})
