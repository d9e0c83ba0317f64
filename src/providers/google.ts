// Google's Gemini API (AI Studio): where it is, its paths, and how it is authorised. Source: ai.google.dev/api

import { GatewayError } from '../core/errors.ts'
import { LISTED_AS_BILLING } from './abort-billing.ts'
import type { Provider } from './contract.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('google', 'API_KEY')

export const google: Provider = {
  id: 'google',
  name: 'Google',
  needs: [KEY],
  baseUrlSetting: settingName('google', 'BASE_URL'),
  defaultBaseUrl: 'https://generativelanguage.googleapis.com',
  voices: [{ dialect: 'gemini', habits: { issuer: 'google' }, path: modelPath }],
  operations: [
    { dialect: 'gemini-embeddings', path: (model) => methodPath(model, 'batchEmbedContents') },
    { dialect: 'gemini-embedding', path: (model) => methodPath(model, 'embedContent') },
    { dialect: 'gemini-count-tokens', habits: { issuer: 'google' }, path: (model) => methodPath(model, 'countTokens') },
  ],
  stopsBillingOnAbort: LISTED_AS_BILLING,
  // The key never stands in the URL, where logs would keep it.
  authorize: ({ secrets }) => ({ 'x-goog-api-key': secrets[KEY] ?? '' }),
}

function modelPath(model: string, stream: boolean, framing: 'sse' | 'json-array' = 'sse'): string {
  if (!stream) return methodPath(model, 'generateContent')
  return `${methodPath(model, 'streamGenerateContent')}${framing === 'sse' ? '?alt=sse' : ''}`
}

/** `gemini-3-pro` is `models/gemini-3-pro`; a name with a collection of its own (`tunedModels/x`, `models/x`) stays. */
function methodPath(model: string, method: string): string {
  const segments = model.split('/')
  if (!segments.every((segment) => /^[A-Za-z0-9._-]{1,256}$/.test(segment) && !/^\.+$/.test(segment)))
    throw new GatewayError('model-unknown', 'The model name has characters that no model of Google has.')
  const name = segments.length === 1 ? `models/${model}` : model
  return `/v1beta/${name}:${method}`
}
