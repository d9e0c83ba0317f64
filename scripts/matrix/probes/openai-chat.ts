// The features in OpenAI's chat language, and in OpenRouter's, which shares its shape.

import { adding, PDF, PNG, SCHEMA, WAV, type Probe, type Probes } from '../probe.ts'

const HI = { role: 'user', content: 'Hi' }
const BASE = { model: 'm', messages: [HI] }
const TOOL = { type: 'function', function: { name: 'look', description: 'Looks.', parameters: SCHEMA } }
const TOOLED = { ...BASE, tools: [TOOL] }
const CALLED = [
  HI,
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"city":"Rome"}' } }],
  },
]

function saying(...parts: readonly object[]): Probe {
  const text = { type: 'text', text: 'Hi' }
  return {
    with: { ...BASE, messages: [{ role: 'user', content: [text, ...parts] }] },
    without: { ...BASE, messages: [{ role: 'user', content: [text] }] },
  }
}

const marked = (mark: object): Probe => ({
  with: { ...BASE, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: mark }] }] },
  without: { ...BASE, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] },
})

const image = (url: string, detail: object): object => ({ type: 'image_url', image_url: { url, ...detail } })
const PICTURE = `data:image/png;base64,${PNG}`

export const OPENAI_CHAT: Probes = {
  'system prompt': { with: { ...BASE, messages: [{ role: 'system', content: 'Be brief.' }, HI] }, without: BASE },
  tools: adding(BASE, { tools: [TOOL] }),
  'tool results': {
    with: { ...TOOLED, messages: [...CALLED, { role: 'tool', tool_call_id: 'call_1', content: 'sunny' }] },
    without: { ...TOOLED, messages: [HI] },
  },
  'tool choice: none': adding(TOOLED, { tool_choice: 'none' }),
  'tool choice: any': adding(TOOLED, { tool_choice: 'required' }),
  'tool choice: one': adding(TOOLED, { tool_choice: { type: 'function', function: { name: 'look' } } }),
  'one call at a time': adding(TOOLED, { parallel_tool_calls: false }),
  'strict tools': { with: { ...BASE, tools: [{ ...TOOL, function: { ...TOOL.function, strict: true } }] }, without: TOOLED },
  'JSON mode': adding(BASE, { response_format: { type: 'json_object' } }),
  'reply schema': adding(BASE, { response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema: SCHEMA } } }),
  'reasoning effort': adding({ ...BASE, max_tokens: 9000 }, { reasoning_effort: 'high' }),
  'reasoning off': adding(BASE, { reasoning_effort: 'none' }),
  'refusal sent back': {
    with: { ...BASE, messages: [HI, { role: 'assistant', refusal: 'I will not.' }, HI] },
    without: { ...BASE, messages: [HI, HI] },
  },
  'image (base64)': saying(image(PICTURE, {})),
  'image (URL)': saying(image('https://example.com/a.png', {})),
  'image detail': {
    with: { ...BASE, messages: [{ role: 'user', content: [image(PICTURE, { detail: 'low' })] }] },
    without: { ...BASE, messages: [{ role: 'user', content: [image(PICTURE, {})] }] },
  },
  'PDF (base64)': saying({ type: 'file', file: { file_data: `data:application/pdf;base64,${PDF}` } }),
  'file by id': saying({ type: 'file', file: { file_id: 'file-1' } }),
  'audio (base64)': saying({ type: 'input_audio', input_audio: { data: WAV, format: 'wav' } }),
  'video (URL)': saying({ type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } }),
  'cache key': adding(BASE, { prompt_cache_key: 'k' }),
  'output ceiling': adding(BASE, { max_completion_tokens: 500 }),
  'stop sequences': adding(BASE, { stop: ['END'] }),
  temperature: adding(BASE, { temperature: 0.5 }),
  top_p: adding(BASE, { top_p: 0.5 }),
  seed: adding(BASE, { seed: 7 }),
  penalties: adding(BASE, { presence_penalty: 0.5, frequency_penalty: 0.5 }),
  'logit bias': adding(BASE, { logit_bias: { '50256': -100 } }),
  logprobs: adding(BASE, { logprobs: true, top_logprobs: 2 }),
  'several answers': adding(BASE, { n: 2 }),
  'service tier': adding(BASE, { service_tier: 'flex' }),
  'end-user id': adding(BASE, { user: 'u-1' }),
  metadata: adding(BASE, { metadata: { a: 'b' } }),
  verbosity: adding(BASE, { verbosity: 'low' }),
  'predicted output': adding(BASE, { prediction: { type: 'content', content: 'Hi' } }),
  'web search by the provider': adding(BASE, { web_search_options: {} }),
  'spoken answer': adding(BASE, { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }),
}

const THOUGHT = { type: 'reasoning.text', text: 'So.', format: 'anthropic-claude-v1', index: 0 }

export const OPENROUTER: Probes = {
  ...OPENAI_CHAT,
  'reasoning effort': adding({ ...BASE, max_tokens: 9000 }, { reasoning: { effort: 'high' } }),
  'reasoning budget': adding({ ...BASE, max_tokens: 9000 }, { reasoning: { max_tokens: 2000 } }),
  'reasoning off': adding(BASE, { reasoning: { enabled: false } }),
  'signed thoughts sent back': {
    with: {
      ...BASE,
      messages: [HI, { role: 'assistant', content: 'Hm.', reasoning_details: [{ ...THOUGHT, signature: 'c2lnbmF0dXJl' }] }, HI],
    },
    without: { ...BASE, messages: [HI, { role: 'assistant', content: 'Hm.' }, HI] },
  },
  'cache mark': marked({ type: 'ephemeral' }),
  'cache mark, 1 hour': marked({ type: 'ephemeral', ttl: '1h' }),
  top_k: adding(BASE, { top_k: 40 }),
  min_p: adding(BASE, { min_p: 0.1 }),
}
