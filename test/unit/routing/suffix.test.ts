// Suffixes of a model's name that say how to choose among its places.

import { describe, expect, it } from 'vitest'
import { readSuffixes } from '../../../src/routing/wishes/suffix.ts'

describe('suffixes', () => {
  it.each([
    ['openai/gpt-4o', 'openai/gpt-4o', 'openai/gpt-4o', null, false, []],
    ['a/b:nitro', 'a/b', 'a/b', 'throughput', false, ['nitro']],
    ['a/b:floor', 'a/b', 'a/b', 'price', false, ['floor']],
    ['a/b:exacto', 'a/b', 'a/b', 'exacto', false, ['exacto']],
    ['a/b:free', 'a/b:free', 'a/b', null, true, ['free']],
    ['a/b:free:nitro', 'a/b:free', 'a/b', 'throughput', true, ['nitro', 'free']],
    ['a/b:nitro:free', 'a/b:free', 'a/b', 'throughput', true, ['free', 'nitro']],
    ['a/b:floor:nitro', 'a/b', 'a/b', 'throughput', false, ['nitro', 'floor']],
    ['a/b:thinking:floor', 'a/b:thinking', 'a/b:thinking', 'price', false, ['floor']],
    ['ollama/llama3:8b', 'ollama/llama3:8b', 'ollama/llama3:8b', null, false, []],
    ['ollama/llama3:8b:nitro', 'ollama/llama3:8b', 'ollama/llama3:8b', 'throughput', false, ['nitro']],
    ['ft:gpt-4o:acme::x', 'ft:gpt-4o:acme::x', 'ft:gpt-4o:acme::x', null, false, []],
    ['a/:nitro', 'a/:nitro', 'a/:nitro', null, false, []],
    [':nitro', ':nitro', ':nitro', null, false, []],
    ['a/b:constructor', 'a/b:constructor', 'a/b:constructor', null, false, []],
    ['', '', '', null, false, []],
  ])('of %s', (said, name, plain, sort, free, suffixes) => expect(readSuffixes(said)).toEqual({ name, plain, sort, free, suffixes }))

  it.each(['a/b:online', 'a/b:online:nitro', '@preset/x', 'a/b@preset/x'])('of %s are refused by name', (said) => {
    expect(() => readSuffixes(said)).toThrow(expect.objectContaining({ code: 'request-unsupported', detail: { at: 'model' } }))
  })
})
