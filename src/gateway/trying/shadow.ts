// Sends a share of a route's requests to another target too, and compares the two answers for the record. It is a request of its own beside the
// client's: admitted, held and booked by itself, called once, ended when its time is over, and nobody sees its answer.

import type { Admission, Row } from '../../core/account.ts'
import { GatewayError } from '../../core/errors.ts'
import { compareTexts, type Comparison, type Heard, type Side } from '../../core/shadow.ts'
import type { Account } from '../../ports.ts'
import type { Route } from '../../routing/contract.ts'
import { NO_WISHES } from '../../routing/wishes.ts'
import { Afterwards } from '../afterwards.ts'
import { ask } from '../planning/candidates.ts'
import { orGiveBack } from '../give-back.ts'
import { newRequestId, type Companion, type Job, type Key } from '../job.ts'
import type { Answered, Manner } from '../manner.ts'
import { Ear } from './overhear.ts'
import { planned } from '../planning/plan.ts'
import type { Choice } from '../planning/rank.ts'
import { foreseen, routed, type Routed } from '../planning/route.ts'
import { tagsOf } from '../said.ts'

type Shadow = NonNullable<Route['shadow']>
type Granted = Admission & { readonly kind: 'granted' }
/** Calls, answers and books, as of any request. */
export type Serve<J> = (job: J, account: Account, admission: Granted, route: Routed, afterwards: Afterwards) => Promise<Response>

/** A Worker lives for 30 s after its client is answered; the settle must still fit in. */
const LIFE_MS = 28_000
const MOST_BYTES = 262_144
export const SHADOW_TAG = 'shadow'

/** What the client's own answer left for the comparison. */
type Main = { readonly row: Row; readonly ear: Ear }

/** A request that was chosen: `main` is put into its job, and `send` called before anything is awaited. */
export type Cast<J> = { readonly main: Companion; send(serve: Serve<J>): void }

/** `null`: it has no shadow. Of those that could have one, chance takes the route's share. */
export function castShadow<J extends Job, A extends Answered>(manner: Manner<J, A>, job: J, key: Key, route: Route | null): Cast<J> | null {
  const shadow = route?.shadow ?? null
  if (shadow === null || manner.casts !== true || !canBeCast(job) || job.deps.random() >= shadow.share) return null
  const ended = Promise.withResolvers<Main | null>()
  const ear = new Ear()
  const main: Companion = {
    ear,
    booked: (row) => {
      ended.resolve(row === null ? null : { row, ear }) // what was heard is read by the shadow: the client's answer does not wait for it
      return Promise.resolve(row)
    },
  }
  return {
    main,
    send: (serve) => job.deps.later(send(manner, job, key, shadow, ended.promise, serve)),
  }
}

/** What is cheap to send twice, does nothing by being sent twice, and can be compared. */
function canBeCast({ intent, body, signal }: Job): boolean {
  const { needs, inputBound, choices, providerRuns, free } = intent
  if (signal.aborted || body.bytes === null || body.byteLength > MOST_BYTES) return false
  if (inputBound === null || choices > 1 || providerRuns !== undefined || free === true) return false
  return !needs.has('image') && !needs.has('audio') && !needs.has('file')
}

async function send<J extends Job, A extends Answered>(
  manner: Manner<J, A>,
  of: J,
  key: Key,
  shadow: Shadow,
  main: Promise<Main | null>,
  serve: Serve<J>,
): Promise<void> {
  const { deps } = of
  const work: Promise<unknown>[] = []
  try {
    const job = jobOf(of, shadow, main, (one) => void work.push(one))
    const plan = foreseen(await planned(job, key, manner.modes, (provider) => manner.serves(job, provider)), job, key)
    const account = deps.account(key.id)
    const targets = plan.targets.map(({ candidate }) => candidate)
    const admission = await account.admit(await ask(job, key, targets))
    if (admission.kind !== 'granted') return notSent(of, admission.kind === 'refused' ? admission.code : admission.kind)
    const keep = (one: Promise<unknown>): void => void work.push(one)
    const route = orGiveBack(account, admission.hold, keep, () => routed(plan, admission, job, key))
    const [first] = route.choices
    if (first === undefined || !isWell(first, deps.now())) {
      await account.settle({ hold: admission.hold, row: null, answer: null })
      return notSent(of, 'ill')
    }
    const afterwards = new Afterwards(job.deps.later)
    const once = { ...route, choices: [first], terms: { ...route.terms, conversation: null } }
    try {
      const answer = await serve({ ...job, ...once.terms }, account, admission, once, afterwards)
      await drained(answer)
    } finally {
      afterwards.end()
    }
  } catch (cause) {
    if (!(cause instanceof GatewayError)) notSent(of, 'gateway-bug')
    else if (work.length === 0) notSent(of, cause.code)
  }
  await Promise.allSettled(work)
}

/** The client's job as the shadow has it: its preferences for places bind here too, and what would repeat or remember something is left out. */
function jobOf<J extends Job>(of: J, { name, use }: Shadow, main: Promise<Main | null>, later: J['deps']['later']): J {
  const now = of.deps.now()
  const headers = new Headers(of.headers)
  headers.delete('idempotency-key')
  headers.set('x-sluice-tags', [SHADOW_TAG, ...tagsOf(of.headers)].join(','))
  const { provider } = of.wishes
  return {
    ...of,
    inquiry: undefined, // its client asked about its own
    id: newRequestId(),
    startedAt: now,
    headers,
    signal: new AbortController().signal,
    deps: { ...of.deps, later },
    wishes: { ...NO_WISHES, provider, retries: 0, deadlineMs: LIFE_MS, tree: { kind: 'target', name, use } },
    shadowOf: of.id,
    companion: shadowCompanion(main, () => of.deps.now(), now + LIFE_MS),
  }
}

/** Its row waits for the other's, but not beyond its own time. */
function shadowCompanion(main: Promise<Main | null>, now: () => number, endsAt: number): Companion {
  const ear = new Ear()
  return {
    ear,
    async booked(row) {
      if (row === null) return null
      return { ...row, comparison: comparisonOf(await within(main, endsAt - now()), row, ear.heard) }
    },
  }
}

function comparisonOf(main: Main | null, row: Row, heard: Heard | null): Comparison {
  const clients = main?.ear.heard ?? null
  const isWhole = main?.row.ended === 'complete' && row.ended === 'complete' // half an answer is not compared
  return {
    main: main === null ? null : sideOf(main.row, clients),
    shadow: sideOf(row, heard),
    ...(isWhole ? compareTexts(clients, heard) : compareTexts(null, null)),
  }
}

function sideOf({ provider, model, ended, costNanoUsd, firstEventMs, totalMs }: Row, heard: Heard | null): Side {
  const [characters, finish] = [heard?.characters ?? null, heard?.finish ?? null]
  return { provider, model, ended, finish, characters, costNanoUsd, firstEventMs, totalMs }
}

/** It neither tries whether somebody is well again nor burdens who is not. */
function isWell({ health, probe }: Choice, now: number): boolean {
  return health.state === 'closed' && !probe && (health.parkedUntil === null || health.parkedUntil <= now)
}

async function drained({ body }: Response): Promise<void> {
  if (body === null) return
  const reader = body.getReader()
  for (;;) if ((await reader.read()).done) return
}

function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), Math.max(0, ms))
    void work.then((value) => {
      clearTimeout(timer)
      resolve(value)
    })
  })
}

function notSent({ id, deps }: Job, why: string): void {
  deps.log(() => ({ level: 'info', shadow_of: id, message: 'shadow not sent', why }))
}
