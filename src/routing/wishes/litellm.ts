// LiteLLM's words in a request: fallbacks by kind of trouble, retries and time limits, in the body or in its headers; and the limits that other SDKs send along.
// Source: docs.litellm.ai, "Reliability" and "Client-side fallbacks".

import type { JsonValue } from '../../core/canonical.ts'
import type { Fallback } from '../wishes.ts'
import {
  earliest,
  expectList,
  expectName,
  expectObject,
  isList,
  isObject,
  malformed,
  memberOf,
  numberIn,
  optionalFlag,
  optionalSeconds,
  unsupported,
  valueOf,
  type Members,
} from './expecting.ts'

/** More would only be a way to keep a provider busy. */
const MOST_RETRIES = 10
const LONGEST_MS = 86_400_000

/** They make LiteLLM pretend: an answer that nobody gave, a failure that nobody had. */
const PRETENCES: readonly string[] = [
  'mock_response',
  'mock_tool_calls',
  'mock_timeout',
  'mock_delay',
  'mock_testing_fallbacks',
  'mock_testing_context_fallbacks',
  'mock_testing_content_policy_fallbacks',
  'mock_testing_rate_limit_error',
]

/** Everything of LiteLLM's that a body may have and that is for us. */
export const LITELLM_MEMBERS: readonly string[] = [
  'fallbacks',
  'context_window_fallback_dict',
  'context_window_fallbacks',
  'content_policy_fallbacks',
  'disable_fallbacks',
  'num_retries',
  'timeout',
  'stream_timeout',
  ...PRETENCES,
]

/** @throws GatewayError `request-unsupported` */
export function refusePretence(members: Members): void {
  for (const name of PRETENCES) {
    const said = members.member([name])
    if (said !== null && said !== 'null' && said !== 'false') throw unsupported(name, 'no answer is made up here; leave it out.')
  }
}

/**
 * `fallbacks` are for an outage alone, the others each for their trouble: a prompt that is too long for one model is no reason to send it to any other.
 * Entries by model count where they name the request's own one, or `*`. Anthropic's Messages API has `fallbacks` of `{model}` too: it is read
 * in the same way and never forwarded, since a key's policy could not bind what the provider falls back to.
 * @throws GatewayError `request-malformed`, `request-unsupported`
 */
export function readFallbacks(
  members: Members,
  primary: string | null,
): { readonly list: readonly Fallback[]; readonly disabled: boolean } {
  const disabled = optionalFlag(valueOf(members, 'disable_fallbacks'), 'disable_fallbacks') ?? false
  const general = namesIn(valueOf(members, 'fallbacks'), 'fallbacks', primary)
  const context = [
    ...namesBy(valueOf(members, 'context_window_fallback_dict'), 'context_window_fallback_dict', primary),
    ...namesIn(valueOf(members, 'context_window_fallbacks'), 'context_window_fallbacks', primary),
  ]
  const content = namesIn(valueOf(members, 'content_policy_fallbacks'), 'content_policy_fallbacks', primary)
  if (disabled) return { list: [], disabled }
  return {
    list: [
      ...general.map((model) => ({ model, on: ['outage'] as const })),
      ...context.map((model) => ({ model, on: ['context'] as const })),
      ...content.map((model) => ({ model, on: ['content'] as const })),
    ],
    disabled,
  }
}

/** Names, `{model}` objects, or objects by the model that they stand in for. */
function namesIn(value: JsonValue, at: string, primary: string | null): readonly string[] {
  if (value === null) return []
  return expectList(value, at).flatMap((item, i): readonly string[] => {
    const place = `${at}[${i}]`
    if (!isObject(item)) return [expectName(item, place, 'the name of a model, or an object')]
    const model = memberOf(item, 'model')
    if (typeof model !== 'string') return namesBy(item, place, primary)
    const other = Object.keys(item).find((name) => name !== 'model')
    if (other !== undefined)
      throw unsupported(`${place}.${other.slice(0, 64)}`, 'a fallback gets the request as it is; name only its model.')
    return [expectName(model, `${place}.model`, 'the name of a model')]
  })
}

function namesBy(value: JsonValue, at: string, primary: string | null): readonly string[] {
  if (value === null) return []
  return Object.entries(expectObject(value, at)).flatMap(([name, names]): readonly string[] => {
    const place = `${at}.${name.slice(0, 64)}`
    const list = (isList(names) ? expectList(names, place) : [names]).map((one) =>
      expectName(one, place, 'the name of a model, or a list of names'),
    )
    return name === '*' || name === primary ? list : []
  })
}

/** @throws GatewayError `request-malformed` */
export function readRetries(members: Members, headers: Headers): number | null {
  const said = valueOf(members, 'num_retries')
  const found =
    said !== null
      ? retries(said, 'num_retries')
      : (headerRetries(headers, 'x-litellm-num-retries') ?? headerRetries(headers, 'x-portkey-retry-count'))
  return found === null ? null : Math.min(found, MOST_RETRIES)
}

function headerRetries(headers: Headers, name: string): number | null {
  const count = numberIn(headers, name, 'a whole number from 0 up')
  return count === null ? null : retries(count, name)
}

function retries(value: JsonValue, at: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(at, 'a whole number from 0 up')
  return value
}

export type Times = { readonly deadlineMs: number | null; readonly firstContentMs: number | null }

/**
 * The earliest counts. `timeout`, `x-litellm-timeout` (seconds) and `x-portkey-request-timeout` (milliseconds) bound the whole request;
 * `stream_timeout`, `x-litellm-stream-timeout` and `x-stainless-timeout` (seconds) what comes before the first content: OpenAI's and Anthropic's
 * SDKs send the last one unasked and stop waiting only until a response begins, so it is read leniently and never an error.
 * @throws GatewayError `request-malformed`
 */
export function readTimes(members: Members, headers: Headers): Times {
  return {
    deadlineMs: earliest(
      optionalSeconds(valueOf(members, 'timeout'), 'timeout'),
      secondsIn(headers, 'x-litellm-timeout'),
      millisecondsIn(headers, 'x-portkey-request-timeout'),
    ),
    firstContentMs: earliest(
      optionalSeconds(valueOf(members, 'stream_timeout'), 'stream_timeout'),
      secondsIn(headers, 'x-litellm-stream-timeout'),
      sdkSeconds(headers.get('x-stainless-timeout')),
    ),
  }
}

function secondsIn(headers: Headers, name: string): number | null {
  return optionalSeconds(numberIn(headers, name, 'a number of seconds above 0'), name)
}

function millisecondsIn(headers: Headers, name: string): number | null {
  const found = numberIn(headers, name, 'a number of milliseconds above 0')
  if (found === 0) throw malformed(name, 'a number of milliseconds above 0')
  return found === null ? null : Math.max(1, Math.round(Math.min(found, LONGEST_MS)))
}

/** It cuts off to whole seconds: 0 is less than one, not none, and nothing that could be kept to. */
function sdkSeconds(text: string | null): number | null {
  const seconds = text === null || !/^\d{1,9}(\.\d{1,9})?$/.test(text) ? 0 : Number(text)
  return seconds <= 0 ? null : Math.min(Math.round(seconds * 1000), LONGEST_MS)
}
