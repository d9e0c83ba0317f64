// A JSON request as it came, and without what it said to routing: the gateway reads the first, places get the second.

import { Body } from '../core/body.ts'
import { joinBytes } from '../core/bytes.ts'
import type { Path } from '../core/json-splice.ts'
import type { ClientBody, ClientFace } from '../dialects/contract.ts'
import type { Wishes } from '../routing/wishes.ts'
import { readWishes } from '../routing/wishes/read.ts'

/** `seen` is what a language reads its intent from: it has a `model` where the client named one anywhere. */
export type Asked = { readonly seen: ClientBody; readonly body: Body; readonly wishes: Wishes }

/** @throws GatewayError `request-malformed`, `request-unsupported` */
export function askedOf(bytes: Uint8Array, headers: Headers, client: ClientFace, path: string): Asked {
  const body = new Body(bytes)
  const primary = client.modelInPath === undefined ? modelIn(body) : client.modelInPath(path)
  const wishes = readWishes(body, headers, client.modelNames === 'openrouter' ? 'openrouter' : 'plain', primary)
  if (wishes.removed.length === 0 && wishes.model === null) return { seen: body, body, wishes }
  return { seen: naming(body, wishes), body: without(body, wishes), wishes }
}

/** `null`: none is named, or what stands there is for the language to refuse. */
function modelIn(body: Body): string | null {
  const text = body.member(['model'])
  if (text === null || text === 'null') return null
  const model: unknown = JSON.parse(text)
  return typeof model === 'string' ? model : ''
}

/** What places get. */
function without(body: Body, { removed, model }: Wishes): Body {
  const edits = removed.map((path) => ({ path, json: null }))
  const named = model === null ? [] : [{ path: ['model'] as const, json: JSON.stringify(model) }]
  return new Body(joinBytes(body.spliced([...edits, ...named])))
}

/** The same body with a `model` that stood elsewhere, and without plugins that were for us. */
function naming(body: Body, { model, removed }: Wishes): ClientBody {
  const hidesPlugins = removed.some(([name]) => name === 'plugins')
  if (model === null && !hidesPlugins) return body
  const text = model === null ? body.member(['model']) : JSON.stringify(model)
  return {
    byteLength: body.byteLength,
    types: body.types,
    refersOutside: body.refersOutside,
    member: (path: Path) =>
      path.length === 1 && path[0] === 'model' ? text : hidesPlugins && path[0] === 'plugins' ? null : body.member(path),
    parsed: (raw) => body.parsed(raw),
  }
}
