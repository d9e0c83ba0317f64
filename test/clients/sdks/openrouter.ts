// OpenRouter's own SDK at a gateway's address: chat with a tool, whole and streamed, and a structured answer.

import { OpenRouter } from '@openrouter/sdk'
import type { ChatMessages, ChatRequest, ChatResult } from '@openrouter/sdk/models'
import { describe, expect, it } from 'vitest'
import {
  expectStructured,
  expectTalk,
  modelOf,
  STREAMED_TALKS,
  STRUCTURED,
  TALKS,
  TOOL_SAYS,
  type Api,
  type Stage,
  type Suite,
  type Talk,
} from '../conversations.ts'

const APIS: readonly Api[] = ['openai chat', 'anthropic', 'google']

export const openrouterSuite: Suite = (stage) => {
  describe('@openrouter/sdk', () => {
    it.each(APIS)('goes through a tool loop at %s', async (api) => {
      const talk = TALKS[api]
      const model = modelOf(talk)
      const turn = async (messages: ChatMessages[]): Promise<Turn> => {
        const { choices, usage } = await whole(stage(), { model, messages, tools: toolsOf(talk) })
        expect(usage?.completionTokens).toBeGreaterThan(0)
        const message = choices[0]?.message
        const calls = (message?.toolCalls ?? []).map(({ id, function: { name, arguments: text } }) => ({ id, name, text }))
        return { calls, text: typeof message?.content === 'string' ? message.content : '' }
      }
      expectTalk(stage(), model, talk, await loop(turn))
    })

    it.each(APIS)('goes through a streamed tool loop at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const model = modelOf(talk)
      const turn = async (messages: ChatMessages[]): Promise<Turn> => {
        const stream = await sdkOf(stage()).chat.send({ chatRequest: { model, messages, tools: toolsOf(talk), stream: true } })
        const calls: { id: string; name: string; text: string }[] = []
        let text = ''
        if ('choices' in stream) throw new Error('That is no stream.')
        for await (const { choices } of stream) {
          const delta = choices[0]?.delta
          text += delta?.content ?? ''
          for (const { index, id, function: said } of delta?.toolCalls ?? []) {
            const call = (calls[index] ??= { id: '', name: '', text: '' })
            call.id += id ?? ''
            call.name += said?.name ?? ''
            call.text += said?.arguments ?? ''
          }
        }
        return { calls, text }
      }
      expectTalk(stage(), model, talk, await loop(turn))
    })

    it.each(APIS)('gets structured output at %s', async (api) => {
      const wanted = STRUCTURED[api]
      const model = modelOf(wanted)
      const { choices } = await whole(stage(), {
        model,
        messages: [{ role: 'user', content: 'Who?' }],
        responseFormat: { type: 'json_schema', jsonSchema: { name: 'answer', schema: { ...wanted.schema }, strict: true } },
      })
      const content = choices[0]?.message.content
      expectStructured(stage(), model, wanted, JSON.parse(typeof content === 'string' ? content : 'null'))
    })
  })
}

function sdkOf({ gateway: { base, key } }: Stage): OpenRouter {
  return new OpenRouter({ apiKey: key, serverURL: `${base}/api/v1`, retryConfig: { strategy: 'none' } })
}

async function whole(stage: Stage, request: ChatRequest): Promise<ChatResult> {
  const result = await sdkOf(stage).chat.send({ chatRequest: { ...request, stream: false } })
  if (!('choices' in result)) throw new Error('That is a stream.')
  return result
}

function toolsOf({ tool: { name, schema } }: Talk) {
  return [{ type: 'function' as const, function: { name, description: 'Looks.', parameters: { ...schema } } }]
}

type Turn = { readonly calls: readonly { readonly id: string; readonly name: string; readonly text: string }[]; readonly text: string }

async function loop(turn: (messages: ChatMessages[]) => Promise<Turn>) {
  const messages: ChatMessages[] = [{ role: 'user', content: 'Look.' }]
  const { calls } = await turn(messages)
  const toolCalls = calls.map(({ id, name, text }) => ({ id, type: 'function' as const, function: { name, arguments: text } }))
  messages.push({ role: 'assistant', content: null, toolCalls })
  for (const { id } of calls) messages.push({ role: 'tool', toolCallId: id, content: TOOL_SAYS })
  const { text } = await turn(messages)
  return { calls: calls.map((call): unknown => JSON.parse(call.text)), text }
}
