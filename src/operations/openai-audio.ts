// Sound as OpenAI's clients ask for it: speech (JSON in, sound or events out), transcriptions and translations (forms in). Forwarded only.
// Source: shared/specs/openai, `/audio/*`

import { usageOf } from '../core/usage.ts'
import type { Intent } from '../dialects/contract.ts'
import { malformed } from '../dialects/openai-chat/expecting.ts'
import type { OperationClient, OperationIncoming, OperationUpstream } from './contract.ts'
import { heard, speechTokens } from './media-bounds.ts'
import { membersOf } from './media-members.ts'
import { heardUsage, speechUsage } from './media-usage.ts'
import { OPENAI_FACE, openaiUpstream } from './openai.ts'

export const OPENAI_SPEECH = 'openai-speech'
export const OPENAI_TRANSCRIPTIONS = 'openai-transcriptions'
export const OPENAI_TRANSLATIONS = 'openai-translations'

/** What may stand behind a file that is not all here: a prompt, names of formats. */
const WORDS_BEHIND_BYTES = 16_384

export const openaiAudioUpstreams: readonly OperationUpstream[] = [
  openaiUpstream(OPENAI_SPEECH, 'speech', speechUsage),
  openaiUpstream(OPENAI_TRANSCRIPTIONS, 'transcription', heardUsage),
  openaiUpstream(OPENAI_TRANSLATIONS, 'transcription', heardUsage),
]

const HEARS = { ...OPENAI_FACE, kind: 'transcription', takes: ['form'], intent: hearing } as const

export const openaiAudioClients: readonly OperationClient[] = [
  { ...OPENAI_FACE, id: OPENAI_SPEECH, kind: 'speech', paths: ['/v1/audio/speech'], takes: ['json'], intent: speaking },
  { ...HEARS, id: OPENAI_TRANSCRIPTIONS, paths: ['/v1/audio/transcriptions'] },
  { ...HEARS, id: OPENAI_TRANSLATIONS, paths: ['/v1/audio/translations'] },
]

const ALWAYS = {
  wantsUsage: true,
  isCeilingFixed: true,
  reasoningTokens: null,
  choices: 1,
  needs: new Set<never>(),
  endUserId: null,
  session: null,
} as const

function speaking(incoming: OperationIncoming): Intent {
  const members = membersOf(incoming)
  const model = members.model()
  const text = members.text('input')
  if (text === null) throw malformed('input', 'a text')
  const characters = charactersIn(text)
  const tokens = speechTokens(characters)
  const words = text.length + (members.text('instructions') ?? '').length
  return {
    ...ALWAYS,
    model,
    stream: members.text('stream_format') === 'sse',
    maxOutputTokens: tokens.most,
    inputBound: incoming.json?.byteLength ?? null,
    nowSeconds: incoming.nowSeconds,
    units: { characters },
    knownUnits: { characters },
    guess: usageOf({ input: Math.ceil(words / 3), outputAudio: tokens.likely, units: { characters } }),
  }
}

function hearing(incoming: OperationIncoming): Intent {
  const { form, nowSeconds } = incoming
  const members = membersOf(incoming)
  if (form === null) throw malformed('file', 'a file in a form')
  const sound = heard(form.byteLength)
  return {
    ...ALWAYS,
    model: members.model(),
    stream: members.flag('stream'),
    maxOutputTokens: sound.outputTokens,
    inputBound: sound.inputTokens + form.textBytes + (form.isWhole ? 0 : WORDS_BEHIND_BYTES),
    nowSeconds,
    units: { audioMs: sound.audioMs },
    guess: sound.guess,
  }
}

/** Characters as Unicode has them: one outside the basic plane is one, not two. */
function charactersIn(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
