// What the providers' objects know, for readers beside the request path: the status page and OpenRouter's listing of endpoints.

import type { EndpointNumbers, HealthTarget } from '../routing/health.ts'
import type { Env } from './env.ts'
import { objectName } from './health-board.ts'
import type { ModelNumbers } from './health-object.ts'

const UNKNOWN: EndpointNumbers = {
  status: 0,
  uptime_last_5m: null,
  uptime_last_30m: null,
  uptime_last_1d: null,
  latency_last_30m: null,
  throughput_last_30m: null,
}

const PATIENCE_MS = 2000

/** `numbers` `undefined`: nothing is known of it. 0 is well, −1 asked to be left alone or is being tried, −2 is left out. */
export function endpointNumbers(numbers: ModelNumbers | undefined): EndpointNumbers {
  if (numbers === undefined) return UNKNOWN
  const { state, isParked, fiveMinutes, halfHour, dayUptime } = numbers
  return {
    status: state === 'open' ? -2 : state === 'half-open' || isParked ? -1 : 0,
    uptime_last_5m: percent(fiveMinutes.uptime),
    uptime_last_30m: percent(halfHour.uptime),
    uptime_last_1d: percent(dayUptime),
    latency_last_30m: halfHour.firstContentMs,
    throughput_last_30m: halfHour.tokensPerSecond,
  }
}

/** Of one target. Never fails: an object that is away knows nothing. */
export async function healthNumbers(env: Env, { provider, region, model, credential }: HealthTarget): Promise<EndpointNumbers> {
  const [numbers] = (await askNumbers(env, provider, region, { model, credential })) ?? []
  return endpointNumbers(numbers)
}

/** `null`: the object is away, or takes longer than two seconds. */
export async function askNumbers(
  env: Env,
  provider: string,
  region: string | null,
  asked: { readonly model?: string; readonly credential?: string | null } = {},
): Promise<readonly ModelNumbers[] | null> {
  let timer: number | null = null
  const patience = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PATIENCE_MS)
  })
  try {
    const object = env.HEALTH.getByName(objectName(provider, region)) as unknown as Asked
    return await Promise.race([object.numbers(asked), patience])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}

type Asked = { numbers(asked: { readonly model?: string; readonly credential?: string | null }): Promise<readonly ModelNumbers[]> }

function percent(share: number | null): number | null {
  return share === null ? null : Number((share * 100).toFixed(2))
}
