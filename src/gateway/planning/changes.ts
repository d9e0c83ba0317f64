// The request as a route wants one target to get it: members set, filled in or left out, on the client's own bytes.

import { Body } from '../../core/body.ts'
import { joinBytes } from '../../core/bytes.ts'
import { GatewayError } from '../../core/errors.ts'
import type { Edit, Path } from '../../core/json-splice.ts'
import type { Changes } from '../../routing/contract.ts'
import type { Candidate } from './candidate.ts'
import type { Job } from '../job.ts'

/** `null`: it stays as it is. @throws GatewayError `gateway-misconfigured` when what comes out is no request */
export function variantOf(job: Job, changes: Changes, model: string): NonNullable<Candidate['variant']> | null {
  const { body, reread } = job
  if (reread === undefined || !(body instanceof Body)) return null
  const edits = editsOf(changes, body)
  if (edits.length === 0) return null
  const changed = new Body(joinBytes(body.spliced(edits)))
  try {
    return { body: changed, intent: { ...reread(changed), model: job.intent.model } }
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    // A tree that the client sent is its own to mend.
    if (job.wishes.tree !== null)
      throw new GatewayError('request-malformed', `What the config sets for ${model} makes no request${why}`, { cause })
    throw new GatewayError('gateway-misconfigured', `What the route sets for ${model} makes no request${why}`, { cause })
  }
}

function editsOf({ defaults = {}, overrides = {}, drop = [] }: Changes, body: Body): readonly Edit[] {
  const missing = Object.entries(defaults).filter(([member]) => body.member(pathOf(member)) === null)
  return [
    ...drop.map(pathOf).flatMap((path): Edit[] => (body.member(path) === null ? [] : [{ path, json: null }])),
    ...[...missing, ...Object.entries(overrides)].map(([member, json]): Edit => ({ path: pathOf(member), json })),
  ]
}

function pathOf(member: string): Path {
  const [first = '', ...rest] = member.split('.')
  return [first, ...rest]
}

/** The job as a target gets it. */
export function jobFor<J extends Job>(job: J, { variant, timeouts }: Candidate): J {
  if (variant === undefined && timeouts?.idleMs === undefined) return job
  const { deps } = job
  const { idleMs = deps.limits.idleMs } = timeouts ?? {}
  return { ...job, ...variant, deps: { ...deps, limits: { ...deps.limits, idleMs } } }
}
