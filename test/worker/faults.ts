// The Worker over bindings that fail on demand: before an operation is done, or after it, when only its answer is lost.

import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { app } from '../../src/app.ts'
import type { Env } from '../../src/platform/env.ts'
import { bindings } from './bindings.ts'

type Operation = { readonly binding: string; readonly name: string }
/** Before the operation, and after it: what they throw fails it, and it waits for `before`. */
export type Watch = { before(operation: Operation): void | Promise<void>; after(operation: Operation): void }

type Callable = (...given: unknown[]) => unknown

/** Every operation on the database and on the objects of keys and budgets goes past `watch`. */
export function watchedEnv(watch: Watch): Env {
  const done = async (binding: string, name: string, work: () => unknown): Promise<unknown> => {
    await watch.before({ binding, name })
    const answer = await work()
    watch.after({ binding, name })
    return answer
  }
  const wrap = (binding: string, target: object, ends: (name: string) => boolean): object =>
    new Proxy(target, {
      get(_, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function' || typeof name !== 'string') return member
        const call = (...given: unknown[]): unknown => Reflect.apply(member as Callable, target, given.map(unwrap))
        if (ends(name)) return (...given: unknown[]) => done(binding, name, () => call(...given))
        return (...given: unknown[]) => {
          const answer = call(...given)
          return typeof answer === 'object' && answer !== null ? wrapped(wrap(binding, answer, ends), answer) : answer
        }
      },
    })
  const objects = (binding: string, namespace: object): object => ({
    getByName: (id: string) => {
      const stub = Reflect.apply(Reflect.get(namespace, 'getByName') as Callable, namespace, [id]) as object
      return new Proxy(stub, {
        get: (_, name) => (...given: unknown[]) => done(binding, String(name), () => Reflect.apply(Reflect.get(stub, name) as Callable, stub, given)), // prettier-ignore
      })
    },
  })
  return {
    ...(env as unknown as Env),
    DB: wrap('DB', bindings.DB, (name) => ['run', 'first', 'all', 'raw', 'batch', 'exec'].includes(name)),
    KEYS: objects('KEYS', bindings.KEYS),
    BUDGETS: objects('BUDGETS', bindings.BUDGETS),
  } as unknown as Env
}

/** D1 wants its own statements back in a batch. */
const originals = new WeakMap<object, object>()
function wrapped(proxy: object, target: object): object {
  originals.set(proxy, target)
  return proxy
}
function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap)
  return typeof value === 'object' && value !== null ? (originals.get(value) ?? value) : value
}

/** Calls the Worker with these bindings. */
export async function callWith(
  over: Env,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Response> {
  const context = createExecutionContext()
  const request = new Request(`http://sluice.test${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const response = await app.fetch(request, over, context)
  const whole = new Response(await response.arrayBuffer(), response)
  await waitOnExecutionContext(context)
  return whole
}
