// Moderation as OpenAI's clients ask for it. It is only forwarded: verdicts of one kind cannot stand in for those of another.
// Source: shared/specs/openai, `POST /moderations`

import { readModel } from '../dialects/openai-chat/scanned-members.ts'
import type { OperationClient } from './contract.ts'
import { OPENAI_FACE, openaiUpstream, promptUsage } from './openai.ts'
import { jsonBody, plainIntent } from './reading.ts'

export const OPENAI_MODERATIONS = 'openai-moderations'

/** What OpenAI takes where the client names none. */
const DEFAULT_MODEL = 'omni-moderation-latest'

export const openaiModerationsUpstream = openaiUpstream(OPENAI_MODERATIONS, 'moderation', promptUsage)

export const openaiModerationsClient: OperationClient = {
  ...OPENAI_FACE,
  id: OPENAI_MODERATIONS,
  kind: 'moderation',
  paths: ['/v1/moderations'],
  takes: ['json'],
  intent(incoming) {
    const body = jsonBody(incoming)
    const said = body.member(['model'])
    return plainIntent(said === null || said === 'null' ? DEFAULT_MODEL : readModel(body), body, incoming.nowSeconds)
  },
}
