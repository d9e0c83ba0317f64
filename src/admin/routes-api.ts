// The route table under `/api/v1/routes`, for the admin key only: look at it, change it, its versions, what changed, and back. Its JSON
// Schema is for everybody.

import { Hono } from 'hono'
import * as z from 'zod'
import { GatewayError } from '../core/errors.ts'
import type { Env } from '../platform/env.ts'
import { checkRoutes } from '../platform/routes-check.ts'
import { routesObject, type Version, type VersionInfo, type Written } from '../platform/routes-object.ts'
import { useRoutes } from '../platform/routes.ts'
import { compileRoutes } from '../routing/compile.ts'
import { documentChanges } from '../routing/document-diff.ts'
import { MOST_BYTES, routeJsonSchema, type RouteDocument } from '../routing/document-shape.ts'
import { isObject } from '../routing/members.ts'
import { check } from './key-input.ts'

export const routesApi = new Hono<{ Bindings: Env }>()

/** `GET /api/v1/routes/schema`, mounted before the admin key is asked for. */
export const routesSchema = new Hono<{ Bindings: Env }>()
routesSchema.get('/api/v1/routes/schema', (c) =>
  c.json(routeJsonSchema(), 200, { 'content-type': 'application/schema+json', 'cache-control': 'public, max-age=3600' }),
)

/** What `GET` answers beside the document: whoever sends all of that back means the document. */
const BESIDE: readonly string[] = ['data', 'version', 'updated_at', 'updated_by', 'rejected']

const rollbackShape = z.strictObject({ version: z.int().min(1) })

routesApi.get('/', async (c) => {
  const { newest, rejected } = await routesObject(c.env).status()
  c.header('etag', `"${newest?.version ?? 0}"`)
  return c.json({
    ...(newest === null ? { data: {}, version: 0, updated_at: null, updated_by: null } : told(newest)),
    ...(rejected === null ? {} : { rejected: { at: new Date(rejected.at).toISOString(), errors: rejected.errors } }),
  })
})

routesApi.put('/', async (c) => {
  const body = await readBody(c.req.raw)
  const value = isObject(body) && isObject(body['data']) && Object.keys(body).every((name) => BESIDE.includes(name)) ? body['data'] : body
  const checked = checkRoutes(value)
  if (checked.kind === 'bad') {
    const [first] = checked.errors
    const more = checked.errors.length - 1
    throw new GatewayError(
      'request-malformed',
      `${first?.path === '' ? 'The document' : first?.path} ${first?.message}${more === 0 ? '.' : `, and ${more} more: see error.metadata.errors.`}`,
      { at: first?.path ?? '', errors: checked.errors },
    )
  }
  if (c.req.query('dry_run') === 'true') return c.json({ data: value, dry_run: true })
  return c.json(taken(await routesObject(c.env).write(JSON.stringify(value), 'api', ifMatch(c.req.raw))))
})

routesApi.get('/versions', async (c) => c.json({ data: (await routesObject(c.env).list()).map(infoTold) }))

routesApi.get('/versions/:n', async (c) => c.json(told(await must(c.env, c.req.param('n'), 'version'))))

routesApi.get('/diff', async (c) => {
  const from = await must(c.env, c.req.query('from'), 'from')
  const to = await must(c.env, c.req.query('to'), 'to')
  return c.json({ data: documentChanges(documentOf(from), documentOf(to)), from: from.version, to: to.version })
})

routesApi.post('/rollback', async (c) => {
  const { version } = check(rollbackShape, await readBody(c.req.raw))
  return c.json(taken(await routesObject(c.env).rollback(version, ifMatch(c.req.raw))))
})

/** What was written counts in this isolate at once; others follow within two seconds. */
function taken(written: Written): { readonly [name: string]: unknown } {
  switch (written.kind) {
    case 'written': {
      useRoutes(compileRoutes(written.version.version, documentOf(written.version)), Date.now())
      return told(written.version)
    }
    case 'changed':
      throw new GatewayError(
        'record-changed',
        `The routes are at version ${written.version} now. Look at them and repeat the change with \`If-Match: "${written.version}"\`.`,
      )
    case 'unknown':
      throw new GatewayError('record-unknown', 'There is no such version; the last hundred are kept.')
    default:
      written satisfies never
      throw new GatewayError('gateway-bug', 'The routes object answered what it never answers.')
  }
}

async function must(env: Env, text: string | undefined, at: string): Promise<Version> {
  if (text === undefined || !/^[1-9]\d{0,14}$/.test(text))
    throw new GatewayError('request-malformed', `${at}: must be the number of a version.`, { at })
  const found = await routesObject(env).read(Number(text))
  if (found === null) throw new GatewayError('record-unknown', `${at}: there is no version ${text}; the last hundred are kept.`, { at })
  return found
}

function told(version: Version): { readonly [name: string]: unknown } {
  const { bytes: _, ...info } = infoTold(version)
  return { data: documentOf(version), ...info }
}

function infoTold({ version, writtenAt, writtenBy, bytes }: VersionInfo): { readonly bytes: number; readonly [name: string]: unknown } {
  return { version, updated_at: new Date(writtenAt).toISOString(), updated_by: writtenBy, bytes }
}

/** It was checked when it was written. */
function documentOf({ document }: Version): RouteDocument {
  return JSON.parse(document) as RouteDocument
}

/** `null`: whatever version there is. @throws GatewayError `request-malformed` */
function ifMatch(request: Request): number | null {
  const said = request.headers.get('if-match')?.trim()
  if (said === undefined || said === '*') return null
  const number = /^(?:W\/)?"?(\d{1,15})"?$/.exec(said)?.[1]
  if (number === undefined)
    throw new GatewayError('request-malformed', 'If-Match: must be the version that `GET /api/v1/routes` told, such as "3".')
  return Number(number)
}

async function readBody(request: Request): Promise<unknown> {
  if (Number(request.headers.get('content-length') ?? 0) > MOST_BYTES) throw tooLarge()
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength > MOST_BYTES) throw tooLarge()
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)) as unknown
  } catch (cause) {
    throw new GatewayError('request-malformed', 'The body is not valid JSON.', { cause })
  }
}

function tooLarge(): GatewayError {
  return new GatewayError('body-too-large', `A route document is at most ${MOST_BYTES} bytes.`)
}
