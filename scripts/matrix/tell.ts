// What of an answer each client language tells: a reply with one thing in it and the same reply without are written, and the texts compared.

import type { ChatResponse, Part } from '../../src/core/canonical.ts'
import { usageOf } from '../../src/core/usage.ts'
import type { ClientDialect, Intent, Served } from '../../src/dialects/contract.ts'

const TEXT: Part = { kind: 'text', text: 'Hi' }
const THOUGHT: Part = { kind: 'reasoning', text: 'So.' }
const CALL: Part = { kind: 'tool-call', id: 'call_1', name: 'look', arguments: '{}' }
const SEAL = { issuer: 'anthropic', value: 'c2lnbmF0dXJl' }

const PLAIN: ChatResponse = {
  id: 'r1',
  model: 'm',
  parts: [TEXT],
  finish: { reason: 'stop', native: 'end' },
  usage: usageOf({ input: 10, output: 5 }),
  extras: { dialect: 'none', fields: {} },
}

const parts = (...list: readonly Part[]): ChatResponse => ({ ...PLAIN, parts: list })
const counted = (usage: Parameters<typeof usageOf>[0]): ChatResponse => ({ ...PLAIN, usage: usageOf({ input: 10, output: 5, ...usage }) })

/** What is told, with it and without it. */
export const TOLD: { readonly [what: string]: readonly [ChatResponse, ChatResponse] } = {
  text: [PLAIN, parts({ kind: 'text', text: '' })],
  'tool calls': [parts(TEXT, CALL), PLAIN],
  'several tool calls': [parts(CALL, { ...CALL, id: 'call_2' }), parts(CALL)],
  'reasoning text': [parts(THOUGHT, TEXT), PLAIN],
  'signature of a thought': [parts({ ...THOUGHT, seal: SEAL }, TEXT), parts(THOUGHT, TEXT)],
  'signature of a call': [parts({ ...CALL, seal: SEAL }), parts(CALL)],
  refusal: [parts({ kind: 'refusal', text: 'No.' }), parts()],
  'citation with a URL': [
    parts({ ...TEXT, citations: [{ url: 'https://example.com', title: 'An example', start: 0, end: 2, raw: null }] }),
    PLAIN,
  ],
  'generated image': [parts(TEXT, { kind: 'media', mediaType: 'image/png', source: { at: 'inline', base64: 'AAAA' } }), PLAIN],
  logprobs: [{ ...PLAIN, logprobs: '{"content":[{"token":"Hi","logprob":-0.1,"bytes":null,"top_logprobs":[]}]}' }, PLAIN],
  'ended by length': [{ ...PLAIN, finish: { reason: 'length', native: 'end' } }, PLAIN],
  'ended by a filter': [{ ...PLAIN, finish: { reason: 'filtered', native: 'end' } }, PLAIN],
  'the provider’s own word for the end': [{ ...PLAIN, finish: { reason: 'stop', native: 'enough' } }, PLAIN],
  'tokens read from a cache': [counted({ input: 6, cacheRead: 4 }), PLAIN],
  'tokens written to a cache': [counted({ input: 6, cacheWrite5m: 4 }), PLAIN],
  'tokens written for an hour': [counted({ input: 6, cacheWrite1h: 4 }), counted({ input: 6, cacheWrite5m: 4 })],
  'tokens of reasoning': [counted({ reasoning: 3 }), PLAIN],
  'tokens of sound heard': [counted({ input: 6, inputAudio: 4 }), PLAIN],
  'tokens of sound spoken': [counted({ output: 1, outputAudio: 4 }), PLAIN],
  'tokens of images made': [counted({ output: 1, outputImage: 4 }), PLAIN],
  'searches the provider ran': [counted({ paidToolCalls: 1 }), PLAIN],
}

const INTENT: Intent = {
  model: 'place/model',
  stream: false,
  wantsUsage: true,
  maxOutputTokens: null,
  reasoningTokens: null,
  choices: 1,
  needs: new Set(),
  inputBound: 100,
  endUserId: null,
  session: null,
  nowSeconds: 0,
}
const SERVED: Served = { requestId: 'req', provider: { id: 'place', name: 'Place' }, model: 'place/model', costNanoUsd: () => 0 }

export function tells(client: ClientDialect, what: string): boolean {
  const pair = TOLD[what]
  if (pair === undefined) throw new Error(`${what} is no part of an answer that is looked at.`)
  const [full, without] = pair
  return client.write(full, INTENT, SERVED) !== client.write(without, INTENT, SERVED)
}
