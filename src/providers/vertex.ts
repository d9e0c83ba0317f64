// Google Vertex AI: Gemini and Claude in a project and a location, and its three ways to be authorised.
// Source: cloud.google.com/vertex-ai/generative-ai/docs, platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai

import { GatewayError } from '../core/errors.ts'
import { LISTED_AS_BILLING } from './abort-billing.ts'
import type { Provider, Settings, Voice } from './contract.ts'
import { accessToken, readServiceAccount, type ServiceAccount } from './google-token.ts'
import { bearer } from './openai-compatible.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('vertex', 'API_KEY')
const ACCOUNT = 'VERTEX_SERVICE_ACCOUNT_JSON'
const OWN_ACCOUNT = 'GOOGLE_APPLICATION_CREDENTIALS_JSON'
const PROJECT = 'VERTEX_PROJECT'
const LOCATION = 'VERTEX_LOCATION'
const TOKEN_URL = 'VERTEX_TOKEN_URL'
const GLOBAL = 'global'
const HOST = 'aiplatform.googleapis.com'

const gemini: Voice = {
  dialect: 'gemini',
  habits: { issuer: 'google' },
  path(model, stream, framing, settings) {
    const method = stream ? `streamGenerateContent${framing === 'json-array' ? '' : '?alt=sse'}` : 'generateContent'
    return `${modelPath(model, 'google', settings)}:${method}`
  },
}

/** Claude's own language, with the model in the path and the version in the body. */
const claude: Voice = {
  dialect: 'anthropic-messages',
  habits: { issuer: 'anthropic' },
  passesOn: ['anthropic-beta'],
  path: (model, stream, _framing, settings) => `${modelPath(model, 'anthropic', settings)}:${stream ? 'streamRawPredict' : 'rawPredict'}`,
}

export const vertex: Provider = {
  id: 'vertex',
  name: 'Google Vertex AI',
  needs: [],
  needsOneOf: [[KEY], [ACCOUNT], [OWN_ACCOUNT]],
  baseUrlSetting: settingName('vertex', 'BASE_URL'),
  defaultBaseUrl: `https://${HOST}`,
  address: { needs: [[LOCATION]], baseUrl: (setting) => hostOf(setting(LOCATION) ?? GLOBAL) },
  regionSettings: [LOCATION],
  reads: [PROJECT, LOCATION, TOKEN_URL],
  voices: [gemini, claude],
  voicesFor: (model) => (/^(?:anthropic\/)?claude-/.test(model) ? [claude] : [gemini]),
  stopsBillingOnAbort: LISTED_AS_BILLING,
  fetchesToken: true,
  async authorize(settings, world) {
    const key = settings.secrets[KEY]
    if (key !== undefined) return isApiKey(key) ? { 'x-goog-api-key': key } : bearer(key)
    const account = accountOf(settings)
    return account === null ? {} : bearer(await accessToken(settings, account, settings.values?.[TOKEN_URL] ?? null, world))
  },
  quirks(dialect, member) {
    if (dialect !== 'anthropic-messages') return []
    return [
      { path: ['model'], json: null },
      ...(member(['anthropic_version']) === null ? [{ path: ['anthropic_version'] as const, json: '"vertex-2023-10-16"' }] : []),
    ]
  },
}

/** `us` and `eu` are several regions with a host of their own kind. */
function hostOf(location: string): string | null {
  if (location === GLOBAL) return `https://${HOST}`
  if (location === 'us' || location === 'eu') return `https://aiplatform.${location}.rep.googleapis.com`
  return isName(location) ? `https://${location}-${HOST}` : null
}

/** `gemini-2.5-pro`, `claude-opus-4-5@20251101`, `google/gemini-2.5-pro`, or a tuned model's `endpoints/123`. */
function modelPath(model: string, publisher: string, settings: Settings | undefined): string {
  const segments = model.split('/')
  const name = segments.at(-1) ?? ''
  const collection = segments.length === 1 ? publisher : (segments[0] ?? '')
  const isKnown = collection === publisher || (collection === 'endpoints' && publisher === 'google')
  if (segments.length > 2 || !isKnown || !/^[A-Za-z0-9._@-]{1,256}$/.test(name) || /^\.+$/.test(name))
    throw new GatewayError('model-unknown', 'The model name has characters that no model of Vertex has.')
  const below = collection === 'endpoints' ? `endpoints/${name}` : `publishers/${publisher}/models/${name}`
  return `/v1${scopeOf(settings)}/${below}`
}

/** An API key without a project is Vertex's express mode; a token is always somebody's in a project. */
function scopeOf(settings: Settings | undefined): string {
  if (settings === undefined) return ''
  const project = projectOf(settings)
  if (project === null) {
    if (isApiKey(settings.secrets[KEY] ?? '')) return ''
    throw new GatewayError('credential-missing', `To call Vertex with a token, ${PROJECT} must be set.`)
  }
  const location = settings.values?.[LOCATION] ?? GLOBAL
  if (!/^[A-Za-z0-9.:-]+$/.test(project) || /^\.+$/.test(project) || !isName(location))
    throw new GatewayError('credential-missing', `${PROJECT} and ${LOCATION} must be names as Google Cloud has them.`)
  return `/projects/${project}/locations/${location}`
}

function isApiKey(key: string): boolean {
  return /^(?:AIza|AQ\.)/.test(key)
}

function isName(text: string): boolean {
  return /^[a-z0-9-]+$/.test(text)
}

function projectOf(settings: Settings): string | null {
  return settings.values?.[PROJECT] ?? accountOf(settings)?.projectId ?? null
}

const accounts = new WeakMap<Settings, ServiceAccount>()

/** Only where no key is set: a key wins. */
function accountOf(settings: Settings): ServiceAccount | null {
  const json = settings.secrets[ACCOUNT] ?? settings.secrets[OWN_ACCOUNT]
  if (json === undefined || settings.secrets[KEY] !== undefined) return null
  const known = accounts.get(settings) ?? readServiceAccount(json)
  accounts.set(settings, known)
  return known
}
