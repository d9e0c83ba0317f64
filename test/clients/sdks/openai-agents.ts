// OpenAI's agents library at a gateway's address: an agent with a tool, over Responses and over chat, whole and streamed.

import { Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, tool } from '@openai/agents'
import OpenAI from 'openai'
import { describe, it } from 'vitest'
import { expectTalk, modelOf, STREAMED_TALKS, TALKS, TOOL_SAYS, type Api, type Stage, type Suite, type Talk } from '../conversations.ts'

const SURFACES = [
  { surface: 'responses', Model: OpenAIResponsesModel, openai: 'openai responses' },
  { surface: 'chat', Model: OpenAIChatCompletionsModel, openai: 'openai chat' },
] as const

export const openaiAgentsSuite: Suite = (stage) => {
  describe.each(SURFACES)('@openai/agents over $surface', ({ Model, openai }) => {
    const apis: readonly Api[] = [openai, 'anthropic', 'google']
    const agentOf = (talk: Talk, model: string, calls: unknown[]): Agent => {
      const { name, schema } = talk.tool
      return new Agent({
        name: 'Looker',
        instructions: 'Look before you speak.',
        model: new Model(clientOf(stage()), model),
        modelSettings: { store: false },
        tools: [
          tool({
            name,
            description: 'Looks.',
            parameters: { ...schema, properties: { ...schema.properties }, required: [...schema.required], additionalProperties: true },
            strict: false,
            execute: (input: unknown) => {
              calls.push(input)
              return TOOL_SAYS
            },
          }),
        ],
      })
    }

    it.each(apis)('runs an agent with a tool at %s', async (api) => {
      const talk = TALKS[api]
      const model = modelOf(talk)
      const calls: unknown[] = []
      const { finalOutput } = await RUNNER.run(agentOf(talk, model, calls), 'Look.')
      expectTalk(stage(), model, talk, { calls, text: finalOutput ?? '' })
    })

    it.each(apis)('streams an agent with a tool at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const model = modelOf(talk)
      const calls: unknown[] = []
      const run = await RUNNER.run(agentOf(talk, model, calls), 'Look.', { stream: true })
      let text = ''
      for await (const piece of run.toTextStream({ compatibleWithNodeStreams: false })) text += piece
      await run.completed
      expectTalk(stage(), model, talk, { calls, text })
    })
  })
}

/** Traces would go to OpenAI. */
const RUNNER = new Runner({ tracingDisabled: true })

function clientOf({ gateway: { base, key } }: Stage): OpenAI {
  return new OpenAI({ apiKey: key, baseURL: `${base}/v1`, maxRetries: 0 })
}
