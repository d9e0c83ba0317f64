// The two requests: a long system prompt that both share byte for byte, marked for caching where the language has marks, and a question each.

import { providerById } from '../../src/providers/index.ts'

export const DIALECTS = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'openrouter'] as const
export type Dialect = (typeof DIALECTS)[number]

export type Question = { readonly path: string; readonly headers: { readonly [name: string]: string }; readonly body: string }

/** About what a line of the prompt counts in the tokenizers of today. */
const TOKENS_OF_A_LINE = 20
const MOST_OUTPUT_TOKENS = 64

export function isDialect(name: string): name is Dialect {
  return DIALECTS.some((dialect) => dialect === name)
}

/** The language in which the model's own provider tells most of its cache. */
export function dialectFor(model: string): Dialect {
  const provider = model.split('/')[0] ?? ''
  if (provider === 'anthropic' || provider === 'bedrock' || /claude/.test(model)) return 'anthropic-messages'
  return provider === 'google' || provider === 'vertex' ? 'gemini' : 'openai-chat'
}

/** Which languages mark what is to be cached; in the others the provider sees for itself. */
export function hasMarks(dialect: Dialect): boolean {
  return dialect === 'anthropic-messages' || dialect === 'openrouter'
}

/** `name` tells this run's prompt from all others: the first request finds nothing cached. */
export function systemPrompt(name: string, tokens: number): string {
  const lines = Array.from(
    { length: Math.ceil(tokens / TOKENS_OF_A_LINE) },
    (_, i) => `Rule ${i + 1}: a report of kind ${(i * 37) % 101} names its author, its date and all of its sources.`,
  )
  return [`Handbook ${name}. Answer in one word.`, ...lines].join('\n')
}

export function question(dialect: Dialect, model: string, key: string, prompt: string, ask: string): Question {
  const bearer = { authorization: `Bearer ${key}` }
  const cacheKey = prompt.slice(0, prompt.indexOf('.'))
  switch (dialect) {
    case 'anthropic-messages':
      return asked(
        '/v1/messages',
        { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
        {
          model,
          max_tokens: MOST_OUTPUT_TOKENS,
          system: [{ type: 'text', text: prompt, cache_control: { type: 'ephemeral' } }],
          messages: [{ role: 'user', content: ask }],
        },
      )
    case 'gemini':
      return asked(
        `/v1beta/models/${model}:generateContent`,
        { 'x-goog-api-key': key },
        {
          systemInstruction: { parts: [{ text: prompt }] },
          contents: [{ role: 'user', parts: [{ text: ask }] }],
          generationConfig: { maxOutputTokens: MOST_OUTPUT_TOKENS },
        },
      )
    case 'openai-responses':
      return asked('/v1/responses', bearer, {
        model,
        instructions: prompt,
        input: ask,
        max_output_tokens: MOST_OUTPUT_TOKENS,
        store: false,
        prompt_cache_key: cacheKey,
      })
    case 'openrouter':
      return asked('/api/v1/chat/completions', bearer, {
        model,
        messages: [
          { role: 'system', content: [{ type: 'text', text: prompt, cache_control: { type: 'ephemeral' } }] },
          { role: 'user', content: ask },
        ],
        max_tokens: MOST_OUTPUT_TOKENS,
      })
    case 'openai-chat': {
      const provider = model.split('/')[0] ?? ''
      const voice = providerById(provider)?.voices.find((one) => one.dialect === 'openai-chat')
      return asked('/v1/chat/completions', bearer, {
        model,
        messages: [
          { role: 'system', content: prompt },
          { role: 'user', content: ask },
        ],
        [voice?.habits.ceilingMember ?? 'max_tokens']: MOST_OUTPUT_TOKENS,
        ...(provider === 'openai' ? { prompt_cache_key: cacheKey } : {}),
      })
    }
  }
}

function asked(path: string, headers: Question['headers'], body: object): Question {
  return { path, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
