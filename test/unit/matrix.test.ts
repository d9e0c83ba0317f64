// docs/FIDELITY.md is what the translations do, and no feature is left out without a word.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fidelityDocument, observations } from '../../scripts/matrix/document.ts'
import { observe } from '../../scripts/matrix/observe.ts'
import { PLACES } from '../../scripts/matrix/place.ts'
import { adding } from '../../scripts/matrix/probe.ts'
import { anthropicMessagesUpstream } from '../../src/dialects/anthropic-messages/upstream.ts'
import { openaiChatClient } from '../../src/dialects/openai-chat/client.ts'

const place = PLACES.find(({ label }) => label === 'anthropic')
if (place === undefined) throw new Error('Anthropic is no place.')
const way = { client: openaiChatClient, upstream: anthropicMessagesUpstream, place }
const BODY = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] }

describe('docs/FIDELITY.md', () => {
  it('is what `npm run matrix` writes', () => {
    const committed = readFileSync(join(import.meta.dirname, '../../docs/FIDELITY.md'), 'utf8')
    expect(committed === fidelityDocument(), 'run npm run matrix, read the change and commit it').toBe(true)
  })

  it('has no feature that is neither said nor reported', () => {
    expect(observations().filter(({ outcome }) => outcome === 'silent')).toEqual([])
  })
})

describe('an observation', () => {
  it('tells what is kept, mapped, dropped and refused', () => {
    expect(observe(way, 'temperature', adding(BODY, { temperature: 0.5 }))).toBe('kept')
    expect(observe(way, 'stop sequences', adding(BODY, { stop: ['END'] }))).toBe('mapped')
    expect(observe(way, 'seed', adding(BODY, { seed: 7 }))).toBe('dropped')
    expect(observe(way, 'several answers', adding(BODY, { n: 2 }))).toBe('refused')
  })

  it('sees what a writer leaves out without a word', () => {
    const mute = {
      ...way,
      upstream: {
        ...anthropicMessagesUpstream,
        write: (...args: Parameters<typeof anthropicMessagesUpstream.write>) => ({
          ...anthropicMessagesUpstream.write(...args),
          dropped: [],
        }),
      },
    }
    expect(observe(mute, 'seed', adding(BODY, { seed: 7 }))).toBe('silent')
  })
})
