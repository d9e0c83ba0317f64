// Amazon Bedrock: where it is, its paths, and its two ways to be authorised: an API key of its own, or a signature by AWS credentials.
// Every model speaks Converse; Claude also speaks its own language, by InvokeModel.
// Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, userguide/api-keys.html and userguide/model-parameters-claude.html

import { AwsV4Signer } from 'aws4fetch'
import { GatewayError } from '../core/errors.ts'
import { LISTED_AS_BILLING } from './abort-billing.ts'
import type { Provider, Settings, Voice } from './contract.ts'
import { bearer } from './openai-compatible.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('bedrock', 'API_KEY')
/** AWS's own name for the same. */
const TOKEN = 'AWS_BEARER_TOKEN_BEDROCK'
const ACCESS_KEY = 'AWS_ACCESS_KEY_ID'
const SECRET_KEY = 'AWS_SECRET_ACCESS_KEY'
const SESSION = 'AWS_SESSION_TOKEN'
const REGIONS = ['BEDROCK_REGION', 'AWS_REGION'] as const

// Claude's signatures are the same here as at Anthropic.
const HABITS = { issuer: 'anthropic' } as const

const converse: Voice = {
  dialect: 'bedrock-converse',
  habits: HABITS,
  framing: 'aws-event-stream',
  path: (model, stream) => modelPath(model, stream ? 'converse-stream' : 'converse'),
}

const invoke: Voice = {
  dialect: 'anthropic-messages',
  habits: HABITS,
  framing: 'aws-wrapped-events',
  passesOn: [], // the version and the betas stand in the body
  path: (model, stream) => modelPath(model, stream ? 'invoke-with-response-stream' : 'invoke'),
}

/** What `anthropic_beta` may hold by Bedrock's documentation; another one is a 400 for the whole request. */
const BETAS: ReadonlySet<string> = new Set([
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'token-efficient-tools-2025-02-19',
  'interleaved-thinking-2025-05-14',
  'output-128k-2025-02-19',
  'dev-full-thinking-2025-05-14',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'effort-2025-11-24',
  'tool-search-tool-2025-10-19',
  'tool-examples-2025-10-29',
])

export const bedrock: Provider = {
  id: 'bedrock',
  name: 'Amazon Bedrock',
  needs: [],
  needsOneOf: [[KEY], [TOKEN], [ACCESS_KEY, SECRET_KEY]],
  takes: [SESSION],
  baseUrlSetting: settingName('bedrock', 'BASE_URL'),
  defaultBaseUrl: null,
  address: {
    needs: [[REGIONS[0]], [REGIONS[1]]],
    baseUrl(setting) {
      const region = setting(REGIONS[0]) ?? setting(REGIONS[1])
      return region !== null && /^[a-z0-9-]+$/.test(region) ? `https://bedrock-runtime.${region}.amazonaws.com` : null
    },
  },
  regionSettings: REGIONS,
  voices: [converse, invoke],
  // A name that does not say Claude, such as an application profile's, may be anybody; Claude 2 has no Messages.
  voicesFor: (model) => (/anthropic\.claude-(?!v\d|instant)/.test(model) ? [converse, invoke] : [converse]),
  operations: [{ dialect: 'bedrock-count-tokens', habits: { issuer: 'anthropic' }, path: (model) => modelPath(model, 'count-tokens') }],
  stopsBillingOnAbort: LISTED_AS_BILLING,
  authorize: (settings) => bearer(tokenOf(settings)),
  quirks(dialect, member, headers) {
    if (dialect !== 'anthropic-messages') return []
    const betas = betasOf(headers).filter((name) => BETAS.has(name))
    return [
      { path: ['model'], json: null },
      { path: ['stream'], json: null },
      ...(member(['anthropic_version']) === null ? [{ path: ['anthropic_version'] as const, json: '"bedrock-2023-05-31"' }] : []),
      ...(betas.length > 0 && member(['anthropic_beta']) === null
        ? [{ path: ['anthropic_beta'] as const, json: JSON.stringify(betas) }]
        : []),
    ]
  },
  leavesOut: (dialect, headers) =>
    dialect !== 'anthropic-messages'
      ? []
      : betasOf(headers)
          .filter((name) => !BETAS.has(name))
          .map((name) => `anthropic-beta.${name}`),
  async sign({ url, headers, bytes }, settings, nowMs) {
    const { secrets, region } = settings
    const accessKeyId = secrets[ACCESS_KEY]
    const secretAccessKey = secrets[SECRET_KEY]
    if (tokenOf(settings) !== undefined || accessKeyId === undefined || secretAccessKey === undefined) return {}
    const where = region ?? regionIn(url)
    if (where === null) throw new GatewayError('credential-missing', `To sign for Bedrock, ${REGIONS.join(' or ')} must be set.`)
    const signer = new AwsV4Signer({
      method: 'POST',
      url,
      headers,
      body: bytes as Uint8Array<ArrayBuffer>,
      accessKeyId,
      secretAccessKey,
      ...(secrets[SESSION] === undefined ? {} : { sessionToken: secrets[SESSION] }),
      service: 'bedrock',
      region: where,
      datetime: new Date(nowMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
    })
    const signed = await signer.sign()
    return Object.fromEntries([...new Headers(signed.headers)].filter(([name]) => name === 'authorization' || name.startsWith('x-amz-')))
  },
}

function betasOf(headers: Headers | undefined): readonly string[] {
  const said = headers?.get('anthropic-beta') ?? ''
  return [...new Set(said.split(',').map((name) => name.trim()))].filter((name) => name !== '')
}

function tokenOf({ secrets }: Settings): string | undefined {
  return secrets[KEY] ?? secrets[TOKEN]
}

function regionIn(url: string): string | null {
  return /^https:\/\/bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com/.exec(url)?.[1] ?? null
}

/** A model's id, an inference profile's, or an ARN, whose `:` and `/` are escaped. */
function modelPath(model: string, method: string): string {
  if (!/^[A-Za-z0-9._:/-]{1,2048}$/.test(model) || /^\.+$/.test(model))
    throw new GatewayError('model-unknown', 'The model name has characters that no model of Bedrock has.')
  return `/model/${encodeURIComponent(model)}/${method}`
}
