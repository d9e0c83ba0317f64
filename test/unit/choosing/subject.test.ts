// What is read of a chat to judge it: the users' words in every client's language, counts of the rest, and never more than bounded work.

import { describe, expect, it } from 'vitest'
import type { Subject } from '../../../src/classifier/contract.ts'
import { Body } from '../../../src/core/body.ts'
import { judged } from '../../../src/gateway/planning/judged.ts'
import { heard, MOST_JUDGED, type Spoken } from '../../../src/gateway/planning/subject.ts'
import { readingClassifier } from '../../support/choosing.ts'
import { chance, whole } from '../../support/chance.ts'

const subjectsOf = (body: Spoken): ReturnType<typeof heard>['subjects'] => heard(body).subjects

const subjects = (body: unknown): readonly Subject[] =>
  subjectsOf(new Body(new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))))
const prompts = (body: unknown): readonly string[] => subjects(body).map(({ prompt }) => prompt)

const ODD = 'A "quoted" line,\n\ttabs \\ slashes / é 漢字 \u{1f600} \u2028 end'

const said = (text: string): readonly object[] => [
  { role: 'user', content: text },
  { role: 'assistant', content: 'Well.' },
]

describe('the users’ words', () => {
  it('are found in every language, and nobody else’s', () => {
    const chat = {
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: ODD },
        { role: 'assistant', content: 'No.', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"role":"user","content":"x"}' } }] },
        { role: 'tool', tool_call_id: 'c', content: 'a tool said this' },
        { content: [{ text: 'And this?', type: 'text' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }, { type: 'text', text: 'Twice.' }], role: 'user' },
      ],
    } // prettier-ignore
    expect(prompts(chat)).toEqual([ODD, 'And this?\nTwice.'])
    expect(subjects(chat)).toMatchObject([
      { system: 'Be brief.', turns: 0, attachments: 0 },
      { system: 'Be brief.', turns: 3, attachments: 1 },
    ])

    const anthropic = {
      system: [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'document', source: { type: 'text', data: 'a file' } },
            { type: 'text', text: ODD },
          ],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { text: 'no' } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'a result' }] }] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't', content: 'a result' },
            { type: 'text', text: 'Go on.' },
          ],
        },
      ],
    }
    expect(prompts(anthropic)).toEqual([ODD, 'Go on.'])
    expect(subjects(anthropic)[1]).toMatchObject({ system: 'Be kind.', turns: 3, attachments: 1 })

    const responses = {
      instructions: 'Be exact.',
      input: [
        { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Use f.' }] },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: ODD },
            { type: 'input_file', file_id: 'f' },
          ],
        },
        { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'a result' },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Yes.' }] },
        { role: 'user', content: 'Sure?' },
      ],
    }
    expect(prompts(responses)).toEqual([ODD, 'Sure?'])
    expect(subjects(responses)[1]).toMatchObject({ system: 'Be exact.Use f.', turns: 5, attachments: 1 })
    expect(prompts({ input: ODD })).toEqual([ODD])
    expect(prompts({ prompt: ODD })).toEqual([ODD])

    const gemini = {
      systemInstruction: { parts: [{ text: 'Be' }, { text: 'calm.' }] },
      contents: [
        { role: 'user', parts: [{ text: ODD }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] },
        { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] },
        { role: 'function', parts: [{ functionResponse: { name: 'f', response: { text: 'no' } } }] },
        { parts: [{ text: 'More.' }] },
      ],
      tools: [{ functionDeclarations: [{ name: 'f', parameters: { type: 'object' } }, { name: 'g' }] }, { googleSearch: {} }],
    }
    expect(prompts(gemini)).toEqual([ODD, 'More.'])
    expect(subjects(gemini)[1]).toMatchObject({ system: 'Be\ncalm.', turns: 3, attachments: 1, tools: 2 })
  })

  it('are read the same however the JSON was written', () => {
    const escaped = Array.from(ODD)
      .map((c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''))
      .join('')
    expect(prompts(`{ "messages" : [ { "content" : "${escaped}" , "role" : "user" } ] }`)).toEqual([ODD])
    expect(prompts('{"messages":[{"role":"user","content":"a\\\\"},{"role":"user","content":"\\\\\\"b\\""}]}')).toEqual(['a\\', '\\"b"'])
  })

  it('are nobody’s where there are none', () => {
    for (const body of [{}, { messages: [] }, { messages: 'x' }, { messages: [{ role: 'system', content: 'a' }] }, { input: [] }, { messages: [1, null, []] }, { messages: [{ role: 'user', content: '' }] }])
      expect(subjects(body)).toHaveLength(body.messages === 'x' ? 1 : 0) // prettier-ignore
  })

  it('of a long message are its beginning and its end, cut inside no sign', () => {
    for (const unit of ['word ', '漢', '\u{1f600}', '\\', '"', 'é\n']) {
      const middle = unit.repeat(60_000)
      const [prompt = ''] = prompts({ messages: [{ role: 'user', content: `BEGIN ${middle} FINISH` }] })
      expect(prompt.startsWith('BEGIN ')).toBe(true)
      expect(prompt.endsWith(' FINISH')).toBe(true)
      expect(new TextEncoder().encode(prompt).length).toBeLessThan(50_000)
      expect(prompt.isWellFormed()).toBe(true)
      expect(prompt).not.toContain('\ufffd')
      expect([...new Set(prompt.replace('BEGIN ', '').replace(' FINISH', ''))].every((sign) => `${unit} \n`.includes(sign))).toBe(true)
    }
    const ascii = JSON.stringify({ messages: [{ role: 'user', content: `B ${'漢\u{1f600}'.repeat(30_000)} F` }] }).replace(
      /[^\x20-\x7e]/gu,
      (c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16)}`).join(''),
    )
    const [prompt = ''] = prompts(ascii)
    expect([prompt.slice(0, 2), prompt.slice(-2)]).toEqual(['B ', ' F'])
    expect(prompt).not.toContain('\\u')
    // Many parts: the first and the last.
    const parts = Array.from({ length: 200 }, (_, i) => ({ type: 'text', text: `part ${i} ${'x'.repeat(1000)}` }))
    const [joined = ''] = prompts({ messages: [{ role: 'user', content: parts }] })
    expect([joined.includes('part 0 '), joined.includes('part 199 '), joined.includes('part 100 ')]).toEqual([true, true, false])
  })

  it('never throw, whatever well-formed JSON stands there', () => {
    const random = chance('odd bodies')
    const names = ['messages', 'role', 'content', 'type', 'text', 'parts', 'input', 'contents', 'tools', 'system', 'x']
    const value = (depth: number): unknown => {
      const kind = whole(random, depth > 5 ? 4 : 7)
      if (kind === 0) return null
      if (kind === 1) return whole(random, 99)
      if (kind === 2) return ['user', 'system', 'text', 'tool_result', 'message', 'a "b" \\'][whole(random, 6)]
      if (kind === 3) return random() < 0.5
      if (kind < 6) return Array.from({ length: whole(random, 5) }, () => value(depth + 1))
      return Object.fromEntries(Array.from({ length: whole(random, 5) }, () => [names[whole(random, names.length)], value(depth + 1)]))
    }
    for (let i = 0; i < 4000; i++) {
      const body = { messages: value(1), system: value(2), tools: value(2), response_format: value(3), generationConfig: value(3) }
      for (const one of subjects(body)) {
        expect(typeof one.prompt).toBe('string')
        expect(one.contextTokens).toBeGreaterThanOrEqual(0)
      }
    }
  })
})

describe('what stands beside them', () => {
  it('is counted: tools and their bytes, the form of the answer', () => {
    const tools = [
      { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { a: { anyOf: [{}, {}] } } } } },
      { type: 'web_search' },
    ]
    const messages = [{ role: 'user', content: 'Hi' }]
    expect(subjects({ messages, tools })[0]).toMatchObject({ tools: 2, toolBytes: JSON.stringify(tools).length, format: 'text' })
    expect(subjects({ messages, functions: [{ name: 'f' }] })[0]).toMatchObject({ tools: 1 })
    const format = (more: object): string | undefined => subjects({ messages, ...more })[0]?.format
    expect(format({ response_format: { type: 'json_object' } })).toBe('json')
    expect(format({ response_format: { type: 'json_schema', json_schema: {} } })).toBe('schema')
    expect(format({ text: { format: { type: 'json_schema' } } })).toBe('schema')
    expect(format({ output_format: { type: 'json_schema' } })).toBe('schema')
    expect(format({ generationConfig: { responseMimeType: 'application/json' } })).toBe('json')
    expect(format({ generationConfig: { responseMimeType: 'application/json', responseSchema: { type: 'OBJECT' } } })).toBe('schema')
    expect(format({ generationConfig: { temperature: 1 } })).toBe('text')
  })

  it('is bounded of the system prompt', () => {
    const [one] = subjects({
      messages: [
        { role: 'system', content: 'ab '.repeat(9000) },
        { role: 'user', content: 'Hi' },
      ],
    })
    expect(one?.system.length).toBeGreaterThan(1500)
    expect(one?.system.length).toBeLessThanOrEqual(2048)
  })
})

describe('a conversation', () => {
  it('is judged by the hardest that was asked so far, and what is judged of a message does not change when it grows', () => {
    const random = chance('growing conversations')
    for (let trial = 0; trial < 50; trial++) {
      const messages: object[] = [{ role: 'system', content: 'S' }]
      let before = 0
      let seen: readonly Subject[] = []
      for (let turn = 0; turn < MOST_JUDGED; turn++) {
        messages.push(...said(`score=${(whole(random, 100) / 100).toFixed(2)} ${'x'.repeat(whole(random, 30_000))}`))
        const now = subjects({ messages })
        expect(now.slice(0, seen.length)).toEqual(seen)
        seen = now
        const { score } = judged(readingClassifier(), now) ?? { score: -1 }
        expect(score).toBeGreaterThanOrEqual(before)
        before = score
      }
    }
  })

  it('is bounded, with its newest turn always among what is judged', () => {
    const messages = Array.from({ length: 80 }, (_, i) => said(`turn ${i}`)).flat()
    const now = prompts({ messages: [...messages, { role: 'user', content: 'the newest' }] })
    expect(now).toHaveLength(MOST_JUDGED + 1)
    expect([now[0], now[MOST_JUDGED - 1], now[MOST_JUDGED]]).toEqual(['turn 0', `turn ${MOST_JUDGED - 1}`, 'the newest'])
  })

  it('abstains only where all of it is strange, and has nothing missing after its first turn', () => {
    const verdict = (...texts: readonly string[]) => judged(readingClassifier(), subjects({ messages: texts.flatMap(said) }))
    expect(verdict('abstain score=0.9')).toMatchObject({ abstains: true })
    expect(verdict('abstain score=0.9', 'score=0.2')).toMatchObject({ abstains: false, score: 0.2 })
    expect(verdict('abstain', 'abstain')).toMatchObject({ abstains: true })
    expect(verdict('needs-info')).toMatchObject({ needsInfo: 'absent-reference' })
    expect(verdict('needs-info', 'Here it is.')).toMatchObject({ needsInfo: null })
    expect(judged(readingClassifier(), [])).toBeNull()
  })
})

describe('the work', () => {
  it('survives more parts than a call has arguments', () => {
    const many = Array.from({ length: 190_000 }, () => 'a')
    expect(
      prompts({
        messages: [
          { role: 'system', content: many },
          { role: 'user', content: 'x' },
        ],
      }),
    ).toEqual(['x'])
    const twice = many.map(() => '"text":"a"').join()
    expect(prompts(`{"messages":[{"role":"user","content":[{${twice}}]}]}`)[0]?.slice(0, 3)).toBe('a\na')
  })

  it('is tens of microseconds for a plain chat, and bounded for twenty megabytes', () => {
    const chat = new Body(new TextEncoder().encode(JSON.stringify({ model: 'm', messages: [{ role: 'system', content: 'You help. '.repeat(30) }, ...said('A sentence of text. '.repeat(110)), { role: 'user', content: 'And then? '.repeat(210) }] }))) // prettier-ignore
    expect(chat.byteLength).toBeGreaterThan(4500)
    for (let i = 0; i < 2000; i++) subjectsOf(chat)
    const times = Array.from({ length: 300 }, () => {
      const start = performance.now()
      subjectsOf(chat)
      return performance.now() - start
    }).sort((a, b) => a - b)
    expect(times[150]).toBeLessThan(0.1)
    const picture = new Body(new TextEncoder().encode(JSON.stringify({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x'.repeat(2e7) } }, { type: 'text', text: 'What is it?' }] }] }))) // prettier-ignore
    const start = performance.now()
    expect(subjectsOf(picture)).toMatchObject([{ prompt: 'What is it?', attachments: 1 }])
    expect(performance.now() - start).toBeLessThan(200)
  })
})
