// The AI SDK with the provider packages that people set to a gateway's address: tools that really run, streams, and structured output.

import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { createOpenRouter } from '@openrouter/ai-sdk-provider'
import { generateObject, generateText, jsonSchema, Output, stepCountIs, streamText, tool, type LanguageModel, type ToolSet } from 'ai'
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

type Package = {
  readonly name: string
  /** Where an OpenAI client of this language is forwarded to. */
  readonly openai: Api
  readonly model: (stage: Stage, name: string) => LanguageModel
}

const PACKAGES: readonly Package[] = [
  {
    name: '@ai-sdk/openai chat',
    openai: 'openai chat',
    model: ({ gateway: { base, key } }, name) => createOpenAI({ baseURL: `${base}/v1`, apiKey: key }).chat(name),
  },
  {
    name: '@ai-sdk/openai responses',
    openai: 'openai responses',
    model: ({ gateway: { base, key } }, name) => createOpenAI({ baseURL: `${base}/v1`, apiKey: key }).responses(name),
  },
  {
    name: '@ai-sdk/anthropic',
    openai: 'openai chat',
    model: ({ gateway: { base, key } }, name) => createAnthropic({ baseURL: `${base}/v1`, apiKey: key })(name),
  },
  {
    name: '@ai-sdk/openai-compatible',
    openai: 'openai chat',
    model: ({ gateway: { base, key } }, name) =>
      createOpenAICompatible({ name: 'sluice', baseURL: `${base}/v1`, apiKey: key, includeUsage: true, supportsStructuredOutputs: true })(
        name,
      ),
  },
  {
    name: '@openrouter/ai-sdk-provider',
    openai: 'openai chat',
    model: ({ gateway: { base, key } }, name) => createOpenRouter({ baseURL: `${base}/api/v1`, apiKey: key }).chat(name),
  },
]

/** The library tells on the console that it does not know our models. */
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

/** What the packages do with models whose names they do not know must be said. */
const OPTIONS = { openai: { store: false }, anthropic: { structuredOutputMode: 'outputFormat' } } as const

export const aiSuite: Suite = (stage) => {
  describe.each(PACKAGES)('ai with $name', ({ model, openai }) => {
    const apis: readonly Api[] = [openai, 'anthropic', 'google']

    it.each(apis)('runs its tools in generateText at %s', async (api) => {
      const talk = TALKS[api]
      const name = modelOf(talk)
      const { tools, calls } = toolsOf(talk)
      const { text, totalUsage } = await generateText({
        model: model(stage(), name),
        system: 'Be brief.',
        prompt: 'Please look.',
        tools,
        stopWhen: stepCountIs(4),
        providerOptions: OPTIONS,
        maxRetries: 0,
      })
      expectTalk(stage(), name, talk, { calls, text })
      expect(totalUsage.inputTokens).toBeGreaterThan(0)
      expect(totalUsage.outputTokens).toBeGreaterThan(0)
    })

    it.each(apis)('runs its tools in streamText at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const name = modelOf(talk)
      const { tools, calls } = toolsOf(talk)
      const errors: unknown[] = []
      const run = streamText({
        model: model(stage(), name),
        messages: [{ role: 'user', content: 'Please look.' }],
        tools,
        stopWhen: stepCountIs(4),
        providerOptions: OPTIONS,
        maxRetries: 0,
        onError: ({ error }) => void errors.push(error),
      })
      let text = ''
      for await (const piece of run.textStream) text += piece
      expect(errors).toEqual([])
      expectTalk(stage(), name, talk, { calls, text })
      expect(await run.finishReason).toBe('stop')
    })

    it.each(apis)('gets structured output at %s', async (api) => {
      const wanted = STRUCTURED[api]
      const name = modelOf(wanted)
      const common = { model: model(stage(), name), prompt: 'Who?', providerOptions: OPTIONS, maxRetries: 0 }
      const schema = jsonSchema<unknown>({ ...wanted.schema, required: [...wanted.schema.required] })
      if (api === 'openai responses') {
        const run = streamText({ ...common, output: Output.object({ schema }) })
        expectStructured(stage(), name, wanted, await run.output)
      } else expectStructured(stage(), name, wanted, (await generateObject({ ...common, schema })).object)
    })
  })
}

function toolsOf({ tool: { name, schema } }: Talk): { readonly tools: ToolSet; readonly calls: unknown[] } {
  const calls: unknown[] = []
  const inputSchema = jsonSchema<unknown>({ ...schema, required: [...schema.required] })
  const execute = (input: unknown): string => {
    calls.push(input)
    return TOOL_SAYS
  }
  return { tools: { [name]: tool({ description: 'Looks.', inputSchema, execute }) }, calls }
}
