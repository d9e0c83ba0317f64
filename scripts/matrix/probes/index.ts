// The probes of every client language: one line each.

import type { Probes } from '../probe.ts'
import { ANTHROPIC_MESSAGES } from './anthropic-messages.ts'
import { GEMINI } from './gemini.ts'
import { OPENAI_CHAT, OPENROUTER } from './openai-chat.ts'
import { OPENAI_COMPLETIONS } from './openai-completions.ts'
import { OPENAI_RESPONSES } from './openai-responses.ts'

export const PROBES: { readonly [dialect: string]: Probes } = {
  'openai-chat': OPENAI_CHAT,
  'openai-completions': OPENAI_COMPLETIONS,
  'openai-responses': OPENAI_RESPONSES,
  'anthropic-messages': ANTHROPIC_MESSAGES,
  gemini: GEMINI,
  openrouter: OPENROUTER,
}
