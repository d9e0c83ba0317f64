// Azure OpenAI (Microsoft Foundry): a resource of the operator's, its two surfaces, and its key. A model is the name of a deployment.
// Source: learn.microsoft.com/azure/foundry/openai/api-version-lifecycle and /reference

import { GatewayError } from '../core/errors.ts'
import type { Habits } from '../dialects/contract.ts'
import { LISTED_AS_STOPPING } from './abort-billing.ts'
import type { Provider, Settings, Voice } from './contract.ts'
import { ALL_OF_OPENAI, openAiOperations } from './operations.ts'
import { settingName } from './setting-name.ts'

const KEY = settingName('azure', 'API_KEY')
const RESOURCE = 'AZURE_RESOURCE_NAME'
const VERSION = 'AZURE_API_VERSION'
/** What Azure's own clients call the same. */
const OWN = { key: 'AZURE_OPENAI_API_KEY', endpoint: 'AZURE_OPENAI_ENDPOINT', version: 'OPENAI_API_VERSION' } as const

export const AZURE_VERSION_SETTINGS: readonly string[] = [VERSION, OWN.version]
const DATED = /^\d{4}-\d\d-\d\d(?:-preview)?$/

/** Whether a value of these settings counts; another one is as none. */
export function isAzureVersion(value: string | null): boolean {
  return value === null || DATED.test(value) || ['v1', 'preview', 'latest'].includes(value)
}

// `max_tokens` is a 400 for OpenAI's reasoning models. What is sealed there can be opened there only.
const HABITS: Habits = { issuer: 'azure', ceilingMember: 'max_completion_tokens' }

export const azure: Provider = {
  id: 'azure',
  name: 'Azure OpenAI',
  needs: [],
  needsOneOf: [[KEY], [OWN.key]],
  baseUrlSetting: settingName('azure', 'BASE_URL'),
  defaultBaseUrl: null,
  address: {
    needs: [[RESOURCE], [OWN.endpoint]],
    baseUrl(setting) {
      const resource = setting(RESOURCE)
      if (resource === null) return setting(OWN.endpoint)
      return /^[A-Za-z0-9-]{2,64}$/.test(resource) ? `https://${resource}.openai.azure.com` : null
    },
  },
  reads: AZURE_VERSION_SETTINGS,
  voices: [voice('openai-chat', 'chat/completions', true), voice('openai-responses', 'responses', false)],
  operations: openAiOperations(ALL_OF_OPENAI, HABITS, (path, model, settings) => pathOf(path.slice(1), true, model, settings)),
  stopsBillingOnAbort: LISTED_AS_STOPPING,
  authorize: ({ secrets }) => ({ 'api-key': secrets[KEY] ?? secrets[OWN.key] ?? '' }),
}

/** Below `/openai/v1` the deployment stands in the body; with a dated version, in the path of those methods that are a deployment's own. */
function voice(dialect: Voice['dialect'], method: string, isOfDeployment: boolean): Voice {
  return {
    dialect,
    habits: HABITS,
    path: (model, _stream, _framing, settings) => pathOf(method, isOfDeployment, model, settings),
  }
}

function pathOf(method: string, isOfDeployment: boolean, model: string, settings: Settings | undefined): string {
  const version = versionOf(settings)
  if (version === null || !DATED.test(version)) return `/openai/v1/${method}${version === 'preview' ? '?api-version=preview' : ''}`
  return `/openai/${isOfDeployment ? `deployments/${deployment(model)}/` : ''}${method}?api-version=${version}`
}

function versionOf(settings: Settings | undefined): string | null {
  return settings?.values?.[VERSION] ?? settings?.values?.[OWN.version] ?? null
}

function deployment(model: string): string {
  if (!/^[A-Za-z0-9._-]{1,256}$/.test(model) || /^\.+$/.test(model))
    throw new GatewayError('model-unknown', 'The model name has characters that no deployment of Azure has.')
  return model
}
