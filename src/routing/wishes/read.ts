// What a request asks of routing, whoever's words it uses, and which members of its body are for us. Cheap where nothing is asked: some look-ups of members that are not there.

import type { Path } from '../../core/json-splice.ts'
import type { Trouble } from '../contract.ts'
import { ROUTER_NAMES } from '../choosing/router-names.ts'
import { NO_WISHES, type Fallback, type Wishes } from '../wishes.ts'
import { optionalText, valueOf, malformed, type Members } from './expecting.ts'
import { LITELLM_MEMBERS, readFallbacks, readRetries, readTimes, refusePretence } from './litellm.ts'
import { namesAutoRouter, readAutoRouter } from './auto-router.ts'
import { readModels, readProvider } from './openrouter.ts'
import { readPortkey } from './portkey.ts'

/** OpenRouter's own members beside `models`. */
const OPENROUTER_MEMBERS: readonly string[] = ['provider', 'route', 'session_id']
const LONGEST_SESSION = 256
const MOST_FALLBACKS = 16

/**
 * `members` gives the raw text of the body's members; a form has none, and then only headers count. `mount: 'openrouter'` is `/api/v1`.
 * `primary` is the model that the request names; `null`: the first of `models` is.
 *
 * The members are ours in every language: none of them is one of the language's own (checked against the documents of OpenAI, Anthropic, Google,
 * Cohere, Mistral and vLLM; `metadata`, `user` and `container` are theirs and stay). One exception: on the plain mount a request that names a
 * model at the place OpenRouter (`openrouter/author/slug`) and nobody else leaves that place its own `provider`, `route` and `session_id`; `models` and
 * `fallbacks` are never left to anybody, since a key's policy could not bind them there.
 * @throws GatewayError `request-malformed`, `request-unsupported`
 */
export function readWishes(members: Members, headers: Headers, mount: 'openrouter' | 'plain', primary: string | null): Wishes {
  refusePretence(members)
  const models = readModels(members, primary)
  const own = primary ?? firstModel(members)
  const { list, disabled } = readFallbacks(members, own)
  const { tree, retries } = readPortkey(headers, own)
  const fallbacks = disabled ? [] : merged([...models, ...list], own)
  const isRouter = own !== null && ROUTER_NAMES.has(own)
  const isLeft = mount === 'plain' && own?.startsWith('openrouter/') === true && !isRouter && fallbacks.length === 0 && tree === null
  const hasPlugin = (mount === 'openrouter' || isRouter) && namesAutoRouter(members)
  const router = hasPlugin ? readAutoRouter(members) : null
  const provider = isLeft ? null : readProvider(members)
  if (!isLeft) checkRest(members)
  const ours = ['models', ...(isLeft ? [] : OPENROUTER_MEMBERS), ...LITELLM_MEMBERS, ...(hasPlugin ? ['plugins'] : [])]
  const removed = ours.flatMap((name): readonly Path[] => (members.member([name]) === null ? [] : [[name]]))
  return {
    ...NO_WISHES,
    model: primary === null ? firstModel(members) : null,
    fallbacks,
    provider,
    retries: readRetries(members, headers) ?? retries,
    ...readTimes(members, headers),
    tree,
    removed,
    ...(disabled ? { disablesFallbacks: true } : {}),
    ...(router === null ? {} : { router }),
  }
}

function firstModel(members: Members): string | null {
  const said = valueOf(members, 'models')
  const first: unknown = Array.isArray(said) ? said[0] : null
  return typeof first === 'string' ? first : null
}

/** Each model once, at its first place, after the troubles of all its mentions. */
function merged(list: readonly Fallback[], own: string | null): readonly Fallback[] {
  const by = new Map<string, Set<Trouble>>()
  for (const { model, on } of list) {
    if (model === own) continue
    const known = by.get(model)
    by.set(model, known === undefined ? new Set(on) : new Set([...known, ...on]))
  }
  if (by.size > MOST_FALLBACKS) throw malformed('models', `at most ${MOST_FALLBACKS} models that stand in`)
  return [...by].map(([model, on]) => ({ model, on: [...on] }))
}

/** `route` is a word of old that asks for nothing now; the session is read with the rest of the request. */
function checkRest(members: Members): void {
  optionalText(valueOf(members, 'route'), 'route')
  const session = optionalText(valueOf(members, 'session_id'), 'session_id')
  if (session !== null && session.length > LONGEST_SESSION)
    throw malformed('session_id', `a string of at most ${LONGEST_SESSION} characters`)
}
