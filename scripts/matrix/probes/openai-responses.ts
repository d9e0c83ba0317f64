// The features in OpenAI's Responses language.

import { adding, PDF, PNG, SCHEMA, SIGNATURE, type Probe, type Probes } from '../probe.ts'

const HI = { role: 'user', content: 'Hi' }
const BASE = { model: 'm', input: [HI] }
const TOOL = { type: 'function', name: 'look', description: 'Looks.', parameters: SCHEMA, strict: false }
const TOOLED = { ...BASE, tools: [TOOL] }

function saying(...parts: readonly object[]): Probe {
  const text = { type: 'input_text', text: 'Hi' }
  return {
    with: { ...BASE, input: [{ role: 'user', content: [text, ...parts] }] },
    without: { ...BASE, input: [{ role: 'user', content: [text] }] },
  }
}

const PICTURE = { type: 'input_image', image_url: `data:image/png;base64,${PNG}` }

export const OPENAI_RESPONSES: Probes = {
  'system prompt': adding(BASE, { instructions: 'Be brief.' }),
  tools: adding(BASE, { tools: [TOOL] }),
  'tool results': {
    with: {
      ...TOOLED,
      input: [
        HI,
        { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{"city":"Rome"}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
      ],
    },
    without: TOOLED,
  },
  'tool choice: none': adding(TOOLED, { tool_choice: 'none' }),
  'tool choice: any': adding(TOOLED, { tool_choice: 'required' }),
  'tool choice: one': adding(TOOLED, { tool_choice: { type: 'function', name: 'look' } }),
  'one call at a time': adding(TOOLED, { parallel_tool_calls: false }),
  'strict tools': { with: { ...BASE, tools: [{ ...TOOL, strict: true }] }, without: TOOLED },
  'JSON mode': adding(BASE, { text: { format: { type: 'json_object' } } }),
  'reply schema': adding(BASE, { text: { format: { type: 'json_schema', name: 'reply', strict: true, schema: SCHEMA } } }),
  'reasoning effort': adding({ ...BASE, max_output_tokens: 9000 }, { reasoning: { effort: 'high' } }),
  'reasoning off': adding(BASE, { reasoning: { effort: 'none' } }),
  'signed thoughts sent back': {
    with: {
      ...BASE,
      input: [
        HI,
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'So.' }], encrypted_content: SIGNATURE },
        { role: 'assistant', content: 'Hm.' },
        HI,
      ],
    },
    without: { ...BASE, input: [HI, { role: 'assistant', content: 'Hm.' }, HI] },
  },
  'refusal sent back': {
    with: { ...BASE, input: [HI, { role: 'assistant', content: [{ type: 'refusal', refusal: 'I will not.' }] }, HI] },
    without: { ...BASE, input: [HI, HI] },
  },
  'image (base64)': saying(PICTURE),
  'image (URL)': saying({ type: 'input_image', image_url: 'https://example.com/a.png' }),
  'image detail': {
    with: { ...BASE, input: [{ role: 'user', content: [{ ...PICTURE, detail: 'low' }] }] },
    without: { ...BASE, input: [{ role: 'user', content: [PICTURE] }] },
  },
  'PDF (base64)': saying({ type: 'input_file', file_data: `data:application/pdf;base64,${PDF}` }),
  'PDF (URL)': saying({ type: 'input_file', file_url: 'https://example.com/a.pdf' }),
  'file by id': saying({ type: 'input_file', file_id: 'file-1' }),
  'cache key': adding(BASE, { prompt_cache_key: 'k' }),
  'output ceiling': adding(BASE, { max_output_tokens: 500 }),
  temperature: adding(BASE, { temperature: 0.5 }),
  top_p: adding(BASE, { top_p: 0.5 }),
  logprobs: adding(BASE, { top_logprobs: 2, include: ['message.output_text.logprobs'] }),
  'service tier': adding(BASE, { service_tier: 'flex' }),
  'end-user id': adding(BASE, { user: 'u-1' }),
  metadata: adding(BASE, { metadata: { a: 'b' } }),
  verbosity: adding(BASE, { text: { verbosity: 'low' } }),
  'web search by the provider': adding(BASE, { tools: [{ type: 'web_search' }] }),
}
