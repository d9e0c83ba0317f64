// Anthropic's own SDK beyond plain calls: the tool runner, whole and streamed, the stream helper, and the list of models.

import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { describe, expect, it } from 'vitest'
import { expectTalk, modelOf, STREAMED_TALKS, TALKS, TOOL_SAYS, type Api, type Stage, type Suite, type Talk } from '../conversations.ts'

const APIS: readonly Api[] = ['anthropic', 'openai chat', 'google']

/** The tool runner lets Anthropic hold the conversation; it must be told that nobody else does, and then sends it whole. */
const HOLDER: Api = 'anthropic'

export const anthropicSuite: Suite = (stage) => {
  describe('@anthropic-ai/sdk', () => {
    it.each(APIS)('runs its tools by toolRunner at %s', async (api) => {
      const talk = TALKS[api]
      const model = modelOf(talk)
      const { tools, calls } = runnable(talk)
      const run = sdkOf(stage()).beta.messages.toolRunner({ ...QUESTION, model, tools })
      expectTalk(stage(), model, talk, { calls, text: textOf(await run.runUntilDone()), isHeld: api === HOLDER })
    })

    it.each(APIS)('runs its tools by a streamed toolRunner at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const model = modelOf(talk)
      const { tools, calls } = runnable(talk)
      const run = sdkOf(stage()).beta.messages.toolRunner({ ...QUESTION, model, tools, stream: true })
      let streamed = ''
      for await (const turn of run) turn.on('text', (piece) => (streamed += piece))
      expectTalk(stage(), model, talk, { calls, text: streamed, isHeld: api === HOLDER })
      expect(textOf(await run.done())).toContain(talk.says)
    })

    it.each(APIS)('is told calls, stop reason and usage by the stream helper at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const { name, schema, calls } = talk.tool
      const run = sdkOf(stage()).messages.stream({
        ...QUESTION,
        model: modelOf(talk),
        tools: [{ name, input_schema: { ...schema, required: [...schema.required] } }],
      })
      const message = await run.finalMessage()
      const uses = message.content.flatMap((block) => (block.type === 'tool_use' ? [block] : []))
      expect(uses.map(({ input }) => input)).toEqual(calls)
      expect(new Set(uses.map(({ id }) => id)).size).toBe(calls.length)
      expect(message.stop_reason).toBe('tool_use')
      expect(message.usage.input_tokens).toBeGreaterThan(0)
    })

    it('lists the models that a key can name, page after page, and retrieves one', async () => {
      const { models } = sdkOf(stage())
      const ids: string[] = []
      for await (const model of models.list({ limit: 50 })) ids.push(model.id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids.length).toBeGreaterThan(100)
      expect(ids).toEqual(expect.arrayContaining(['anthropic/claude-haiku-4-5', 'openai/gpt-4o-mini']))
      expect(await models.retrieve('anthropic/claude-haiku-4-5')).toMatchObject({ type: 'model', display_name: expect.any(String) })
    })
  })
}

const QUESTION = { max_tokens: 2048, messages: [{ role: 'user' as const, content: 'Look.' }] }

function sdkOf({ gateway: { base, key } }: Stage): Anthropic {
  return new Anthropic({ apiKey: key, baseURL: base, maxRetries: 0 })
}

function runnable({ tool: { name, schema } }: Talk) {
  const calls: unknown[] = []
  const run = (input: unknown): string => {
    calls.push(input)
    return TOOL_SAYS
  }
  const inputSchema = { ...schema, required: [...schema.required] }
  return { calls, tools: [betaTool({ name, description: 'Looks.', inputSchema, run })] }
}

function textOf(message: Anthropic.Beta.BetaMessage): string {
  return message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
}
