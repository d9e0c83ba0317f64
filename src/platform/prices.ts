// The operator's own prices: every version in D1, the newest copied to KV, from where each isolate reads it. D1 has the history that rows
// point to and decides between two who write; KV is near everywhere and goes on when D1 is away.

import type { PriceBook } from '../catalogue/price-book.ts'
import { priceBook } from '../catalogue/price-document.ts'
import { GatewayError } from '../core/errors.ts'
import type { Env } from './env.ts'

const KEY = 'prices/current'
/** What an isolate has read is used for so long before it is looked at again. */
const FRESH_MS = 30_000

/** A document of a version; `createdAt` in milliseconds. */
export type PriceVersion = { readonly version: number; readonly createdAt: number; readonly document: unknown }

type Stored = { readonly version: number; readonly created_at: number; readonly document: string }

/** What this isolate last read. Data, never a promise. */
let known: { readonly book: PriceBook | null; readonly readAt: number } | null = null

/**
 * The book that counts now. A store that is away, or a document that cannot be read, leaves the last good one in force.
 * @throws GatewayError `gateway-unavailable` when this isolate has none and neither KV nor D1 can say: a request may not be priced by guess
 */
export async function readPrices(env: Env, later: (work: Promise<unknown>) => void): Promise<PriceBook | null> {
  if (known === null) await refresh(env)
  else if (Date.now() - known.readAt > FRESH_MS) {
    known = { ...known, readAt: Date.now() } // one request refreshes, the others go on
    later(refresh(env))
  }
  return known?.book ?? null
}

/** What counts in this isolate from now on; an older one never replaces a newer one. */
export function usePrices(book: PriceBook | null): void {
  const before = known?.book ?? null
  known = { book: before !== null && (book === null || book.version < before.version) ? before : book, readAt: Date.now() }
}

/** Forgets what this isolate has read. */
export function forgetPrices(): void {
  known = null
}

async function refresh(env: Env): Promise<void> {
  try {
    const text = await env.ROUTES.get(KEY)
    usePrices(text === null ? null : readCopy(text))
    return
  } catch (cause) {
    complain(`KV (${KEY})`, cause)
  }
  if (known !== null) return
  try {
    const newest = await newestPrices(env.DB)
    usePrices(newest === null ? null : priceBook(newest.version, newest.document))
  } catch (cause) {
    complain('D1', cause)
    throw new GatewayError('gateway-unavailable', 'The prices of this gateway cannot be read just now. Nothing was sent; try again.', {
      cause,
      retryAfterMs: 1000,
    })
  }
}

function complain(where: string, cause: unknown): void {
  const why = cause instanceof Error ? cause.message.slice(0, 500) : 'unknown'
  console.log(JSON.stringify({ level: 'error', message: `The operator's prices in ${where} cannot be used: ${why}` }))
}

function readCopy(text: string): PriceBook {
  const { version, document } = JSON.parse(text) as { readonly version: number; readonly document: unknown } // as we wrote it; the document is checked
  return priceBook(version, document)
}

/** From the primary. `null`: there was never one. */
export async function newestPrices(db: D1Database): Promise<PriceVersion | null> {
  const stored = await db
    .withSession('first-primary')
    .prepare('SELECT version, created_at, document FROM prices ORDER BY version DESC LIMIT 1')
    .first<Stored>()
  return stored === null ? null : fromStored(stored)
}

/** `null`: there was none of this version. */
export async function pricesOfVersion(db: D1Database, version: number): Promise<PriceVersion | null> {
  const stored = await db.prepare('SELECT version, created_at, document FROM prices WHERE version = ?1').bind(version).first<Stored>()
  return stored === null ? null : fromStored(stored)
}

/**
 * Makes a document, checked before, the newest: in D1, then in KV, then in this isolate; others follow within about a minute and a half.
 * @throws GatewayError `gateway-unavailable` when it is half done, or somebody else has written meanwhile: repeat it
 */
export async function writePrices(env: Env, document: unknown, now: number): Promise<PriceVersion> {
  const version = ((await newestPrices(env.DB))?.version ?? 0) + 1
  const written = await env.DB.prepare(
    'INSERT INTO prices (version, created_at, document) VALUES (?1, ?2, ?3) ON CONFLICT (version) DO NOTHING',
  )
    .bind(version, now, JSON.stringify(document))
    .run()
  if (written.meta.changes === 0)
    throw new GatewayError(
      'gateway-unavailable',
      'The prices were changed by somebody else meanwhile. Look at them and repeat the change.',
      {
        retryAfterMs: 1000,
      },
    )
  await env.ROUTES.put(KEY, JSON.stringify({ version, document }))
  usePrices(priceBook(version, document))
  return { version, createdAt: now, document }
}

function fromStored({ version, created_at: createdAt, document }: Stored): PriceVersion {
  return { version, createdAt, document: JSON.parse(document) as unknown }
}
