// Google's own SDK at a gateway's address: generateContent, its stream, functions that really run, and structured output.

import { GoogleGenAI, type Content, type FunctionCall, type GenerateContentResponse } from '@google/genai'
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

const APIS: readonly Api[] = ['google', 'openai chat', 'anthropic']

export const googleGenaiSuite: Suite = (stage) => {
  describe('@google/genai', () => {
    it.each(APIS)('goes through a function call with generateContent at %s', async (api) => {
      const talk = TALKS[api]
      const model = modelOf(talk)
      const { models } = sdkOf(stage())
      const turn = async (contents: Content[]): Promise<Turn> => {
        const response = await models.generateContent({ model, contents, config: configOf(talk) })
        expect(response.usageMetadata?.candidatesTokenCount).toBeGreaterThan(0)
        return turnOf([response])
      }
      expectTalk(stage(), model, talk, await loop(turn))
    })

    it.each(APIS)('goes through a function call with generateContentStream at %s', async (api) => {
      const talk = STREAMED_TALKS[api]
      const model = modelOf(talk)
      const { models } = sdkOf(stage())
      const turn = async (contents: Content[]): Promise<Turn> => {
        const pieces: GenerateContentResponse[] = []
        for await (const piece of await models.generateContentStream({ model, contents, config: configOf(talk) })) pieces.push(piece)
        return turnOf(pieces)
      }
      expectTalk(stage(), model, talk, await loop(turn))
    })

    it.each(APIS)('gets structured output at %s', async (api) => {
      const wanted = STRUCTURED[api]
      const model = modelOf(wanted)
      const config = { responseMimeType: 'application/json', responseJsonSchema: wanted.schema }
      const { text } = await sdkOf(stage()).models.generateContent({ model, contents: 'Who?', config })
      expectStructured(stage(), model, wanted, JSON.parse(text ?? 'null'))
    })

    it('lists the models that a key can name, page after page', async () => {
      const names: (string | undefined)[] = []
      for await (const { name } of await sdkOf(stage()).models.list({ config: { pageSize: 60 } })) names.push(name)
      expect(new Set(names).size).toBe(names.length)
      expect(names).toEqual(expect.arrayContaining(['models/google/gemini-2.5-flash', 'models/openai/gpt-4o-mini']))
    })
  })
}

function sdkOf({ gateway: { base, key } }: Stage): GoogleGenAI {
  return new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } })
}

function configOf({ tool: { name, schema } }: Talk) {
  return { tools: [{ functionDeclarations: [{ name, description: 'Looks.', parametersJsonSchema: schema }] }] }
}

type Turn = { readonly content: Content; readonly calls: readonly FunctionCall[]; readonly text: string }

function turnOf(pieces: readonly GenerateContentResponse[]): Turn {
  return {
    content: { role: 'model', parts: pieces.flatMap((piece) => piece.candidates?.[0]?.content?.parts ?? []) },
    calls: pieces.flatMap((piece) => piece.functionCalls ?? []),
    text: pieces.map((piece) => (piece.functionCalls === undefined ? (piece.text ?? '') : '')).join(''),
  }
}

async function loop(turn: (contents: Content[]) => Promise<Turn>) {
  const contents: Content[] = [{ role: 'user', parts: [{ text: 'Look.' }] }]
  const { content, calls } = await turn(contents)
  const answers = calls.map(({ id, name = '' }) => ({
    functionResponse: { ...(id === undefined ? {} : { id }), name, response: { output: TOOL_SAYS } },
  }))
  contents.push(content, { role: 'user', parts: answers })
  const { text } = await turn(contents)
  return { calls: calls.map(({ args }): unknown => args ?? {}), text }
}
