// OpenAI's own SDK beyond plain calls: parsed answers, the tools helper, and the stream helper of Responses. Embeddings, audio, images and
// moderations join here, each as a `describe` of this suite.

import OpenAI from 'openai'
import type { RunnableToolFunctionWithParse } from 'openai/lib/RunnableFunction'
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  expectStructured,
  expectTalk,
  modelOf,
  STREAMED_TALKS,
  STRUCTURED,
  TALKS,
  TOOL_SAYS,
  type Api,
  type Schema,
  type Stage,
  type Suite,
  type Talk,
} from '../conversations.ts'

const CHAT: readonly Api[] = ['openai chat', 'anthropic', 'google']
const RESPONSES: readonly Api[] = ['openai responses', 'anthropic', 'google']

export const openaiSuite: Suite = (stage) => {
  describe('openai, chat', () => {
    it.each(CHAT)('runs its tools by runTools at %s', async (api) => {
      const talk = TALKS[api]
      const model = modelOf(talk)
      const { tools, calls } = runnable(talk)
      const run = sdkOf(stage()).chat.completions.runTools({ model, messages: [{ role: 'user', content: 'Look.' }], tools })
      expectTalk(stage(), model, talk, { text: (await run.finalContent()) ?? '', calls })
      expect((await run.totalUsage()).completion_tokens).toBeGreaterThan(0)
    })

    it.each(CHAT)('runs its tools by a streamed runTools at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const model = modelOf(talk)
      const { tools, calls } = runnable(talk)
      const run = sdkOf(stage()).chat.completions.runTools({ model, messages: [{ role: 'user', content: 'Look.' }], tools, stream: true })
      expectTalk(stage(), model, talk, { text: (await run.finalContent()) ?? '', calls })
    })

    it.each(CHAT)('parses an answer by a zod schema at %s', async (api) => {
      const wanted = STRUCTURED[api]
      const model = modelOf(wanted)
      const completion = await sdkOf(stage()).chat.completions.parse({
        model,
        messages: [{ role: 'user', content: 'Who?' }],
        response_format: zodResponseFormat(zodOf(wanted.schema), 'answer'),
      })
      expectStructured(stage(), model, wanted, completion.choices[0]?.message.parsed)
    })
  })

  describe('openai, responses', () => {
    it.each(RESPONSES)('goes through a tool loop that it sends whole each time at %s', async (api) => {
      const talk = TALKS[api]
      const model = modelOf(talk)
      expectTalk(stage(), model, talk, await loop(talk, (input) => sdkOf(stage()).responses.create({ ...asked(talk, model), input })))
    })

    it.each(RESPONSES)('goes through a streamed tool loop at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const model = modelOf(talk)
      const turn = (input: Input): Promise<OpenAI.Responses.Response> =>
        sdkOf(stage())
          .responses.stream({ ...asked(talk, model), input })
          .finalResponse()
      expectTalk(stage(), model, talk, await loop(talk, turn))
    })

    it.each(RESPONSES)('parses an answer by a zod schema at %s', async (api) => {
      const wanted = STRUCTURED[api]
      const model = modelOf(wanted)
      const params = { model, input: 'Who?', store: false, text: { format: zodTextFormat(zodOf(wanted.schema), 'answer') } }
      const { responses } = sdkOf(stage())
      const response = api === 'openai responses' ? await responses.stream(params).finalResponse() : await responses.parse(params)
      expectStructured(stage(), model, wanted, response.output_parsed)
    })
  })

  describe('openai, models', () => {
    it('lists and retrieves the models that a key can name', async () => {
      const { models } = sdkOf(stage())
      const ids: string[] = []
      for await (const model of models.list()) ids.push(model.id)
      expect(ids).toEqual(expect.arrayContaining(['openai/gpt-4o-mini', 'anthropic/claude-haiku-4-5']))
      expect(await models.retrieve('openai/gpt-4o-mini')).toMatchObject({ id: 'openai/gpt-4o-mini', object: 'model' })
    })
  })
}

function sdkOf({ gateway: { base, key } }: Stage): OpenAI {
  return new OpenAI({ apiKey: key, baseURL: `${base}/v1`, maxRetries: 0 })
}

function runnable({ tool: { name, schema } }: Talk) {
  const calls: unknown[] = []
  const run = (input: unknown): string => {
    calls.push(input)
    return TOOL_SAYS
  }
  const look: RunnableToolFunctionWithParse<object> = {
    type: 'function',
    function: { name, description: 'Looks.', parameters: { ...schema, required: [...schema.required] }, parse: objectIn, function: run },
  }
  return { calls, tools: [look] }
}

function objectIn(text: string): object {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error(`no object: ${text}`)
  return value
}

type Input = OpenAI.Responses.ResponseInput

function asked({ tool: { name, schema } }: Talk, model: string) {
  const tools = [{ type: 'function' as const, name, description: 'Looks.', parameters: { ...schema }, strict: false }]
  return { model, tools, store: false, include: ['reasoning.encrypted_content' as const] }
}

/** A stateless loop: every item of an answer goes back as it came. */
async function loop(talk: Talk, turn: (input: Input) => Promise<OpenAI.Responses.Response>) {
  const input: Input = [{ role: 'user', content: 'Look.' }]
  const first = await turn(input)
  const calls = first.output.filter((item) => item.type === 'function_call')
  expect(calls.map(({ name }) => name)).toEqual(talk.tool.calls.map(() => talk.tool.name))
  for (const item of first.output) input.push(item as Input[number])
  for (const { call_id } of calls) input.push({ type: 'function_call_output', call_id, output: TOOL_SAYS })
  const second = await turn(input)
  return { text: second.output_text, calls: calls.map((call): unknown => JSON.parse(call.arguments)) }
}

export function zodOf({ properties }: Schema) {
  return z.object(
    Object.fromEntries(Object.entries(properties).map(([name, { type }]) => [name, type === 'number' ? z.number() : z.string()])),
  )
}
