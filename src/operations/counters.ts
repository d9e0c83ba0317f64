// Which languages count tokens, and how each is asked.
// Sources: platform.claude.com/docs/en/api/messages-count-tokens, ai.google.dev/api/tokens, shared/specs/openai (`/responses/input_tokens`),
// docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html

import { Body } from '../core/body.ts'
import { GatewayError } from '../core/errors.ts'
import type { ClientBody } from '../dialects/contract.ts'
import { anthropicMessagesClient } from '../dialects/anthropic-messages/client.ts'
import { anthropicMessagesUpstream } from '../dialects/anthropic-messages/upstream.ts'
import { bedrockConverseUpstream } from '../dialects/bedrock-converse/upstream.ts'
import { methodIn, readTarget } from '../dialects/gemini/address.ts'
import { geminiClient } from '../dialects/gemini/client.ts'
import { geminiUpstream } from '../dialects/gemini/upstream.ts'
import { openaiResponsesClient } from '../dialects/openai-responses/client.ts'
import { openaiResponsesUpstream } from '../dialects/openai-responses/upstream.ts'
import type { OperationClient, OperationUpstream } from './contract.ts'
import { countingClient, countingUpstream, modelEdits, only } from './count-tokens.ts'
import { asChat, objectIn } from './reading.ts'

export const ANTHROPIC_COUNT = 'anthropic-count-tokens'
export const GEMINI_COUNT = 'gemini-count-tokens'
export const BEDROCK_COUNT = 'bedrock-count-tokens'
export const OPENAI_COUNT = 'openai-input-tokens'

/** What the calls take of a chat. */
const ANTHROPIC_MEMBERS =
  'model messages system tools tool_choice thinking output_config output_format cache_control context_management mcp_servers speed'
const OPENAI_MEMBERS = 'model input instructions tools tool_choice parallel_tool_calls text reasoning truncation'
const BEDROCK_MEMBERS = 'messages system toolConfig additionalModelRequestFields'
/** Where Gemini's clients put the whole request that they want to be counted. */
const WHOLE = ['generateContentRequest', 'generate_content_request'] as const

const encoder = new TextEncoder()

export const COUNTING_CLIENTS: readonly OperationClient[] = [
  countingClient({ id: ANTHROPIC_COUNT, paths: ['/v1/messages/count_tokens'], chat: anthropicMessagesClient, member: 'input_tokens' }),
  countingClient({
    id: OPENAI_COUNT,
    paths: ['/v1/responses/input_tokens'],
    chat: openaiResponsesClient,
    member: 'input_tokens',
    also: { object: 'response.input_tokens' },
  }),
  countingClient({
    id: GEMINI_COUNT,
    paths: geminiClient.paths,
    claims: (path) => methodIn(path) === 'countTokens',
    chat: geminiClient,
    member: 'totalTokens',
    intent(incoming) {
      const { model } = readTarget(incoming.path)
      // The chat's own scan knows its own path only.
      return { ...geminiClient.intent({ ...asChat(incoming), path: CHAT_PATH }), model }
    },
    read: (body) => ({ kind: 'count-tokens', chat: geminiClient.read(wholeOf(body)) }),
  }),
]

export const COUNTING_UPSTREAMS: readonly OperationUpstream[] = [
  countingUpstream({
    id: ANTHROPIC_COUNT,
    chat: anthropicMessagesUpstream,
    edits: modelEdits,
    wrap: (chat) => only(chat, ANTHROPIC_MEMBERS.split(' ')),
    member: 'input_tokens',
  }),
  countingUpstream({
    id: OPENAI_COUNT,
    chat: openaiResponsesUpstream,
    edits: modelEdits,
    wrap: (chat) => only(chat, OPENAI_MEMBERS.split(' ')),
    member: 'input_tokens',
  }),
  countingUpstream({
    id: GEMINI_COUNT,
    chat: geminiUpstream,
    edits: (_intent, { model }, member) =>
      WHOLE.filter((name) => member([name, 'model']) !== null).map((name) => ({
        path: [name, 'model'] as const,
        json: JSON.stringify(resource(model)),
      })),
    wrap: (chat, { model }) =>
      `{"generateContentRequest":${text(chat.spliced([{ path: ['model'], json: JSON.stringify(resource(model)) }]))}}`,
    member: 'totalTokens',
  }),
  countingUpstream({
    id: BEDROCK_COUNT,
    chat: bedrockConverseUpstream,
    edits: () => [],
    wrap: (chat) => `{"input":{"converse":${only(chat, BEDROCK_MEMBERS.split(' '))}}}`,
    member: 'inputTokens',
  }),
]

const CHAT_PATH = '/v1beta/models/counted:generateContent'

/** The chat that is counted: the whole request, or the body itself where it has contents alone. @throws GatewayError `request-malformed` */
function wholeOf(body: ClientBody): ClientBody {
  const said = WHOLE.map((name) => body.member([name])).filter((member) => member !== null)
  const [whole] = said
  if (whole === undefined) return body
  if (said.length > 1 || objectIn(whole) === null || body.member(['contents']) !== null)
    throw new GatewayError('request-malformed', 'Send either contents or one generateContentRequest, an object.', { at: WHOLE[0] })
  const inner = new Body(encoder.encode(whole))
  const edits = inner.member(['model']) === null ? [] : [{ path: ['model'] as const, json: null }]
  return new Body(joined(inner.spliced(edits)))
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return encoder.encode(text(pieces))
}

function text(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder()
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join('') + decoder.decode()
}

/** `x` is `models/x`; a name with a collection of its own stays. */
function resource(model: string): string {
  return model.includes('/') ? model : `models/${model}`
}
