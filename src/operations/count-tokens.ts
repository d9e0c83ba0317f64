// Counting the tokens of a chat without running it: the chat languages say what is counted, and each place wraps it in its own call.
// What is asked is a chat, so it is read and written by the dialects; what is left of it are the members that such a call takes.

import { Body } from '../core/body.ts'
import type { ChatRequest, Usage } from '../core/canonical.ts'
import type { Edits } from '../core/json-splice.ts'
import { usageOf } from '../core/usage.ts'
import type { ClientDialect, Intent, Orders, UpstreamDialect, Written } from '../dialects/contract.ts'
import type { OperationClient, OperationUpstream } from './contract.ts'
import { faceOf } from './chat-face.ts'
import { answerObject, asChat, countIn, expected, garbled } from './reading.ts'

const encoder = new TextEncoder()

/** How a language's clients ask for a count. */
export type Counting = Pick<OperationClient, 'id' | 'paths'> & {
  readonly chat: ClientDialect
  /** The name of the one number in the answer. */
  readonly member: string
  readonly also?: { readonly [name: string]: string }
  readonly claims?: (path: string) => boolean
} & Partial<Pick<OperationClient, 'intent' | 'read'>>

export function countingClient(counting: Counting): OperationClient {
  const { id, paths, chat, member, also, claims } = counting
  const intent: OperationClient['intent'] = counting.intent ?? ((incoming) => chat.intent(asChat(incoming)))
  return {
    id,
    kind: 'count-tokens',
    paths,
    ...(claims === undefined ? {} : { claims }),
    takes: ['json'],
    ...faceOf(chat),
    names: chat.names,
    intent: (incoming) => counted(intent(incoming)),
    read: counting.read ?? ((body) => ({ kind: 'count-tokens', chat: chat.read(body) })),
    write: (response) => JSON.stringify({ ...also, [member]: expected('count-tokens', response).inputTokens }),
  }
}

/** Nothing runs and nobody bills it. */
function counted(intent: Intent): Intent {
  return { ...intent, stream: false, maxOutputTokens: 0, isCeilingFixed: true, choices: 1, free: true }
}

/** How a place is asked for a count. */
export type CountingAt = {
  readonly id: string
  readonly chat: UpstreamDialect
  readonly edits: OperationUpstream['edits']
  /** The body of the call around a chat that its dialect has written. */
  readonly wrap: (chat: Body, orders: Orders) => string
  readonly member: string
}

export function countingUpstream({ id, chat, edits, wrap, member }: CountingAt): OperationUpstream {
  return {
    id,
    kind: 'count-tokens',
    edits,
    write(request, orders, intent): Written {
      const written = writtenBy(chat, expected('count-tokens', request).chat, orders, intent)
      // A ceiling that a chat must have (Anthropic's) is no member of the call.
      const approximated = written.approximated.filter((name) => name !== 'maxOutputTokens')
      return { text: wrap(new Body(encoder.encode(written.text)), orders), dropped: written.dropped, approximated }
    },
    read(text) {
      const inputTokens = countIn(answerObject(text)[member])
      if (inputTokens === null) throw garbled('has no count of tokens')
      return { kind: 'count-tokens', inputTokens }
    },
    readUsage: () => NOTHING_USED,
    readError: (status, headers, text) => chat.readError(status, headers, text),
  }
}

/** Sampling is no part of a count, and is not told as dropped: it changes nothing. */
function writtenBy(chat: UpstreamDialect, request: ChatRequest, orders: Orders, intent: Intent): Written {
  return chat.write({ ...request, sampling: {} }, { ...intent, stream: false, maxOutputTokens: null }, orders)
}

const NOTHING_USED: Usage = usageOf({})

/** An object of these members of the body, as they stand there. */
export function only(body: Body, names: readonly string[]): string {
  const members = names.flatMap((name) => {
    const text = body.member([name])
    return text === null ? [] : [`${JSON.stringify(name)}:${text}`]
  })
  return `{${members.join(',')}}`
}

export function modelEdits(intent: Intent, { model }: Orders): Edits {
  return model === intent.model ? [] : [{ path: ['model'], json: JSON.stringify(model) }]
}
