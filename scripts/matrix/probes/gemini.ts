// The features in Gemini's language.

import { adding, PDF, PNG, SCHEMA, SIGNATURE, WAV, type Probe, type Probes } from '../probe.ts'

const HI = { role: 'user', parts: [{ text: 'Hi' }] }
const BASE = { contents: [HI] }
const TOOL = { name: 'look', description: 'Looks.', parametersJsonSchema: SCHEMA }
const TOOLED = { ...BASE, tools: [{ functionDeclarations: [TOOL] }] }
const CALL = { role: 'model', parts: [{ functionCall: { id: 'c1', name: 'look', args: { city: 'Rome' } } }] }

function saying(...parts: readonly object[]): Probe {
  return { with: { contents: [{ role: 'user', parts: [{ text: 'Hi' }, ...parts] }] }, without: BASE }
}

function answering(response: object): object {
  return { ...TOOLED, contents: [HI, CALL, { role: 'user', parts: [{ functionResponse: { id: 'c1', name: 'look', response } }] }] }
}

function configured(config: object, base: object = {}): Probe {
  return { with: { ...BASE, generationConfig: { ...base, ...config } }, without: { ...BASE, generationConfig: base } }
}

const choosing = (config: object): Probe => adding(TOOLED, { toolConfig: { functionCallingConfig: config } })

export const GEMINI: Probes = {
  'system prompt': adding(BASE, { systemInstruction: { parts: [{ text: 'Be brief.' }] } }),
  tools: adding(BASE, { tools: [{ functionDeclarations: [TOOL] }] }),
  'tool results': { with: answering({ output: 'sunny' }), without: TOOLED },
  'failed tool result': { with: answering({ error: 'sunny' }), without: answering({ output: 'sunny' }) },
  'tool choice: none': choosing({ mode: 'NONE' }),
  'tool choice: any': choosing({ mode: 'ANY' }),
  'tool choice: one': choosing({ mode: 'ANY', allowedFunctionNames: ['look'] }),
  'strict tools': choosing({ mode: 'VALIDATED' }),
  'JSON mode': configured({ responseMimeType: 'application/json' }),
  'reply schema': configured({ responseMimeType: 'application/json', responseJsonSchema: SCHEMA }),
  'reasoning effort': configured({ thinkingConfig: { thinkingLevel: 'high' } }, { maxOutputTokens: 9000 }),
  'reasoning budget': configured({ thinkingConfig: { thinkingBudget: 2000 } }, { maxOutputTokens: 9000 }),
  'reasoning off': configured({ thinkingConfig: { thinkingBudget: 0 } }),
  'signed thoughts sent back': {
    with: { contents: [HI, { role: 'model', parts: [{ text: 'So.', thought: true, thoughtSignature: SIGNATURE }, { text: 'Hm.' }] }, HI] },
    without: { contents: [HI, { role: 'model', parts: [{ text: 'Hm.' }] }, HI] },
  },
  'image (base64)': saying({ inlineData: { mimeType: 'image/png', data: PNG } }),
  'image (URL)': saying({ fileData: { mimeType: 'image/png', fileUri: 'https://example.com/a.png' } }),
  'PDF (base64)': saying({ inlineData: { mimeType: 'application/pdf', data: PDF } }),
  'PDF (URL)': saying({ fileData: { mimeType: 'application/pdf', fileUri: 'https://example.com/a.pdf' } }),
  'file by id': saying({ fileData: { mimeType: 'application/pdf', fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/f1' } }),
  'audio (base64)': saying({ inlineData: { mimeType: 'audio/wav', data: WAV } }),
  'video (URL)': saying({ fileData: { mimeType: 'video/mp4', fileUri: 'https://example.com/a.mp4' } }),
  'cached content by name': adding(BASE, { cachedContent: 'cachedContents/c1' }),
  'output ceiling': configured({ maxOutputTokens: 500 }),
  'stop sequences': configured({ stopSequences: ['END'] }),
  temperature: configured({ temperature: 0.5 }),
  top_p: configured({ topP: 0.5 }),
  top_k: configured({ topK: 40 }),
  seed: configured({ seed: 7 }),
  penalties: configured({ presencePenalty: 0.5, frequencyPenalty: 0.5 }),
  logprobs: configured({ responseLogprobs: true, logprobs: 2 }),
  'several answers': configured({ candidateCount: 2 }),
  'web search by the provider': adding(BASE, { tools: [{ googleSearch: {} }] }),
  'safety settings': adding(BASE, { safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }] }),
  'spoken answer': configured({ responseModalities: ['AUDIO'] }),
}
