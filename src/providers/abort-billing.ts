// Who stops billing when a stream is cut by its reader, where the sources are the same for many places.

import type { Provider } from './contract.ts'

type Answer = Provider['stopsBillingOnAbort']

const OPENROUTER_LIST = 'openrouter.ai/docs/api-reference/streaming, "Stream Cancellation"'

/** On OpenRouter's list of providers where cancelling a stream "immediately stops model processing and billing". */
export const LISTED_AS_STOPPING: Answer = { answer: 'yes', source: `${OPENROUTER_LIST}: listed as supported` }

/** On the same list under "Not Currently Supported": the whole answer is billed. */
export const LISTED_AS_BILLING: Answer = { answer: 'no', source: `${OPENROUTER_LIST}: listed as not supported` }

export const OWN_HARDWARE: Answer = { answer: 'yes', source: 'runs on hardware of one’s own: no answer is billed' }

export const UNSAID: Answer = { answer: 'unknown', source: 'neither its documentation nor OpenRouter’s list of stream cancellation says' }
