// Conversations as real clients of each language would send them: the same meaning in every language, as far as it has the words.

/** One pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const SYSTEM = 'You are a travel agent. Answer briefly.'
const ASK = 'What is the weather in Paris and in Tokyo?'
const DESCRIBED = 'The current weather of a city.'
/** Members in an order that no printer keeps by chance, and a number that no parser does. */
const PARAMETERS =
  '{"type":"object","properties":{"unit":{"type":"string","enum":["c","f"]},"city":{"type":"string","maxLength":100.0}},"required":["city"],"additionalProperties":false}'
const REPLY =
  '{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false}'
const CALLS = [
  { id: 'call_1', city: 'Paris', result: '18 degrees' },
  { id: 'call_2', city: 'Tokyo', result: '{"degrees":24}' },
] as const
const THOUGHT = 'Two cities, so two calls.'
const SIGNATURE = 'c2lnbmF0dXJlIG9mIHRoZSB0aG91Z2h0'

type Bodies = { readonly [scenario: string]: string }

/** A text that stands for itself in a body that is printed. */
const raw = (text: string): { readonly raw: string } => ({ raw: text })

function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if ('raw' in value && typeof value.raw === 'string') return value.raw
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${print(member)}`)
    .join(',')}}`
}

const chatTools = print([
  { type: 'function', function: { name: 'weather', description: DESCRIBED, parameters: raw(PARAMETERS), strict: true } },
])

function chatCalls(withReasoning: object): readonly object[] {
  return [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: ASK },
    {
      role: 'assistant',
      content: 'I will look.',
      ...withReasoning,
      tool_calls: CALLS.map(({ id, city }) => ({
        id,
        type: 'function',
        function: { name: 'weather', arguments: `{"city": "${city}", "n": 1.0}` },
      })),
    },
    ...CALLS.map(({ id, result }) => ({ role: 'tool', tool_call_id: id, content: result })),
    { role: 'user', content: 'And tomorrow?' },
  ]
}

const chatLook = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Who is this?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'low' } },
        { type: 'image_url', image_url: { url: 'https://example.com/face.jpg' } },
        { type: 'file', file: { filename: 'cv.pdf', file_data: 'data:application/pdf;base64,JVBERi0xLjQK' } },
      ],
    },
  ],
  response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema: raw(REPLY) } },
  reasoning_effort: 'medium',
  max_completion_tokens: 9000,
  temperature: 0.2,
  top_p: 0.9,
  seed: 7,
  stop: ['END', 'STOP'],
  user: 'u-1',
}

