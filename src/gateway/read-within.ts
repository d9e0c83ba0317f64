// Reads an answer while its time lasts: what ends it early is told as the reason it was ended for, and the call is ended with it.

import { GatewayError } from '../core/errors.ts'
import type { Opened } from './send.ts'

/** @throws GatewayError the call's own reason, what reading it said, or `upstream-cut` */
export async function readWithin<Answer>(opened: Opened, ms: number, words: string, read: () => Promise<Answer>): Promise<Answer> {
  const provider = opened.candidate.provider.id
  const timer = setTimeout(() => opened.stop(new GatewayError('upstream-timeout', `${provider} ${words}`)), ms)
  try {
    return await read()
  } catch (cause) {
    const error =
      opened.reason() ??
      (cause instanceof GatewayError ? cause : new GatewayError('upstream-cut', `The connection to ${provider} broke off.`, { cause }))
    opened.stop(null)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
