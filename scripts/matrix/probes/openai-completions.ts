// The features of OpenAI's old text completions: a bare prompt has few.

import { adding, type Probes } from '../probe.ts'

const BASE = { model: 'm', prompt: 'Hi' }

export const OPENAI_COMPLETIONS: Probes = {
  'output ceiling': adding(BASE, { max_tokens: 64 }),
  'stop sequences': adding(BASE, { stop: ['END'] }),
  temperature: adding(BASE, { temperature: 0.5 }),
  top_p: adding(BASE, { top_p: 0.5 }),
  seed: adding(BASE, { seed: 7 }),
  penalties: adding(BASE, { presence_penalty: 0.5, frequency_penalty: 0.5 }),
  'logit bias': adding(BASE, { logit_bias: { '50256': -100 } }),
  logprobs: adding(BASE, { logprobs: 2 }),
  'several answers': adding(BASE, { n: 2 }),
  'end-user id': adding(BASE, { user: 'u-1' }),
}
