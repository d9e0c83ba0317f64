// OpenAI's languages beside chat: where they stand, what they say of usage. Many places share them, and they are forwarded as they are.
// Source: platform.openai.com/docs/api-reference (shared/specs/openai)

import type { JsonObject, Usage } from '../core/canonical.ts'
import { usageOf } from '../core/usage.ts'
import type { Intent } from '../dialects/contract.ts'
import { bearerOf } from '../dialects/openai-chat/client.ts'
import { readError } from '../dialects/openai-chat/error-reading.ts'
import { writeError } from '../dialects/openai-chat/error-writing.ts'
import { countIn } from './reading.ts'
import type { OperationClient, OperationKind, OperationUpstream } from './contract.ts'

/** What all of OpenAI's languages share towards clients. */
export const OPENAI_FACE = {
  credential: bearerOf,
  names: {},
  status: (error) => error.status,
  writeError,
} as const satisfies Partial<OperationClient>

/** What all of OpenAI's languages share towards providers: only the model's name is ours. */
export function openaiUpstream(
  id: string,
  kind: OperationKind,
  readUsage: (text: string | null, intent: Intent) => Usage | null,
): OperationUpstream {
  return {
    id,
    kind,
    edits: (intent, { model }) => (model === intent.model ? [] : [{ path: ['model'], json: JSON.stringify(model) }]),
    readUsage,
    readError,
  }
}

/** The `usage` of a JSON answer, or of the last event of a stream that has one; its beginning may be cut off. */
export function usageMember(text: string | null): JsonObject | null {
  if (text === null) return null
  for (const piece of text.startsWith('{') ? [text] : text.split('\n').reverse()) {
    const at = piece.lastIndexOf('"usage"')
    if (at < 0) continue
    const json = piece.startsWith('data:') ? piece.slice(5) : piece.startsWith('{') ? piece : `{${piece.slice(at)}`
    try {
      const usage: unknown = (JSON.parse(json) as { readonly usage?: unknown }).usage
      if (typeof usage === 'object' && usage !== null && !Array.isArray(usage)) return usage as JsonObject
    } catch {
      // the cut-off beginning of a tail
    }
  }
  return null
}

/** `usage.prompt_tokens`, or where a host counts only the sum, that. */
export function promptUsage(text: string | null): Usage | null {
  const usage = usageMember(text)
  const count =
    usage === null ? null : (countIn(usage['prompt_tokens']) ?? countIn(usage['input_tokens']) ?? countIn(usage['total_tokens']))
  return count === null ? null : usageOf({ input: count })
}
