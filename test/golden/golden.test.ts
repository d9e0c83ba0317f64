// The exact texts of every translation: what a client's conversation becomes at each provider, and a provider's recorded answer at each client.
// A change of any byte shows in a diff. `npm run goldens` writes the files anew; read them before they are committed.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Habits } from '../../src/dialects/contract.ts'
import { CLIENT_DIALECTS, UPSTREAM_DIALECTS, upstreamDialect } from '../../src/dialects/index.ts'
import { providerById } from '../../src/providers/index.ts'
import { eventsOf, framesOf, incoming, intentFor, streamBytes, textOf } from '../contracts/dialect-play.ts'
import { answerText, recordingOf } from '../support/recordings.ts'
import { SERVED } from '../support/served.ts'
import { SCENARIOS } from './scenarios.ts'

/** A place that speaks each language, a model of it, and recordings of it: an answer and a stream, each with calls and, where there are any, thoughts. */
const PLACES: {
  readonly [dialect: string]: { readonly provider: string; readonly model: string; readonly whole: string; readonly stream: string }
} = {
  'openai-chat': { provider: 'openai', model: 'gpt-5-mini', whole: 'xai-chat-30bcd60052', stream: 'deepseek-chat-e62ec8bc04' },
  'openai-responses': {
    provider: 'openai',
    model: 'gpt-5-mini',
    whole: 'openai-responses-660c16ba6c',
    stream: 'openai-responses-3da4447b77',
  },
  'anthropic-messages': {
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    whole: 'anthropic-messages-48980fea8d',
    stream: 'anthropic-messages-50f6f754c8',
  },
  gemini: {
    provider: 'google',
    model: 'gemini-2.5-flash',
    whole: 'gemini-generateContent-590b9dd423',
    stream: 'gemini-generateContent-d72ec68989',
  },
  'cohere-chat': {
    provider: 'cohere',
    model: 'command-a-reasoning-08-2025',
    whole: 'cohere-chat-v2-6bce7dc3d7',
    stream: 'cohere-chat-v2-8e37958cc6',
  },
  'bedrock-converse': {
    provider: 'bedrock',
    model: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    whole: 'bedrock-converse-f95e7a9db2',
    stream: 'bedrock-converse-984b4a6f7b',
  },
}

// Nobody is translated into a language of prompts only.
const PAIRS = CLIENT_DIALECTS.flatMap((client) =>
  UPSTREAM_DIALECTS.filter(({ promptsOnly }) => promptsOnly !== true).map((upstream) => ({
    from: client.id,
    to: upstream.id,
    client,
    upstream,
  })),
)

describe.each(PAIRS)('from $from to $to', ({ from, to, client, upstream }) => {
  it.each(Object.keys(SCENARIOS[from] ?? {}))('the conversation %j is this text', async (scenario) => {
    const path = from === 'gemini' ? '/v1beta/models/google/m:generateContent' : (client.paths[0] ?? '')
    const asked = incoming(path, SCENARIOS[from]?.[scenario] ?? '')
    const { text, dropped, approximated } = upstream.write(client.read(asked.body), client.intent(asked), {
      model: place(to).model,
      maxOutputTokens: null,
      habits: habitsOf(to),
    })
    expect(() => JSON.parse(text)).not.toThrow()
    const golden = `dropped: ${dropped.join(', ')}\napproximated: ${approximated.join(', ')}\n\n${text}\n`
    await expect(golden).toMatchFileSnapshot(fileOf('requests', `${scenario}.${from}.${to}.txt`))
  })

  it('a recorded answer is this text', async () => {
    const response = upstream.read(answerText(recordingOf(place(to).whole)))
    const text = client.write(response, intentFor(false), SERVED)
    expect(() => JSON.parse(text)).not.toThrow()
    await expect(`${text}\n`).toMatchFileSnapshot(fileOf('answers', `${to}.${from}.whole.txt`))
  })

  it('a recorded stream is this text', async () => {
    const writer = client.writer(intentFor(true), SERVED)
    const events = eventsOf(upstreamDialect(to), framesOf([streamBytes(recordingOf(place(to).stream))]))
    const frames = [...events.flatMap((event) => writer.write(event)), ...writer.end()]
    await expect(textOf(frames)).toMatchFileSnapshot(fileOf('answers', `${to}.${from}.stream.txt`))
  })
})

it('has a conversation in every language that clients speak', () => {
  expect(Object.keys(SCENARIOS).toSorted()).toEqual(CLIENT_DIALECTS.map(({ id }) => id).toSorted())
})

function place(dialect: string): (typeof PLACES)[string] & object {
  const found = PLACES[dialect]
  if (found === undefined) throw new Error(`No golden place speaks ${dialect}: add one.`)
  return found
}

function habitsOf(dialect: string): Habits {
  const voice = providerById(place(dialect).provider)?.voices.find((one) => one.dialect === dialect)
  if (voice === undefined) throw new Error(`${place(dialect).provider} does not speak ${dialect}.`)
  return voice.habits
}

function fileOf(folder: string, name: string): string {
  return join(import.meta.dirname, folder, name)
}
