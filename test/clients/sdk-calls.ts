// Calls by the official SDKs, the same against the gateway and against the replay server: what comes back in plain words, and the response's headers.

import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { anthropicPlain, openaiPlain, reasoningOf, responsesPlain, type Plain } from '../contracts/dialect-sdk.ts'

export type Place = { readonly base: string; readonly key: string }
export type Question = { readonly model: string; readonly stream: boolean; readonly body: { readonly [member: string]: unknown } }
export type Answer = { readonly plain: Plain; readonly headers: Headers; readonly status: number }
export type Failure = { readonly status: number | undefined; readonly message: string; readonly headers: Headers; readonly kind: string }
export type Client = (place: Place, question: Question) => Promise<Answer>

/** The client dialects and the official SDK call of each. */
export const CLIENTS: { readonly [dialect: string]: Client } = {
  'openai-chat': async ({ base, key }, { model, stream, body }) => {
    const { fetch, seen } = watched()
    const sdk = new OpenAI({ apiKey: key, baseURL: `${base}/v1`, maxRetries: 0, fetch })
    const params = { messages: [{ role: 'user' as const, content: 'Hello.' }], ...body, model }
    if (!stream) {
      const completion = await sdk.chat.completions.create({ ...params, stream: false })
      return { plain: openaiPlain(completion, reasoningOf(completion.choices[0]?.message)), ...seen() }
    }
    const run = sdk.chat.completions.stream({ ...params, stream: true, stream_options: { include_usage: true } })
    let reasoning = ''
    run.on('chunk', (chunk) => (reasoning += reasoningOf(chunk.choices[0]?.delta)))
    return { plain: openaiPlain(await run.finalChatCompletion(), reasoning), ...seen() }
  },
  'openai-responses': async ({ base, key }, { model, stream, body }) => {
    const { fetch, seen } = watched()
    const sdk = new OpenAI({ apiKey: key, baseURL: `${base}/v1`, maxRetries: 0, fetch })
    const params = { input: 'Hello.', store: false, ...body, model }
    const response = stream
      ? await sdk.responses.stream({ ...params, stream: true }).finalResponse()
      : await sdk.responses.create({ ...params, stream: false })
    return { plain: responsesPlain(response), ...seen() }
  },
  'anthropic-messages': async ({ base, key }, { model, stream, body }) => {
    const { fetch, seen } = watched()
    const sdk = new Anthropic({ apiKey: key, baseURL: base, maxRetries: 0, fetch })
    const params = { messages: [{ role: 'user' as const, content: 'Hello.' }], max_tokens: 512, ...body, model }
    const message = stream
      ? await sdk.messages.stream({ ...params, stream: true }).finalMessage()
      : await sdk.messages.create({ ...params, stream: false })
    return { plain: anthropicPlain(message), ...seen() }
  },
}

/** The error an SDK throws for a call that must fail. @throws when it does not, or when what fails is no error of the SDK */
export async function failureOf(call: Promise<Answer>): Promise<Failure> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof OpenAI.OpenAIError || error instanceof Anthropic.AnthropicError)) throw error
    const told = error instanceof OpenAI.APIError || error instanceof Anthropic.APIError
    const status: unknown = told ? error.status : undefined
    const headers: unknown = told ? error.headers : undefined
    return {
      status: typeof status === 'number' ? status : undefined,
      message: error.message,
      headers: headers instanceof Headers ? headers : new Headers(),
      kind: error.constructor.name,
    }
  }
  throw new Error('The call was answered though it must fail.')
}

/** A fetch that keeps what the answer's head said: the SDKs do not show it for streams. */
function watched(): { readonly fetch: typeof fetch; readonly seen: () => { readonly headers: Headers; readonly status: number } } {
  let last: Response | null = null
  return {
    fetch: async (...args) => (last = await fetch(...args)),
    seen: () => ({ headers: last?.headers ?? new Headers(), status: last?.status ?? 0 }),
  }
}
