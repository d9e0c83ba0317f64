import type { Path } from '../../core/json-splice.ts'
import { NO_WISHES, type Wishes } from '../wishes.ts'
export function readWishes(body: { member(path: Path): string | null }, _headers: Headers, _mount: 'openrouter' | 'plain'): Wishes {
  const names = ['models', 'fallbacks', 'provider', 'timeout', 'num_retries', 'route', 'session_id']
  const there = names.filter((name) => body.member([name]) !== null)
  if (there.length === 0) return NO_WISHES
  const at = (name: string): unknown => JSON.parse(body.member([name]) ?? 'null')
  const models = (at('models') ?? []) as string[]
  const provider = at('provider') as { order?: string[]; only?: string[]; ignore?: string[]; allow_fallbacks?: boolean } | null
  const timeout = at('timeout') as number | null
  const model = at('model') === null ? (models[0] ?? null) : null
  return {
    ...NO_WISHES,
    model,
    fallbacks: [
      ...models
        .filter((one) => one !== at('model') && one !== model)
        .map((one) => ({ model: one, on: ['outage', 'context', 'content'] as const })),
      ...((at('fallbacks') ?? []) as string[]).map((one) => ({ model: one, on: ['outage'] as const })),
    ],
    retries: at('num_retries') as number | null,
    deadlineMs: timeout === null ? null : timeout * 1000,
    provider:
      provider === null
        ? null
        : {
            order: provider.order ?? null,
            only: provider.only ?? null,
            ignore: provider.ignore ?? [],
            allowFallbacks: provider.allow_fallbacks !== false,
            requireParameters: false,
            denyCollection: false,
            zdr: false,
            distillable: false,
            quantizations: null,
            sort: null,
            partition: 'model',
            maxPrice: {},
            maxLatencyMs: null,
            minThroughput: null,
          },
    removed: there.map((name) => [name] as const),
  }
}
