// Amazon Bedrock: where it is, its paths, and its two ways to be authorised: an API key of its own, or a signature by AWS credentials.
// Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and userguide/api-keys.html

import { AwsV4Signer } from 'aws4fetch'
import { GatewayError } from '../core/errors.ts'
import { LISTED_AS_BILLING } from './abort-billing.ts'
import type { Provider, Settings } from './contract.ts'
import { bearer } from './openai-compatible.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('bedrock', 'API_KEY')
/** AWS's own name for the same. */
const TOKEN = 'AWS_BEARER_TOKEN_BEDROCK'
const ACCESS_KEY = 'AWS_ACCESS_KEY_ID'
const SECRET_KEY = 'AWS_SECRET_ACCESS_KEY'
const SESSION = 'AWS_SESSION_TOKEN'
const REGIONS = ['BEDROCK_REGION', 'AWS_REGION'] as const

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
  // Claude's signatures are the same here as at Anthropic.
  voices: [{ dialect: 'bedrock-converse', habits: { issuer: 'anthropic' }, framing: 'aws-event-stream', path: modelPath }],
  operations: [{ dialect: 'bedrock-count-tokens', habits: { issuer: 'anthropic' }, path: (model) => methodPath(model, 'count-tokens') }],
  stopsBillingOnAbort: LISTED_AS_BILLING,
  authorize: (settings) => bearer(tokenOf(settings)),
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

function tokenOf({ secrets }: Settings): string | undefined {
  return secrets[KEY] ?? secrets[TOKEN]
}

function regionIn(url: string): string | null {
  return /^https:\/\/bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com/.exec(url)?.[1] ?? null
}

function modelPath(model: string, stream: boolean): string {
  return methodPath(model, stream ? 'converse-stream' : 'converse')
}

/** A model's id, an inference profile's, or an ARN, whose `:` and `/` are escaped. */
function methodPath(model: string, method: string): string {
  if (!/^[A-Za-z0-9._:/-]{1,2048}$/.test(model) || /^\.+$/.test(model))
    throw new GatewayError('model-unknown', 'The model name has characters that no model of Bedrock has.')
  return `/model/${encodeURIComponent(model)}/${method}`
}
