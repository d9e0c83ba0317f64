// What a recorded GenerateContentResponse holds, or a stream of them. Gemini says STOP after tool calls too.

import { facts, tokens, wordsOf, type Call, type Ending, type Facts, type Tokens } from '../facts.ts'
import { at, isRecord, listAt, numberAt, textAt } from '../look.ts'

const FILTERED = new Set(
  'SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION'.split(' '),
)

function sumOf(details: readonly unknown[], modality: string): number {
  return details.reduce<number>((sum, one) => sum + (textAt(one, 'modality') === modality ? (numberAt(one, 'tokenCount') ?? 0) : 0), 0)
}

function tokensOf(usage: unknown): Tokens | null {
  const prompt = numberAt(usage, 'promptTokenCount')
  const candidates = numberAt(usage, 'candidatesTokenCount') ?? numberAt(usage, 'responseTokenCount')
  if (prompt === null && candidates === null && numberAt(usage, 'totalTokenCount') === null) return null
  const reasoning = numberAt(usage, 'thoughtsTokenCount')
  const made = [...listAt(usage, 'candidatesTokensDetails'), ...listAt(usage, 'responseTokensDetails')]
  const heard =
    sumOf(listAt(usage, 'promptTokensDetails'), 'AUDIO') +
    sumOf(listAt(usage, 'toolUsePromptTokensDetails'), 'AUDIO') -
    sumOf(listAt(usage, 'cacheTokensDetails'), 'AUDIO')
  return tokens({
    input: (prompt ?? 0) + (numberAt(usage, 'toolUsePromptTokenCount') ?? 0),
    output: (candidates ?? 0) + (reasoning ?? 0),
    cacheRead: numberAt(usage, 'cachedContentTokenCount') ?? 0,
    inputAudio: Math.max(0, heard),
    outputAudio: sumOf(made, 'AUDIO'),
    outputImage: sumOf(made, 'IMAGE'),
    reasoning,
  })
}

function ending(native: string, blocked: boolean, calls: number): Ending | null {
  if (native === '') return blocked ? 'filtered' : null
  if (native === 'STOP') return calls > 0 ? 'tool-calls' : 'stop'
  return native === 'MAX_TOKENS' ? 'length' : FILTERED.has(native) ? 'filtered' : 'other'
}

export function isAnswer(body: unknown): boolean {
  return isRecord(body) && ('candidates' in body || 'promptFeedback' in body || 'error' in body || 'usageMetadata' in body)
}

export function whole(response: unknown): Facts {
  return events([response])
}

export function events(list: readonly unknown[]): Facts {
  let text = ''
  let reasoning = ''
  let native = ''
  let blocked = false
  let usage: { readonly [name: string]: unknown } | null = null
  let error: string | null = null
  const calls: Call[] = []
  for (const response of list) {
    if (at(response, 'error') != null) error = wordsOf(at(response, 'error')) ?? ''
    const candidate = listAt(response, 'candidates').find((one) => (numberAt(one, 'index') ?? 0) === 0)
    for (const part of listAt(candidate, 'content', 'parts')) {
      const called = at(part, 'functionCall')
      const name = textAt(called, 'name')
      const last = calls.at(-1)
      if (isRecord(called) && name === '' && last !== undefined) addPieces(last.args, listAt(called, 'partialArgs'))
      else if (isRecord(called)) {
        const args: unknown = structuredClone(called['args'] ?? {})
        addPieces(args, listAt(called, 'partialArgs'))
        calls.push({ id: textAt(called, 'id'), name, args })
      } else if (at(part, 'thought') === true) reasoning += textAt(part, 'text')
      else text += textAt(part, 'text')
    }
    const said = textAt(candidate, 'finishReason')
    if (said !== '' && said !== 'FINISH_REASON_UNSPECIFIED') native = said
    blocked ||= textAt(response, 'promptFeedback', 'blockReason') !== ''
    const counted = at(response, 'usageMetadata')
    if (isRecord(counted)) usage = Object.assign({}, usage, counted)
  }
  return facts({ text, reasoning, calls, finish: ending(native, blocked, calls.length), tokens: tokensOf(usage), error })
}

/** Arguments that come in pieces by JSON path; a piece for a string that is there already continues it. */
function addPieces(args: unknown, pieces: readonly unknown[]): void {
  for (const piece of pieces) {
    const steps = [...textAt(piece, 'jsonPath').matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']+)'\]/g)].map(
      ([, name, index, quoted]) => name ?? quoted ?? Number(index),
    )
    const last = steps.pop()
    if (last === undefined) continue
    let here = args as { [step: string | number]: unknown }
    steps.forEach((step, i) => {
      here[step] ??= typeof (steps[i + 1] ?? last) === 'number' ? [] : {}
      here = here[step] as { [step: string | number]: unknown }
    })
    const before = here[last]
    const text = at(piece, 'stringValue')
    here[last] =
      typeof text === 'string'
        ? typeof before === 'string'
          ? before + text
          : text
        : (at(piece, 'numberValue') ?? at(piece, 'boolValue') ?? null)
  }
}
