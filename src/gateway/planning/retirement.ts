// What a client is told of a model that is about to end, or has: when, and what may take its place.

import type { ModelEntry } from '../../catalogue/entry.ts'
import type { Catalogue } from '../../catalogue/index.ts'
import { lifeHeaders, lifeOf, substituteFor, type Life } from '../../catalogue/life.ts'
import { GatewayError } from '../../core/errors.ts'
import type { Candidate } from './candidate.ts'

/** `substitute`: `provider/model`; `null`: none is known. */
export type Retirement = { readonly life: Life; readonly substitute: string | null }

/** Finding one looks through the whole catalogue, so it is done once for a model and a catalogue. */
const substitutes = new WeakMap<Catalogue, Map<string, string | null>>()

/** `null`: its end is not known, or more than 400 days away. `now` in milliseconds. */
export function retirementOf(entry: ModelEntry | null, catalogue: Catalogue, now: number): Retirement | null {
  if (entry?.deprecatedOn === undefined) return null
  const life = lifeOf(entry, now)
  return life === null ? null : { life, substitute: knownSubstitute(entry, catalogue) }
}

function knownSubstitute(entry: ModelEntry, catalogue: Catalogue): string | null {
  const known = substitutes.get(catalogue) ?? new Map<string, string | null>()
  substitutes.set(catalogue, known)
  const name = `${entry.provider}/${entry.model}`
  const found = known.get(name)
  if (found !== undefined) return found
  const substitute = substituteFor(entry, catalogue)
  known.set(name, substitute)
  return substitute
}

/** `Deprecation`, `Sunset` and `x-sluice-substitute`, as far as they are known; nothing of a model that goes on. */
export function retirementHeaders(headers: Headers, { retires }: Candidate): void {
  if (retires === undefined) return
  for (const [name, value] of lifeHeaders(retires.life)) headers.set(name, value)
  if (retires.substitute !== null) headers.set('x-sluice-substitute', retires.substitute)
}

/** A place that does not have a model whose day has passed has said what is to be expected; the client is told what to do. Else the error as it is. */
export function toldOfEnd(error: GatewayError, { provider, model, retires }: Candidate, now: number): GatewayError {
  const status = error.detail.upstream?.status
  if (retires === undefined || retires.life.sunset.getTime() > now || error.code !== 'upstream-refused') return error
  if (status !== 404 && status !== 410) return error
  const { sunset } = retires.life
  const instead =
    retires.substitute === null
      ? 'No substitute is known; GET /v1/models lists the models of the catalogue.'
      : `${retires.substitute} may take its place; its price and its answers differ.`
  return new GatewayError('model-unknown', `${provider.id} ended ${model} on ${sunset.toISOString().slice(0, 10)}. ${instead}`, {
    cause: error,
  })
}