/** Bodies by client dialect and scenario; the model's name is of no matter here. */
export const SCENARIOS: { readonly [dialect: string]: Bodies } = {
  'openai-chat': {
    tools: print({
      model: 'm',
      messages: chatCalls({}),
      tools: raw(chatTools),
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
      prompt_cache_key: 'agency',
    }),
    look: print({ model: 'm', ...chatLook }),
  },
  'openai-completions': {
    prompt: print({
      model: 'm',
      prompt: 'The capital of France is',
      max_tokens: 20,
      temperature: raw('0.50'),
      stop: ['\n', 'Q:'],
      seed: 7,
      logprobs: 2,
      user: 'u-1',
    }),
  },
  openrouter: {
    tools: print({
      model: 'anthropic/claude-sonnet-4.5',
      messages: [
        { role: 'system', content: [{ type: 'text', text: SYSTEM, cache_control: { type: 'ephemeral' } }] },
        ...chatCalls({
          reasoning: THOUGHT,
          reasoning_details: [{ type: 'reasoning.text', text: THOUGHT, signature: SIGNATURE, format: 'anthropic-claude-v1', index: 0 }],
        }).slice(1),
      ],
      tools: raw(chatTools),
      tool_choice: 'auto',
      reasoning: { max_tokens: 2000 },
      max_tokens: 8000,
    }),
    look: print({ model: 'google/gemini-2.5-flash', ...chatLook, top_k: 40 }).replace(
      '"reasoning_effort":"medium"',
      '"reasoning":{"effort":"high"}',
    ),
  },
  'openai-responses': {
    tools: print({
      model: 'm',
      instructions: SYSTEM,
      input: [
        { role: 'user', content: ASK },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: THOUGHT }], encrypted_content: SIGNATURE },
        {
          type: 'message',
          role: 'assistant',
          id: 'msg_1',
          status: 'completed',
          content: [{ type: 'output_text', text: 'I will look.', annotations: [] }],
        },
        ...CALLS.map(({ id, city }) => ({
          type: 'function_call',
          id: `fc_${id}`,
          call_id: id,
          name: 'weather',
          arguments: `{"city": "${city}", "n": 1.0}`,
        })),
        ...CALLS.map(({ id, result }) => ({ type: 'function_call_output', call_id: id, output: result })),
        { role: 'user', content: [{ type: 'input_text', text: 'And tomorrow?' }] },
      ],
      tools: [{ type: 'function', name: 'weather', description: DESCRIBED, parameters: raw(PARAMETERS), strict: true }],
      tool_choice: 'required',
      store: false,
      include: ['reasoning.encrypted_content'],
    }),
    look: print({
      model: 'm',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Who is this?' },
            { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'low' },
            { type: 'input_image', image_url: 'https://example.com/face.jpg', detail: 'auto' },
            { type: 'input_file', filename: 'cv.pdf', file_data: 'data:application/pdf;base64,JVBERi0xLjQK' },
          ],
        },
      ],
      text: { format: { type: 'json_schema', name: 'person', strict: true, schema: raw(REPLY) } },
      reasoning: { effort: 'medium', summary: 'auto' },
      max_output_tokens: 9000,
      temperature: 0.2,
      top_p: 0.9,
      user: 'u-1',
    }),
  },
  'anthropic-messages': {
    tools: print({
      model: 'm',
      max_tokens: 8000,
      thinking: { type: 'enabled', budget_tokens: 2000 },
      system: [{ type: 'text', text: SYSTEM, cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: ASK },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: THOUGHT, signature: SIGNATURE },
            { type: 'text', text: 'I will look.' },
            ...CALLS.map(({ id, city }) => ({ type: 'tool_use', id, name: 'weather', input: raw(`{"city": "${city}", "n": 1.0}`) })),
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'call_1', content: [{ type: 'text', text: '18 degrees' }] },
            { type: 'tool_result', tool_use_id: 'call_2', content: 'no such city', is_error: true },
            { type: 'text', text: 'And tomorrow?', cache_control: { type: 'ephemeral', ttl: '1h' } },
          ],
        },
      ],
      tools: [{ name: 'weather', description: DESCRIBED, input_schema: raw(PARAMETERS), cache_control: { type: 'ephemeral' } }],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    }),
    look: print({
      model: 'm',
      max_tokens: 9000,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Who is this?' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
            { type: 'image', source: { type: 'url', url: 'https://example.com/face.jpg' } },
            { type: 'document', title: 'cv', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0xLjQK' } },
          ],
        },
      ],
      output_config: { format: { type: 'json_schema', schema: raw(REPLY) } },
      temperature: 0.2,
      top_k: 40,
      stop_sequences: ['END', 'STOP'],
      metadata: { user_id: 'u-1' },
    }),
  },
  gemini: {
    tools: print({
      systemInstruction: { parts: [{ text: SYSTEM }] },
      contents: [
        { role: 'user', parts: [{ text: ASK }] },
        {
          role: 'model',
          parts: [
            { text: THOUGHT, thought: true },
            { text: 'I will look.' },
            ...CALLS.map(({ city }, i) => ({
              functionCall: { name: 'weather', args: raw(`{"city": "${city}", "n": 1.0}`) },
              ...(i === 0 ? { thoughtSignature: SIGNATURE } : {}),
            })),
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { name: 'weather', response: { output: '18 degrees' } } },
            { functionResponse: { name: 'weather', response: { degrees: 24 } } },
            { text: 'And tomorrow?' },
          ],
        },
      ],
      tools: [{ functionDeclarations: [{ name: 'weather', description: DESCRIBED, parametersJsonSchema: raw(PARAMETERS) }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] } },
    }),
    look: print({
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'Who is this?' },
            { inlineData: { mimeType: 'image/png', data: PNG } },
            { fileData: { mimeType: 'image/jpeg', fileUri: 'https://example.com/face.jpg' } },
            { inlineData: { mimeType: 'application/pdf', data: 'JVBERi0xLjQK' } },
          ],
        },
      ],
      generationConfig: {
        responseMimeType: 'application/json',
        responseJsonSchema: raw(REPLY),
        thinkingConfig: { thinkingBudget: 2000, includeThoughts: true },
        maxOutputTokens: 9000,
        temperature: 0.2,
        topP: 0.9,
        topK: 40,
        seed: 7,
        stopSequences: ['END', 'STOP'],
      },
    }),
  },
}
