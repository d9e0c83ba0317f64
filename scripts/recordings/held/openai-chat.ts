// What a recorded OpenAI chat answer holds, with the members that compatible hosts add.

import { argsOf, facts, tokens, wordsOf, type Call, type Ending, type Facts, type Tokens } from '../facts.ts'
import { at, isRecord, listAt, numberAt, textAt } from '../look.ts'

const ENDINGS: { readonly [native: string]: Ending } = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  length: 'length',
  model_length: 'length',
  max_tokens: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'filtered',
}

function said(content: unknown): string {
  if (typeof content === 'string') return content
  return (Array.isArray(content) ? content : [])
    .map((part: unknown) => {
      if (typeof part === 'string') return part
      return ['text', 'output_text'].includes(textAt(part, 'type')) ? textAt(part, 'text') : ''
    })
    .join('')
}

/** Under `reasoning_content`, `reasoning`, `reasoning_details`, or as Mistral's parts of kind `thinking`. */
function thought(message: unknown): string {
  const text = textAt(message, 'reasoning_content') || textAt(message, 'reasoning') || detailed(message)
  if (text !== '') return text
  return listAt(message, 'content')
    .filter((part) => textAt(part, 'type') === 'thinking')
    .map((part) => textAt(part, 'thinking') || said(at(part, 'thinking')))
    .join('')
}

function detailed(message: unknown): string {
  return listAt(message, 'reasoning_details')
    .map((detail) => textAt(detail, 'text') + textAt(detail, 'summary'))
    .join('')
}

export function chatTokens(usage: unknown): Tokens | null {
  const prompt = numberAt(usage, 'prompt_tokens')
  const completion = numberAt(usage, 'completion_tokens')
  if (prompt === null && completion === null) return null
  const reasoning = numberAt(usage, 'completion_tokens_details', 'reasoning_tokens') ?? numberAt(usage, 'reasoning_tokens')
  const [input, output] = [prompt ?? 0, completion ?? 0]
  // xAI counts reasoning beside the completion, all others inside: the total tells.
  const isBeside = reasoning !== null && reasoning > 0 && numberAt(usage, 'total_tokens') === input + output + reasoning
  const cacheRead =
    numberAt(usage, 'prompt_tokens_details', 'cached_tokens') ??
    numberAt(usage, 'prompt_cache_hit_tokens') ??
    numberAt(usage, 'cached_tokens') ??
    numberAt(usage, 'num_cached_tokens') ??
    numberAt(usage, 'cache_read_input_tokens') ??
    0
  const cacheWrite = numberAt(usage, 'prompt_tokens_details', 'cache_write_tokens') ?? numberAt(usage, 'cache_creation_input_tokens') ?? 0
  const inputAudio = numberAt(usage, 'prompt_tokens_details', 'audio_tokens') ?? 0
  // Mistral counts sound beside the prompt; the total tells that, too.
  const heard = inputAudio > 0 && numberAt(usage, 'total_tokens') === input + output + inputAudio ? inputAudio : 0
  return tokens({
    // A prompt smaller than what of it came from a cache is no total (Grok on Azure, Magistral), nor is one that was read and stored at once.
    input: cacheRead + cacheWrite > input ? null : input + heard,
    output: isBeside ? output + reasoning : output,
    reasoning,
    cacheRead,
    cacheWrite,
    cacheWrite1h: numberAt(usage, 'cache_creation', 'ephemeral_1h_input_tokens') ?? 0,
    inputAudio,
    outputAudio: numberAt(usage, 'completion_tokens_details', 'audio_tokens') ?? 0,
    outputImage: numberAt(usage, 'completion_tokens_details', 'image_tokens') ?? 0,
  })
}

function ending(native: string, calls: number): Ending | null {
  if (native === '') return null
  const reason = ENDINGS[native] ?? 'other'
  return reason === 'stop' && calls > 0 ? 'tool-calls' : reason
}

export function isAnswer(body: unknown): boolean {
  return isRecord(at(body, 'error')) || Array.isArray(at(body, 'choices'))
}

export function whole(body: unknown): Facts {
  if (at(body, 'error') != null && !Array.isArray(at(body, 'choices'))) return facts({ error: wordsOf(at(body, 'error')) ?? '' })
  const choice = at(body, 'choices', 0)
  const message = at(choice, 'message')
  const calls: Call[] = listAt(message, 'tool_calls').map((call) => ({
    id: textAt(call, 'id'),
    name: textAt(call, 'function', 'name') || textAt(call, 'custom', 'name'),
    args: argsOf(at(call, 'function', 'arguments') ?? at(call, 'custom', 'input')),
  }))
  const legacy = at(message, 'function_call')
  if (isRecord(legacy) && textAt(legacy, 'name') !== '')
    calls.push({ id: '', name: textAt(legacy, 'name'), args: argsOf(legacy['arguments']) })
  return facts({
    text: said(at(message, 'content')) + textAt(message, 'refusal'),
    reasoning: thought(message),
    calls,
    finish: ending(textAt(choice, 'finish_reason'), calls.length),
    tokens: chatTokens(at(body, 'usage')),
  })
}

type Growing = { id: string; name: string; text: string; data: unknown }

export function events(chunks: readonly unknown[]): Facts {
  let text = ''
  let reasoning = ''
  let native = ''
  let counted: Tokens | null = null
  let error: string | null = null
  const calls: Growing[] = []
  const byKey = new Map<unknown, Growing>()
  const grow = (key: unknown, id: string, name: string, args: unknown): void => {
    let call = byKey.get(key)
    // Some hosts number all parallel calls 0: a new id with a name is a new call.
    if (call === undefined || (id !== '' && call.id !== '' && id !== call.id && name !== '')) {
      call = { id, name: '', text: '', data: undefined }
      calls.push(call)
      byKey.set(key, call)
    }
    if (call.id === '') call.id = id
    if (name !== '' && name !== call.name) call.name += name
    if (isRecord(args)) call.data = args
    else if (typeof args === 'string') call.text += args
  }
  for (const chunk of chunks) {
    if (at(chunk, 'error') != null) error = wordsOf(at(chunk, 'error')) ?? ''
    counted = chatTokens(at(chunk, 'usage')) ?? chatTokens(at(chunk, 'x_groq', 'usage')) ?? counted
    for (const choice of listAt(chunk, 'choices')) {
      if ((numberAt(choice, 'index') ?? 0) !== 0) continue
      const delta = at(choice, 'delta') ?? at(choice, 'message')
      text += said(at(delta, 'content')) + textAt(delta, 'refusal')
      reasoning += thought(delta)
      native = textAt(choice, 'finish_reason') || native
      for (const call of listAt(delta, 'tool_calls'))
        grow(
          at(call, 'index') ?? (textAt(call, 'id') || calls.length),
          textAt(call, 'id'),
          textAt(call, 'function', 'name'),
          at(call, 'function', 'arguments'),
        )
      const legacy = at(delta, 'function_call')
      if (isRecord(legacy)) grow('legacy', '', textAt(legacy, 'name'), legacy['arguments'])
    }
  }
  return facts({
    text,
    reasoning,
    calls: calls.map(({ id, name, text: raw, data }) => ({ id, name, args: argsOf(data ?? raw) })),
    finish: ending(native, calls.length),
    tokens: counted,
    error,
  })
}
