// Where a language's requests say model, stream, ceiling and number of answers: most in the body, Gemini also in the path.

import type { Recording } from '../support/recordings.ts'

type Request = { readonly [member: string]: unknown }

export type Asking = {
  /** The body names the model, so an edit must name another. */
  readonly namesModel: boolean
  /** A path that fits any body. */
  readonly path: string
  pathOf(recording: Pick<Recording, 'url' | 'streaming'>): string
  model(recording: Pick<Recording, 'url' | 'request'>): unknown
  isStream(recording: Pick<Recording, 'request' | 'streaming'>): boolean
  ceiling(request: Request): unknown
  choices(request: Request): number
  /** It asks for what only its own provider has or kept, so it cannot be translated. */
  leans(request: Request): boolean
  withCeiling(request: Request, ceiling: unknown): Request
}

export function askingOf(dialect: string, path: string): Asking {
  if (dialect === 'gemini') return GEMINI
  const ceilingMember = dialect === 'openai-responses' ? 'max_output_tokens' : 'max_tokens'
  return {
    namesModel: true,
    path,
    pathOf: () => path,
    model: ({ request }) => request?.['model'],
    isStream: ({ request }) => request?.['stream'] === true,
    ceiling: (request) => request['max_completion_tokens'] ?? request[ceilingMember] ?? null,
    choices: (request) => (typeof request['n'] === 'number' ? request['n'] : 1) * (dialect === 'openai-completions' ? prompts(request) : 1),
    leans: dialect === 'openai-completions' ? isNoText : (request) => KEPT_AT_PROVIDER.some((name) => Boolean(request[name])),
    withCeiling: (request, ceiling) => ({ ...request, max_completion_tokens: undefined, [ceilingMember]: ceiling }),
  }
}

/** Members that only the provider which kept something can honour. */
const KEPT_AT_PROVIDER = ['previous_response_id', 'conversation', 'prompt', 'background']

function prompts({ prompt }: Request): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1
}

/** Tokens, or several prompts: a chat has no place for them. */
function isNoText({ prompt }: Request): boolean {
  return Array.isArray(prompt) && (prompt.length > 1 || typeof prompt[0] !== 'string')
}

const GEMINI: Asking = {
  namesModel: false,
  path: '/v1beta/models/test/model:generateContent',
  pathOf: ({ url, streaming }) => `/v1beta/models/google/${modelIn(url)}:${streaming ? 'streamGenerateContent' : 'generateContent'}`,
  model: ({ url }) => `google/${modelIn(url)}`,
  isStream: ({ streaming }) => streaming,
  ceiling: (request) => config(request)['maxOutputTokens'] ?? config(request)['max_output_tokens'] ?? null,
  choices: (request) => Number(config(request)['candidateCount'] ?? 1),
  leans: () => false,
  withCeiling: (request, ceiling) => ({
    ...request,
    generation_config: undefined,
    generationConfig: { ...config(request), max_output_tokens: undefined, maxOutputTokens: ceiling },
  }),
}

function modelIn(url: string): string {
  return /models\/([^:]+):/.exec(url)?.[1] ?? 'gemini'
}

function config(request: Request): Request {
  const said = request['generationConfig'] ?? request['generation_config']
  return typeof said === 'object' && said !== null ? { ...said } : {}
}
