// Usage as the answers of OpenAI's picture and sound languages tell it. Counts that are not told stay untold: never a zero in their place.

import type { JsonObject, Usage } from '../core/canonical.ts'
import { usageOf } from '../core/usage.ts'
import type { Intent } from '../dialects/contract.ts'
import { isObject } from '../dialects/openai-chat/wire.ts'
import { usageMember } from './openai.ts'
import { countIn } from './reading.ts'

/** Of pictures: tokens of text and of pictures, both ways. Places that bill by the picture tell nothing that counts. */
export function pictureUsage(text: string | null): Usage | null {
  const usage = usageMember(text)
  if (usage === null) return null
  const input = countIn(usage['input_tokens']) ?? countIn(usage['prompt_tokens'])
  const output = countIn(usage['output_tokens']) ?? countIn(usage['completion_tokens'])
  if (input === null || output === null) return null
  const inputImage = Math.min(detail(usage, 'input_tokens_details', 'image_tokens') ?? 0, input)
  const words = Math.min(detail(usage, 'output_tokens_details', 'text_tokens') ?? 0, output)
  return usageOf({ input: input - inputImage, inputImage, output: words, outputImage: output - words })
}

/** Of speech as events; all that comes out is sound. */
export function speechUsage(text: string | null): Usage | null {
  const usage = usageMember(text)
  const input = usage === null ? null : countIn(usage['input_tokens'])
  const output = usage === null ? null : countIn(usage['output_tokens'])
  return input === null || output === null ? null : usageOf({ input, outputAudio: output })
}

/** Of what was heard: its length (`usage.seconds`, `duration`), its tokens, or both, as Mistral tells them. */
export function heardUsage(text: string | null, { stream }: Intent): Usage | null {
  if (!stream && text?.trimStart().startsWith('{') !== true) return null // a transcript as plain text may hold any words
  const usage = usageMember(text)
  const seconds = usage === null ? null : (secondsIn(usage['seconds']) ?? secondsIn(usage['prompt_audio_seconds']))
  const audioMs = seconds ?? (text === null ? null : durationIn(text))
  const units = audioMs === null ? {} : { units: { audioMs } }
  const tokens = usage === null ? null : tokensIn(usage)
  return tokens === null && audioMs === null ? null : usageOf({ ...tokens, ...units })
}

function tokensIn(usage: JsonObject): Partial<Usage> | null {
  const prompt = countIn(usage['input_tokens']) ?? countIn(usage['prompt_tokens'])
  const output = countIn(usage['output_tokens']) ?? countIn(usage['completion_tokens'])
  if (prompt === null || output === null) return null
  const sound = detail(usage, 'input_token_details', 'audio_tokens') ?? detail(usage, 'prompt_tokens_details', 'audio_tokens') ?? 0
  // Mistral tells the sound beside the prompt, OpenAI as a part of it: the sum says which.
  const isBeside = countIn(usage['total_tokens']) === prompt + sound + output
  return { input: isBeside ? prompt : prompt - Math.min(sound, prompt), inputAudio: isBeside ? sound : Math.min(sound, prompt), output }
}

function detail(usage: JsonObject, member: string, name: string): number | null {
  const details = usage[member]
  return isObject(details) ? countIn(details[name]) : null
}

/** Whole milliseconds, rounded up. */
function secondsIn(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 1e9
    ? Math.ceil(Number((value * 1000).toFixed(3)))
    : null
}

function durationIn(text: string): number | null {
  try {
    const said: unknown = JSON.parse(text)
    const duration = typeof said === 'object' && said !== null && 'duration' in said ? said.duration : null
    return secondsIn(typeof duration === 'string' ? Number.parseFloat(duration) : duration)
  } catch {
    return null
  }
}
