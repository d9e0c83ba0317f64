// Answers Morph's router endpoints: what is asked is judged in process, nothing is called, held or booked.

import type * as z from 'zod'
import { subjectOf, type Classifier, type Verdict } from '../classifier/contract.ts'
import type { KeyView } from '../core/account.ts'
import { GatewayError } from '../core/errors.ts'
import { readBytes } from '../gateway/read-bytes.ts'
import type { Deps } from '../ports.ts'
import { tierFor, type Leaning } from '../routing/choosing/tier-for.ts'
import { tiersAmong } from '../routing/choosing/tiers.ts'
import { defaultModel, modelsListed, modelsOfAll, modelsOfVendor, vendorOf, type Asker, type Named } from './router-models.ts'
import { check, CLASSES, classificationsOf, classifyShape, difficultyTold, multimodelShape, selectShape } from './router-shapes.ts'

type Json = { readonly [name: string]: unknown }

/** Some 250,000 tokens; of a longer text no more would be looked at anyway. */
const MOST_BODY_BYTES = 1_048_576

/**
 * What `POST /v1/router/<end>` answers the key that is seen. @throws GatewayError `body-too-large`, `request-malformed`, `path-unknown`,
 * `gateway-unavailable` (no classifier), and of what no model is left for
 */
export async function routerAnswer(end: string, request: Request, view: KeyView, deps: Deps): Promise<Json> {
  const said = await bodyOf(request, deps)
  if (end === 'classify') {
    const { input, classes = CLASSES } = check(classifyShape, said)
    return { classifications: classificationsOf(judged(input, deps), classes) }
  }
  if (end === 'raw') {
    const verdict = judged(check(selectShape, said).input, deps)
    return { difficulty: difficultyTold(verdict), score: verdict.score, abstains: verdict.abstains }
  }
  if (end === 'multimodel') {
    const asked = check(multimodelShape, said)
    return multimodel(asked, { view, deps, catalogue: await deps.catalogue() })
  }
  const vendor = vendorOf(end)
  if (vendor === null)
    throw new GatewayError('path-unknown', 'There is no such router here: classify, raw, multimodel, or a vendor such as openai.')
  const { input, mode = 'balanced' } = check(selectShape, said)
  const verdict = judged(input, deps)
  return told(chosen(modelsOfVendor(vendor, end, { view, deps, catalogue: await deps.catalogue() }), verdict, mode), verdict)
}

const LEANINGS = {
  balanced: 'balanced',
  domain_skills: 'balanced',
  cost_efficient: 'aggressive',
  capability_heavy: 'capable',
} as const satisfies { readonly [policy: string]: Leaning }

function multimodel(asked: z.output<typeof multimodelShape>, asker: Asker): Json {
  const { input, allowed_providers: vendors, allowed_models: models, policy = 'balanced', default_model: otherwise } = asked
  const verdict = judged(input, asker.deps)
  const fallback = otherwise === undefined ? null : defaultModel(otherwise, asker)
  if (fallback !== null && (verdict.needsInfo !== null || verdict.abstains)) return told({ ...fallback, tier: null }, verdict)
  const candidates = models === undefined ? modelsOf(vendors, asker) : within(modelsListed(models, asker), vendors)
  return told(chosen(candidates, verdict, LEANINGS[policy]), verdict)
}

/** Vendors of which nothing is left are left out while there is another. @throws GatewayError of the first where all fail, or names none that there is */
function modelsOf(words: readonly string[] | undefined, asker: Asker): readonly Named[] {
  if (words === undefined) return modelsOfAll(asker)
  const failures: GatewayError[] = []
  const found = [...new Set(words)].flatMap((word) => {
    try {
      return modelsOfVendor(mustKnow(word, words), word, asker)
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code === 'request-malformed') throw error
      failures.push(error)
      return []
    }
  })
  const [failure] = failures
  if (found.length === 0 && failure !== undefined) throw failure
  return found
}

/** Listed models whose place is among the vendors too. @throws GatewayError `no-target-left`, `request-malformed` */
function within(listed: readonly Named[], words: readonly string[] | undefined): readonly Named[] {
  if (words === undefined) return listed
  const places = new Set(words.map((word) => mustKnow(word, words)))
  const left = listed.filter(({ entry }) => places.has(entry.provider))
  if (left.length > 0) return left
  throw new GatewayError('no-target-left', 'None of `allowed_models` that can be used here is of `allowed_providers`.', {
    at: 'allowed_providers',
  })
}

function mustKnow(word: string, words: readonly string[]): string {
  const vendor = vendorOf(word)
  if (vendor !== null) return vendor
  const at = `allowed_providers.${words.indexOf(word)}`
  throw new GatewayError('request-malformed', `${at}: is no vendor that is known here, such as anthropic, openai or gemini.`, { at })
}

type Chosen = Named & { readonly tier: string | null }

function chosen(candidates: readonly Named[], verdict: Verdict, leaning: Leaning): Chosen {
  const tier = tierFor(verdict, leaning)
  const entry = tiersAmong(candidates.map((one) => one.entry))?.[tier]
  const named = candidates.find((one) => one.entry === entry)
  if (named === undefined) throw new GatewayError('no-target-left', 'No model is left to choose from.')
  return { ...named, tier }
}

/** `tier: null`: the client's own default, for the classifier would not decide. */
function told({ name, vendor, tier }: Chosen, verdict: Verdict): Json {
  const { score, taskType, abstains } = verdict
  return { model: name, provider: vendor, difficulty: difficultyTold(verdict), tier, score, task_type: taskType, abstains }
}

/** @throws GatewayError `gateway-unavailable` */
function judged(input: string, { classifier }: { readonly classifier: Classifier | null }): Verdict {
  if (classifier === null)
    throw new GatewayError('gateway-unavailable', 'The classifier is not there just now. Use your default model.', { retryAfterMs: 30_000 })
  return classifier.classify(subjectOf(input))
}

/** @throws GatewayError `body-too-large`, `request-malformed` */
async function bodyOf(request: Request, deps: Deps): Promise<unknown> {
  const bytes = await readBytes(request, Math.min(MOST_BODY_BYTES, deps.limits.bodyBytes))
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw new GatewayError('request-malformed', 'The body is not JSON in UTF-8.', { cause })
  }
}
