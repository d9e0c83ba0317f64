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
  stopsBillingOnAbort: LISTED_AS_BILLING,
  // The key never stands in the URL, where logs would keep it.
  authorize: ({ secrets }) => ({ 'x-goog-api-key': secrets[KEY] ?? '' }),
}

/** `gemini-3-pro` is `models/gemini-3-pro`; a name with a collection of its own (`tunedModels/x`, `models/x`) stays. */
function modelPath(model: string, stream: boolean, framing: 'sse' | 'json-array' = 'sse'): string {
  const segments = model.split('/')
  if (!segments.every((segment) => /^[A-Za-z0-9._-]{1,256}$/.test(segment) && !/^\.+$/.test(segment)))
    throw new GatewayError('model-unknown', 'The model name has characters that no model of Google has.')
  const name = segments.length === 1 ? `models/${model}` : model
  if (!stream) return `/v1beta/${name}:generateContent`
  return `/v1beta/${name}:streamGenerateContent${framing === 'sse' ? '?alt=sse' : ''}`
}
