// Canonical counts → `usageMetadata`. Cached tokens are part of the prompt here, thoughts are no part of the candidates.

import type { JsonObject, Usage } from '../../core/canonical.ts'

export function writeUsage(usage: Usage): JsonObject {
  const cached = usage.cacheRead
  const prompt = usage.input + cached + usage.cacheWrite5m + usage.cacheWrite1h + usage.inputAudio
  const said = usage.output + usage.outputAudio + usage.outputImage
  const thoughts = Math.min(usage.reasoning ?? 0, said)
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: said - thoughts,
    totalTokenCount: prompt + said,
    ...(cached === 0 ? {} : { cachedContentTokenCount: cached }),
    ...(thoughts === 0 ? {} : { thoughtsTokenCount: thoughts }),
    ...details('promptTokensDetails', { TEXT: prompt - usage.inputAudio, AUDIO: usage.inputAudio }),
    ...details('candidatesTokensDetails', {
      TEXT: Math.max(0, usage.output - thoughts),
      AUDIO: usage.outputAudio,
      IMAGE: usage.outputImage,
    }),
  }
}

/** Told apart only where there is something beside text. */
function details(member: string, counts: { readonly TEXT: number; readonly [modality: string]: number }): JsonObject {
  const kinds = Object.entries(counts).filter(([, tokenCount]) => tokenCount > 0)
  if (!kinds.some(([modality]) => modality !== 'TEXT')) return {}
  return { [member]: kinds.map(([modality, tokenCount]) => ({ modality, tokenCount })) }
}
