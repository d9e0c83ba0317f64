// A caller of a gateway's control plane (`/api/v1`), with words for whoever runs a script when it does not answer.

export type KeyRow = {
  readonly hash: string
  readonly name: string
  readonly label: string
  readonly disabled: boolean
  readonly limit: number | null
  readonly limit_remaining: number | null
  readonly limit_reset: string | null
  readonly usage: number
  readonly created_at: string | null
  readonly expires_at: string | null
}

/** `status` 0: nobody answered. `refused`: whether this was the admin key's fault. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

export type Control = {
  readonly base: string
  list(): Promise<readonly KeyRow[]>
  /** The key's text is told here and never again. */
  create(settings: object): Promise<{ readonly row: KeyRow; readonly key: string }>
  change(hash: string, settings: object): Promise<KeyRow>
  rotate(hash: string, graceSeconds: number): Promise<{ readonly row: KeyRow; readonly key: string }>
  remove(hash: string): Promise<void>
  /** Any other path below `/api/v1`. */
  read(path: string): Promise<unknown>
}

const TIMEOUT_MS = 30_000
const PAGE = 100

export function controlOf(base: string, adminKey: string): Control {
  const call = async (method: string, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error', // the admin key goes to nobody else
    }).catch((cause: unknown) => {
      throw new ControlError(0, `Nobody answers at ${base}: ${reasonOf(cause)}.`, { cause })
    })
    const text = await response.text()
    const answer = parsed(text)
    if (!response.ok)
      throw new ControlError(response.status, answer?.error?.message ?? `${base} answered ${response.status}: ${text.slice(0, 200)}`)
    if (answer === null) throw new ControlError(response.status, `${base} does not answer as Sluice does. Is this the right address?`)
    return answer
  }
  const at = (hash: string): string => `/keys/${encodeURIComponent(hash)}`
  return {
    base,
    async list() {
      const rows: KeyRow[] = []
      for (;;) {
        const page = rowsOf((await call('GET', `/keys?offset=${rows.length}`)).data)
        rows.push(...page)
        if (page.length < PAGE) return rows
      }
    },
    create: async (settings) => withKey(await call('POST', '/keys', settings)),
    change: async (hash, settings) => rowOf((await call('PATCH', at(hash), settings)).data),
    rotate: async (hash, graceSeconds) => withKey(await call('POST', `${at(hash)}/rotate`, { grace_seconds: graceSeconds })),
    async remove(hash) {
      await call('DELETE', at(hash))
    },
    read: async (path) => (await call('GET', path)).data,
  }
}

type Answer = { readonly data?: unknown; readonly key?: unknown; readonly error?: { readonly message?: string } }

function parsed(text: string): Answer | null {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}

function rowOf(value: unknown): KeyRow {
  if (typeof value === 'object' && value !== null && 'hash' in value && typeof value.hash === 'string') return value as KeyRow
  throw new ControlError(200, 'The answer holds no key. Is this a Sluice gateway of this version?')
}

function rowsOf(value: unknown): readonly KeyRow[] {
  if (!Array.isArray(value)) throw new ControlError(200, 'The answer holds no list of keys. Is this a Sluice gateway of this version?')
  return value.map(rowOf)
}

function withKey(answer: Answer): { readonly row: KeyRow; readonly key: string } {
  if (typeof answer.key !== 'string') throw new ControlError(200, 'The answer holds no key. Is this a Sluice gateway of this version?')
  return { row: rowOf(answer.data), key: answer.key }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'no connection'
  const inner = cause.cause instanceof Error ? cause.cause : cause
  return 'code' in inner && typeof inner.code === 'string' ? inner.code : inner.message
}
