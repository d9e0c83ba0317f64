// Places that speak OpenAI's chat language, some of them its Responses language too: one factory, so that a provider file says only what is its own.

import type { Habits } from '../dialects/contract.ts'
import type { Address, Provider, Voice } from './contract.ts'
import { openAiOperations, type OpenAiOperation } from './operations.ts'
import { settingName } from './setting-name.ts'

export type OpenAiCompatible = {
  readonly id: string
  readonly name: string
  readonly defaultBaseUrl: string | null
  readonly address?: Address
  readonly stopsBillingOnAbort: Provider['stopsBillingOnAbort']
  readonly emptyIsFree?: NonNullable<Provider['emptyIsFree']>
  readonly habits?: Partial<Habits>
  /** A server of one's own may want no key; one that is set is sent. */
  readonly keyOptional?: boolean
  /** It also has OpenAI's Responses language, at `/responses`; clients of that language are forwarded to it. */
  readonly hasResponses?: boolean
  /** It also has OpenAI's old text completions, at `/completions`; clients of that language are forwarded to it. */
  readonly hasCompletions?: boolean
  /** What it can do beside chat, in OpenAI's languages. */
  readonly operations?: readonly OpenAiOperation[]
  /** Where that stands below the base URL, when not at it. */
  readonly operationsBelow?: string
  readonly quirks?: NonNullable<Provider['quirks']>
}

/** A place below whose base URL `/chat/completions` stands and which takes a bearer key. */
export function openAiCompatible(place: OpenAiCompatible): Provider {
  const key = settingName(place.id, 'API_KEY')
  const habits: Habits = { issuer: place.id, ...place.habits }
  return {
    id: place.id,
    name: place.name,
    needs: place.keyOptional === true ? [] : [key],
    ...(place.keyOptional === true ? { takes: [key] } : {}),
    baseUrlSetting: settingName(place.id, 'BASE_URL'),
    defaultBaseUrl: place.defaultBaseUrl,
    ...(place.address === undefined ? {} : { address: place.address }),
    voices: [
      chatVoice(habits),
      ...(place.hasResponses === true ? [responsesVoice(habits)] : []),
      ...(place.hasCompletions === true ? [completionsVoice(habits)] : []),
    ],
    ...(place.operations === undefined ? {} : { operations: openAiOperations(place.operations, habits, place.operationsBelow) }),
    stopsBillingOnAbort: place.stopsBillingOnAbort,
    ...(place.emptyIsFree === undefined ? {} : { emptyIsFree: place.emptyIsFree }),
    authorize: ({ secrets }) => bearer(secrets[key]),
    ...(place.quirks === undefined ? {} : { quirks: place.quirks }),
  }
}

export function chatVoice(habits: Habits): Voice {
  return { dialect: 'openai-chat', habits, path: () => '/chat/completions' }
}

function responsesVoice(habits: Habits): Voice {
  return { dialect: 'openai-responses', habits, path: () => '/responses' }
}

export function completionsVoice(habits: Habits): Voice {
  return { dialect: 'openai-completions', habits, path: () => '/completions' }
}

export function bearer(key: string | undefined): { readonly [header: string]: string } {
  return key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` }
}
