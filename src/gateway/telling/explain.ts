// Plans a request as if it had come, and goes no further: nothing is sent, held or counted. Also the plan of a decision's request today.

import type { Admission, Ask } from '../../core/account.ts'
import { Book } from '../../core/book.ts'
import { GatewayError } from '../../core/errors.ts'
import { EVERYTHING } from '../../core/permits.ts'
import { NO_LIMITS } from '../../core/rates.ts'
import type { JsonObject } from '../../core/canonical.ts'
import type { Deps } from '../../ports.ts'
import { NO_WISHES } from '../../routing/wishes.ts'
import { readProvider } from '../../routing/wishes/openrouter.ts'
import { ask } from '../planning/candidates.ts'
import { verdictRead } from './choosing-told.ts'
import { decisionOf, type Decision } from './decision.ts'
import { refusedBy } from '../handle.ts'
import { newRequestId, type Job, type Key } from '../job.ts'
import type { Answered, Manner } from '../manner.ts'
import { planned } from '../planning/plan.ts'
import { foreseen, routed } from '../planning/route.ts'

/** For whom it is planned. `admit` says what the key's book would, and holds nothing. */
export type Asker = { readonly key: Key; admit(ask: Ask): Promise<Admission> }

export type Explained = {
  /** `null`: it was refused before there was anything to decide. */
  readonly decision: Decision | null
  /** As its client would be refused; `null`: it would be sent. */
  readonly error: { readonly status: number; readonly code: string; readonly body: JsonObject } | null
}

/** What plans a request in its client's language. `then`: a decision whose request is planned again; `request` stands for its body. */
export type Explain = (request: Request, deps: Deps, asker: Asker, then?: Decision) => Promise<Explained>

/** Credentials, and what would make it another's repeat: they say nothing of where it goes. */
const LEFT_OUT = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key', 'cookie', 'idempotency-key', 'content-length'] as const

export function explaining<J extends Job, A extends Answered>(manner: Manner<J, A>): Explain {
  return async (request, real, asker, then) => {
    const deps = inert(real)
    const id = newRequestId()
    let job: J | null = null
    try {
      const begun = await manner.begin(asking(request), id, deps)
      job = then === undefined ? begun : { ...begun, ...asThen(begun, then) }
      const mine = job
      const plan = foreseen(await planned(mine, asker.key, manner.modes, (provider) => manner.serves(mine, provider)), mine, asker.key)
      const question = await ask(
        mine,
        asker.key,
        plan.targets.map(({ candidate }) => candidate),
      )
      const admission = await asker.admit({ ...question, idempotency: null })
      if (admission.kind === 'refused') throw refusedBy(admission)
      if (admission.kind === 'granted') routed(plan, admission, mine, asker.key)
      return { decision: decisionFor(job), error: null }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      if (job?.inquiry !== undefined) job.inquiry.refused = error.code
      const { client } = manner
      return { decision: decisionFor(job), error: { status: client.status(error), code: error.code, body: client.writeError(error, id) } }
    }
  }
}

function decisionFor(job: Job | null): Decision | null {
  return job === null || job.inquiry === undefined || job.inquiry.found === null ? null : decisionOf(job, job.inquiry)
}

/** Whatever goes wrong here, nobody is called. */
function inert(deps: Deps): Deps {
  const never = (): never => {
    throw new Error('A plan sends nothing.')
  }
  return { ...deps, fetch: never, lasting: never, account: never, log: () => undefined }
}

function asking(request: Request): Request {
  const headers = new Headers(request.headers)
  for (const name of LEFT_OUT) headers.delete(name)
  headers.set('x-sluice-route', 'explain')
  return new Request(request, { headers })
}

/** The job of a decision's request, as far as it was told: its body and headers were never kept. */
function asThen({ intent, inquiry }: Job, { request, wishes, inputs, requested, judged }: Decision): Pick<Job, 'intent' | 'wishes'> {
  if (inquiry !== undefined && inputs !== null)
    inquiry.view = {
      conversation: inputs.conversation,
      user: inputs.user,
      promptTokens: inputs.prompt_tokens,
      outputTokens: inputs.output_tokens,
    }
  if (inquiry !== undefined) inquiry.verdict = judged === undefined ? null : verdictRead(judged)
  const { provider, router } = wishes
  return {
    intent: {
      ...intent,
      model: requested,
      stream: request.stream,
      needs: new Set(request.needs),
      inputBound: request.input_bound,
      maxOutputTokens: request.max_output_tokens,
      choices: request.choices,
    },
    wishes: {
      ...NO_WISHES,
      fallbacks: wishes.fallbacks ?? [],
      provider: provider === undefined ? null : readProvider({ member: () => JSON.stringify(provider) }),
      retries: wishes.retries ?? null,
      deadlineMs: wishes.deadline_ms ?? null,
      firstContentMs: wishes.first_content_ms ?? null,
      ...(wishes.disables_fallbacks === true ? { disablesFallbacks: true } : {}),
      ...(router === undefined
        ? {}
        : {
            router: {
              allowed: router.allowed_models ?? null,
              excluded: router.excluded_models ?? [],
              tier: router.cost_tier ?? null,
              tradeoff: router.cost_quality_tradeoff ?? null,
              pins: false,
            },
          }),
    },
  }
}

const MOST_FILLED = 4_000_000

/** A body in any language that is as long as the one of that decision. */
export function standIn({ requested, inputs }: Decision): string {
  const text = 'x'.repeat(Math.min((inputs?.prompt_tokens ?? 1) * 4, MOST_FILLED))
  return JSON.stringify({
    model: requested,
    max_tokens: 1024,
    messages: [{ role: 'user', content: text }],
    input: 'x',
    contents: [{ parts: [{ text: 'x' }] }],
    query: 'x',
    documents: ['x'],
  })
}

/** Nobody's policy: everything is permitted, and nothing is counted. */
export function anybody(defaultCeiling: number): Asker {
  const secretHash = 'anybody'
  return {
    key: { id: 'anybody', secretHash },
    admit(question) {
      const book = new Book({ holdMs: 1000, defaultCeiling })
      book.hydrate({
        ...EVERYTHING,
        keyId: 'anybody',
        version: 1,
        label: '',
        name: '',
        createdAt: 0,
        secrets: [{ hash: secretHash, until: null }],
        disabled: false,
        deleted: false,
        expiresAt: null,
        limitNanoUsd: null,
        limitReset: null,
        limits: NO_LIMITS,
        scopes: [],
      })
      return Promise.resolve(book.admit(question, Date.now()))
    },
  }
}
