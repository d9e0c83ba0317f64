// What the gateway must know of a request before it understands it: as in OpenAI's language, with OpenRouter's own members.

import type { ClientBody, Incoming, Intent } from '../contract.ts'
import { optionalText } from '../openai-chat/expecting.ts'
import { readIntent as readOpenaiIntent } from '../openai-chat/intent.ts'
import { modelText } from './model-name.ts'
import { objectOf, refuseWhatIsNotThere } from './not-yet.ts'
import { reasoningIn } from './reasoning.ts'

/** @throws GatewayError `request-malformed`, and `request-unsupported` for what is not there yet */
export function readIntent(incoming: Incoming): Intent {
  const { body, headers } = incoming
  const intent = readOpenaiIntent({ ...incoming, body: naming(body, modelText(body)) })
  refuseWhatIsNotThere(body)
  const { wish, hidden } = reasoningIn({
    reasoning: objectOf(body, 'reasoning'),
    reasoning_effort: textOf(body, 'reasoning_effort'),
    include_reasoning: body.member(['include_reasoning']) !== 'false',
  })
  const thinks = wish !== undefined && !('off' in wish)
  return {
    ...intent,
    wantsUsage: true,
    needs: thinks ? new Set([...intent.needs, 'reasoning']) : intent.needs,
    // The body's wins here; OpenAI's language only has the header.
    session: textOf(body, 'session_id') ?? headers.get('x-session-id'),
    ...(hidden ? { hidesReasoning: true } : {}),
    ...(intent.service === 'fast' ? { service: 'priority' } : {}), // OpenRouter's other word for it
  }
}

/** The same body with `model` where it may stand in `models` alone. */
function naming(body: ClientBody, model: string | null): ClientBody {
  return {
    byteLength: body.byteLength,
    types: body.types,
    refersOutside: body.refersOutside,
    member: (path) => (path.length === 1 && path[0] === 'model' ? model : body.member(path)),
    parsed: (raw) => body.parsed(raw),
  }
}

function textOf(body: ClientBody, name: string): string | null {
  const text = body.member([name])
  return text === null ? null : (optionalText({ [name]: JSON.parse(text) }, name) ?? null)
}
