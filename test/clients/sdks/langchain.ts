// LangChain's chat model for OpenAI at a gateway's address: invoke, stream, tools that are bound, and structured output.

import { HumanMessage, ToolMessage, type AIMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
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

const APIS: readonly Api[] = ['openai chat', 'openai responses', 'anthropic', 'google']

export const langchainSuite: Suite = (stage) => {
  describe('@langchain/openai', () => {
    it.each(APIS)('goes through a tool loop with invoke at %s', async (api) => {
      const talk = TALKS[api]
      const model = modelOf(talk)
      const bound = modelAt(stage(), model, api).bindTools([toolOf(talk)])
      expectTalk(stage(), model, talk, await loop((messages) => bound.invoke(messages)))
    })

    it.each(APIS)('goes through a tool loop with stream at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const model = modelOf(talk)
      const bound = modelAt(stage(), model, api).bindTools([toolOf(talk)])
      const turn = async (messages: readonly BaseMessage[]): Promise<AIMessage> => {
        const pieces: AIMessageChunk[] = []
        for await (const piece of await bound.stream([...messages])) pieces.push(piece)
        const whole = pieces.reduce((sum, piece) => sum.concat(piece))
        expect(whole.usage_metadata).toMatchObject({ output_tokens: expect.any(Number), total_tokens: expect.any(Number) })
        return whole
      }
      expectTalk(stage(), model, talk, await loop(turn))
    })

    it.each(APIS.filter((api) => api !== 'openai responses'))('gets structured output at %s', async (api) => {
      const wanted = STRUCTURED[api]
      const model = modelOf(wanted)
      const runnable = modelAt(stage(), model, api).withStructuredOutput({ ...wanted.schema, title: 'answer' }, { method: 'jsonSchema' })
      expectStructured(stage(), model, wanted, await runnable.invoke('Who?'))
    })
  })
}

function modelAt({ gateway: { base, key } }: Stage, model: string, api: Api): ChatOpenAI {
  return new ChatOpenAI({
    model,
    apiKey: key,
    maxRetries: 0,
    useResponsesApi: api === 'openai responses',
    zdrEnabled: true,
    configuration: { baseURL: `${base}/v1` },
  })
}

function toolOf({ tool: { name, schema } }: Talk) {
  return { type: 'function' as const, function: { name, description: 'Looks.', parameters: { ...schema } } }
}

async function loop(turn: (messages: BaseMessage[]) => Promise<AIMessage>) {
  const messages: BaseMessage[] = [new HumanMessage('Look.')]
  const first = await turn(messages)
  const called = first.tool_calls ?? []
  messages.push(first, ...called.map(({ id }) => new ToolMessage({ content: TOOL_SAYS, tool_call_id: id ?? '' })))
  const second = await turn(messages)
  return { calls: called.map(({ args }): unknown => args), text: second.text }
}
