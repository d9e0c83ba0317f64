// A chat on the path of a request: the client's language in and out, a stream or a whole answer.

import { SSE_SINK } from '../core/sse.ts'
import type { Mode } from '../catalogue/entry.ts'
import type { ClientDialect } from '../dialects/contract.ts'
import { chatRequest, wayOf } from './chat-request.ts'
import { commit, type Committed } from './commit.ts'
import { continuationOf } from './trying/continuation.ts'
import { deliver, deliverLarge } from './deliver.ts'
import { beginChat, type ChatJob } from './job.ts'
import { judged } from './trying/checked-answer.ts'
import type { Manner } from './manner.ts'
import { named, servedBy } from './served-by.ts'
import { send } from './send.ts'

const CHAT: ReadonlySet<Mode> = new Set(['chat'])

export function chat(client: ClientDialect): Manner<ChatJob, Committed> {
  return {
    client,
    modes: CHAT,
    casts: true,
    begin: (request, id, deps) => beginChat(request, id, client, deps),
    serves: (_job, provider) => provider.voices.length > 0,
    async open(job, candidate, maxOutputTokens, trace) {
      const way = wayOf(job, candidate)
      const opened = await send(job, chatRequest(job, candidate, way, maxOutputTokens), trace)
      return commit(job, { ...opened, way })
    },
    judge: judged,
    farewell: (job, error, at) => {
      const writer = client.writer(job.intent, at === null ? null : servedBy(job, at))
      return SSE_SINK.end(writer.fail(error))
    },
    tell(job, answer) {
      if (answer.kind !== 'whole') throw new Error('Only a whole answer is told.')
      const { response, opened } = answer
      job.companion?.ear.hearWhole(answer)
      return {
        body:
          response === null
            ? answer.bytes
            : client.write(named(response, job, opened.candidate), job.intent, servedBy(job, opened.candidate)),
        contentType: (response === null ? opened.response.headers.get('content-type') : null) ?? 'application/json',
      }
    },
    continuing: continuationOf,
    carry(job, answer, meter, continuation) {
      if (answer.kind === 'whole') throw new Error('A whole answer is told, not carried.')
      const isJson = answer.kind === 'large' || job.intent.framing === 'json-array'
      return {
        delivery: answer.kind === 'large' ? deliverLarge(job, answer) : deliver(job, answer, meter, continuation),
        contentType: isJson ? 'application/json' : 'text/event-stream; charset=utf-8',
      }
    },
  }
}
