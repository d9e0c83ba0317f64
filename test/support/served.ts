// Somebody who answered, for the client dialects under test.

import type { Served } from '../../src/dialects/contract.ts'

export const SERVED: Served = { requestId: 'gen-test', provider: { id: 'demo', name: 'Demo' }, model: 'echo', costNanoUsd: () => 0 }
