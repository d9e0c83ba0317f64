// OpenAI's languages below OpenRouter's mount: `/v1/x` is also `/api/v1/x`, where a model is an `author/slug` and errors are OpenRouter's.

import { openrouterClient } from '../dialects/openrouter/client.ts'
import type { OperationClient } from './contract.ts'

export function underOpenRouter(client: OperationClient): readonly OperationClient[] {
  const paths = client.paths.filter((path) => path.startsWith('/v1/')).map((path) => `/api${path}`)
  if (paths.length === 0) return []
  return [
    {
      ...client,
      paths,
      modelNames: 'openrouter',
      status: openrouterClient.status.bind(openrouterClient),
      writeError: openrouterClient.writeError.bind(openrouterClient),
    },
  ]
}
