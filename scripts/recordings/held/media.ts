// What recorded answers of pictures, sound and moderation tell of usage. The pictures and sounds themselves are passed on unread.

import { at, isRecord, numberAt } from '../look.ts'
import { counts, type Counts, type HeldOperation } from '../operation-facts.ts'

/** The `usage` of a body, or of the last value of a stream that has one. */
function usageIn(values: readonly unknown[]): unknown {
  return values.map((value) => at(value, 'usage')).findLast(isRecord)
}

export const moderations: HeldOperation = {
  counts(values) {
    const tokens = numberAt(usageIn(values), 'prompt_tokens') ?? numberAt(usageIn(values), 'total_tokens')
    return tokens === null ? null : counts({ input: tokens })
  },
}

export const images: HeldOperation = {
  counts(values) {
    const usage = usageIn(values)
    const input = numberAt(usage, 'input_tokens')
    const output = numberAt(usage, 'output_tokens')
    if (input === null || output === null) return null
    const inputImage = numberAt(usage, 'input_tokens_details', 'image_tokens') ?? 0
    const words = numberAt(usage, 'output_tokens_details', 'text_tokens') ?? 0
    return counts({ input: input - inputImage, inputImage, output: words, outputImage: output - words })
  },
}

export const speech: HeldOperation = {
  counts(values) {
    const usage = usageIn(values)
    const input = numberAt(usage, 'input_tokens')
    const outputAudio = numberAt(usage, 'output_tokens')
    return input === null || outputAudio === null ? null : counts({ input, outputAudio })
  },
}

/** Sound that was heard, for transcriptions and translations. */
export const hearing: HeldOperation = {
  counts(values) {
    const usage = usageIn(values)
    const seconds =
      numberAt(usage, 'seconds') ?? numberAt(usage, 'prompt_audio_seconds') ?? numberAt(values.length === 1 ? values[0] : null, 'duration')
    const audioMs = seconds === null ? null : Math.round(seconds * 1000)
    const tokens = tokensIn(usage)
    return audioMs === null && tokens === null ? null : { ...tokens, ...counts({ audioMs }) }
  },
}

function tokensIn(usage: unknown): Counts | null {
  const prompt = numberAt(usage, 'input_tokens') ?? numberAt(usage, 'prompt_tokens')
  const output = numberAt(usage, 'output_tokens') ?? numberAt(usage, 'completion_tokens')
  if (prompt === null || output === null) return null
  const inputAudio = numberAt(usage, 'input_token_details', 'audio_tokens') ?? numberAt(usage, 'prompt_tokens_details', 'audio_tokens') ?? 0
  // Mistral counts the sound beside the prompt, OpenAI inside it: the total tells.
  const isInside = numberAt(usage, 'total_tokens') === prompt + output
  return counts({ input: isInside ? prompt - inputAudio : prompt, inputAudio, output })
}
