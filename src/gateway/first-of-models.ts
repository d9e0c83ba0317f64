// A body that names its model only in `models`: the first of them is the model, in every language whose model is in the body.

import { Body } from '../core/body.ts'
import { joinBytes } from '../core/bytes.ts'

/**
 * The body with the first name of `models` as its `model`, where it has none of its own; else the body as it is. Not for languages whose model is
 * in the path. What is no list of names is left for whoever reads the wishes to refuse.
 */
export function withFirstOfModels(body: Body): Body {
  const model = body.member(['model'])
  if (model !== null && model !== 'null') return body
  const text = body.member(['models'])
  const names: unknown = text === null ? null : JSON.parse(text)
  const first: unknown = Array.isArray(names) ? names[0] : null
  if (typeof first !== 'string') return body
  return new Body(joinBytes(body.spliced([{ path: ['model'], json: JSON.stringify(first) }])))
}
