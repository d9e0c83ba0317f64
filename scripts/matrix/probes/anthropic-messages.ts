// The features in Anthropic's Messages language.

import { adding, PDF, PNG, SCHEMA, SIGNATURE, type Probe, type Probes } from '../probe.ts'

const HI = { role: 'user', content: 'Hi' }
const BASE = { model: 'm', max_tokens: 9000, messages: [HI] }
const TOOL = { name: 'look', description: 'Looks.', input_schema: SCHEMA }
const TOOLED = { ...BASE, tools: [TOOL] }
const CALL = { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look', input: { city: 'Rome' } }] }

function saying(...parts: readonly object[]): Probe {
  const text = { type: 'text', text: 'Hi' }
  return {
    with: { ...BASE, messages: [{ role: 'user', content: [text, ...parts] }] },
    without: { ...BASE, messages: [{ role: 'user', content: [text] }] },
  }
}

function answering(result: object): object {
  return {
    ...TOOLED,
    messages: [HI, CALL, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'sunny', ...result }] }],
  }
}

const marked = (mark: object): Probe => ({
  with: { ...BASE, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: mark }] }] },
  without: { ...BASE, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] },
})

const DOCUMENT = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } }

export const ANTHROPIC_MESSAGES: Probes = {
  'system prompt': adding(BASE, { system: 'Be brief.' }),
  tools: adding(BASE, { tools: [TOOL] }),
  'tool results': { with: answering({}), without: TOOLED },
  'failed tool result': { with: answering({ is_error: true }), without: answering({}) },
  'tool choice: none': adding(TOOLED, { tool_choice: { type: 'none' } }),
  'tool choice: any': adding(TOOLED, { tool_choice: { type: 'any' } }),
  'tool choice: one': adding(TOOLED, { tool_choice: { type: 'tool', name: 'look' } }),
  'one call at a time': {
    with: { ...TOOLED, tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    without: { ...TOOLED, tool_choice: { type: 'auto' } },
  },
  'strict tools': { with: { ...BASE, tools: [{ ...TOOL, strict: true }] }, without: TOOLED },
  'reply schema': adding(BASE, { output_config: { format: { type: 'json_schema', schema: SCHEMA } } }),
  'reasoning effort': adding(BASE, { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }),
  'reasoning budget': adding(BASE, { thinking: { type: 'enabled', budget_tokens: 2000 } }),
  'reasoning off': adding(BASE, { thinking: { type: 'disabled' } }),
  'signed thoughts sent back': {
    with: {
      ...BASE,
      messages: [
        HI,
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'So.', signature: SIGNATURE },
            { type: 'text', text: 'Hm.' },
          ],
        },
        HI,
      ],
    },
    without: { ...BASE, messages: [HI, { role: 'assistant', content: [{ type: 'text', text: 'Hm.' }] }, HI] },
  },
  'image (base64)': saying({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }),
  'image (URL)': saying({ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }),
  'PDF (base64)': saying(DOCUMENT),
  'PDF (URL)': saying({ type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }),
  'file by id': saying({ type: 'document', source: { type: 'file', file_id: 'file_1' } }),
  'cache mark': marked({ type: 'ephemeral' }),
  'cache mark, 1 hour': marked({ type: 'ephemeral', ttl: '1h' }),
  'output ceiling': { with: { ...BASE, max_tokens: 500 }, without: BASE },
  'stop sequences': adding(BASE, { stop_sequences: ['END'] }),
  temperature: adding(BASE, { temperature: 0.5 }),
  top_p: adding(BASE, { top_p: 0.5 }),
  top_k: adding(BASE, { top_k: 40 }),
  'service tier': adding(BASE, { service_tier: 'standard_only' }),
  'end-user id': adding(BASE, { metadata: { user_id: 'u-1' } }),
  'document citations': {
    with: { ...BASE, messages: [{ role: 'user', content: [{ ...DOCUMENT, citations: { enabled: true } }] }] },
    without: { ...BASE, messages: [{ role: 'user', content: [DOCUMENT] }] },
  },
  'web search by the provider': adding(BASE, { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
}
