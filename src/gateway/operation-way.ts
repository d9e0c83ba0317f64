// How an operation goes to a place: in the client's own language, or in another for the same.

import type { Body } from '../core/body.ts'
import type { OperationClient, OperationUpstream } from '../operations/contract.ts'
import { operationUpstream } from '../operations/index.ts'
import type { OperationVoice, Provider } from '../providers/contract.ts'
import { Form } from './form.ts'
import type { Job } from './job.ts'

export type OperationJob = Job & { readonly client: OperationClient; readonly body: Body | Form }

/** How an operation goes to a place. */
export type OperationWay = {
  readonly kind: 'forward' | 'translate'
  readonly voice: OperationVoice
  readonly upstream: OperationUpstream
}

/** The client's own language where the place has it, else another for the same that both can be translated to. */
export function wayOf(job: OperationJob, provider: Provider): OperationWay | null {
  const { client } = job
  const voices = provider.operations ?? []
  const own = voices.find((voice) => voice.dialect === client.id)
  if (own !== undefined) return { kind: 'forward', voice: own, upstream: operationUpstream(own.dialect) }
  if (client.read === undefined || job.body instanceof Form) return null
  for (const voice of voices) {
    const upstream = operationUpstream(voice.dialect)
    if (upstream.kind === client.kind && upstream.write !== undefined) return { kind: 'translate', voice, upstream }
  }
  return null
}
