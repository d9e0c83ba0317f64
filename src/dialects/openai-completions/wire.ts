// The name of OpenAI's old text completion language, and what it has no place for.

import { GatewayError } from '../../core/errors.ts'

export const OPENAI_COMPLETIONS = 'openai-completions'

/** A body has no raw paths: there are neither schemas nor arguments. */
export const NO_RAW = {}

export function unsupported(at: string, why: string): GatewayError {
  return new GatewayError('request-unsupported', `'${at}' ${why}`, { at })
}
