// Tries each configured provider for real, once: through the gateway, with a key that is made for it and deleted afterwards.

import type { DoctorReport } from '../../src/admin/doctor-report.ts'
import type { ModelEntry } from '../../src/catalogue/entry.ts'
import { listModels, lookUp } from '../../src/catalogue/index.ts'
import { secretsOf } from '../../src/providers/configured.ts'
import { providerById } from '../../src/providers/index.ts'
import type { Control } from './control.ts'
import { bad, good, note, type Line } from './doctor-line.ts'

const LIMIT_USD = 0.05
const MAX_TOKENS = 16
const KEY_LIFE_MS = 10 * 60_000
const TIMEOUT_MS = 60_000
/** A listed model may have been retired since. */
const MOST_MODELS = 3

export type Try = { readonly provider: string; readonly models: readonly string[] }

/** What to call: the named models, else the cheapest of each provider that the gateway has credentials for. */
export function plannedTries(
  providers: DoctorReport['providers'],
  named: readonly string[],
  today: string,
): { readonly tries: readonly Try[]; readonly notes: readonly Line[] } {
  if (named.length > 0) return { tries: named.map((model) => ({ provider: model.split('/')[0] ?? model, models: [model] })), notes: [] }
  const tries = providers.filter((one) => one.configured).map(({ id }) => ({ provider: id, models: cheapest(id, today) }))
  const notes = tries
    .filter((one) => one.models.length === 0)
    .map(({ provider }) =>
      providerById(provider)?.voices.length === 0
        ? note(`${provider}: not tried, for it has no chat`, 'Ask it for an embedding: POST /v1/embeddings.')
        : note(`${provider}: not tried, for its models are its owner's`, `npm run doctor -- --try ${provider}/MODEL`),
    )
  return { tries: tries.filter((one) => one.models.length > 0), notes }
}

/** Makes the key, calls, deletes the key whatever happens. `tell` hears each finding as it comes. */
export async function callProviders(control: Control, tries: readonly Try[], now: number, tell: (line: Line) => void): Promise<void> {
  if (tries.length === 0) return
  const models = tries.flatMap((one) => one.models)
  // A model without a known price is refused under a limit; then the models, the tokens and the time are the bound.
  const priced = models.every((model) => (lookUp(model.split('/')[0] ?? '', model.slice(model.indexOf('/') + 1))?.price ?? null) !== null)
  const { row, key } = await control.create({
    name: 'npm run doctor',
    limit: priced ? LIMIT_USD : null,
    expires_at: new Date(now + KEY_LIFE_MS).toISOString(),
    sluice: { models },
  })
  try {
    await Promise.all(tries.map(async (one) => tell(await tryModels(control.base, key, one))))
  } finally {
    await control
      .remove(row.hash)
      .catch(() =>
        tell(
          note(
            'the key of this check could not be deleted; it expires in ten minutes',
            `npm run key -- delete --hash ${row.hash.slice(0, 12)}`,
          ),
        ),
      )
  }
}

/** Paid models that converse and use tools, the dated ones of today's lists first: what is cheap without that is often no chat, or gone. */
function cheapest(provider: string, today: string): readonly string[] {
  if (provider === 'demo') return ['demo/echo']
  if ((providerById(provider)?.needs.length ?? 0) === 0) return []
  const usable = [...listModels()].filter(
    (entry) =>
      entry.provider === provider &&
      entry.mode === 'chat' &&
      entry.price !== null &&
      (entry.deprecatedOn ?? '9') > today &&
      !/guard|embed/i.test(entry.model),
  )
  const rank = (entry: ModelEntry): number =>
    (entry.releasedOn === undefined ? 4 : 0) + (entry.abilities.has('tools') ? 0 : 2) + (worth(entry) > 0 ? 0 : 1)
  return usable
    .toSorted((a, b) => rank(a) - rank(b) || worth(a) - worth(b))
    .slice(0, MOST_MODELS)
    .map((entry) => `${provider}/${entry.model}`)
}

const worth = (entry: ModelEntry): number => (entry.price?.input ?? 0) + (entry.price?.output ?? 0) + (entry.price?.perRequestNanoUsd ?? 0)

async function tryModels(base: string, key: string, { provider, models }: Try): Promise<Line> {
  let last: Line = note(`${provider}: not tried`)
  for (const model of models) {
    const { line, modelIsGone } = await tryModel(base, key, model)
    last = line
    if (!modelIsGone) return line
  }
  return last
}

async function tryModel(base: string, key: string, model: string): Promise<{ readonly line: Line; readonly modelIsGone: boolean }> {
  const began = performance.now()
  try {
    const response = await fetch(`${base}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model,
        [ceilingMember(model)]: MAX_TOKENS,
        messages: [{ role: 'user', content: 'Answer with one word: ready.' }],
      }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    const took = `${Math.round(performance.now() - began)} ms`
    if (response.ok) {
      const cost = response.headers.get('x-sluice-cost-usd')
      return { line: good(`${model} answered in ${took}${cost === null ? '' : ` for $${cost}`}`), modelIsGone: false }
    }
    const { message, code } = errorIn(text)
    const modelIsGone = response.status === 404 || (response.status === 400 && /model/i.test(message))
    return {
      line: bad(`${model} failed with ${response.status} after ${took}: ${message}`, adviceFor(model, response.status, code, modelIsGone)),
      modelIsGone,
    }
  } catch (cause) {
    const why =
      cause instanceof Error && cause.name === 'TimeoutError'
        ? `no answer within ${TIMEOUT_MS / 1000} s`
        : 'the connection to the gateway broke'
    return { line: bad(`${model}: ${why}`, 'Look at the gateway’s log (npx wrangler tail, or where npm start runs).'), modelIsGone: false }
  }
}

/** Where the client's language is the provider's own, the request passes as it is: the ceiling must have the name that this host takes. */
function ceilingMember(model: string): string {
  const chat = providerById(model.split('/')[0] ?? '')?.voices.find((voice) => voice.dialect === 'openai-chat')
  return chat?.habits.ceilingMember ?? 'max_tokens'
}

function adviceFor(model: string, status: number, code: string, modelIsGone: boolean): string {
  const provider = providerById(model.split('/')[0] ?? '')
  const names = provider === undefined ? '' : secretsOf(provider).join(', ')
  if (code === 'credential-refused' || code === 'credential-missing' || status === 401 || status === 403)
    return `Check ${names === '' ? (provider?.baseUrlSetting ?? 'the credentials') : names}: the provider does not take it.`
  if (modelIsGone) return `Name a model that this account may use: npm run doctor -- --try ${provider?.id ?? 'provider'}/MODEL`
  if (status === 429) return 'The provider took the credentials, but its quota or rate limit is used up: look at the account there.'
  if (status === 504 || status === 502 || status === 503)
    return `Is ${provider?.baseUrlSetting ?? 'its address'} right, and the provider up?`
  return `The words are the provider's own. --try ${provider?.id ?? 'provider'}/MODEL tries another model.`
}

/** In OpenAI's shape, or whatever else came. */
function errorIn(text: string): { readonly message: string; readonly code: string } {
  const whole = { message: text.slice(0, 500), code: '' }
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown; readonly code?: unknown } }
    return typeof error?.message === 'string'
      ? { message: error.message.slice(0, 500), code: typeof error.code === 'string' ? error.code : '' }
      : whole
  } catch {
    return whole
  }
}
