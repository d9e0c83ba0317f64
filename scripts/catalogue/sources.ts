// Owns the four source files of scripts/catalogue/sources: which is which, of what day, and how the copies are trimmed from the originals.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listAt, objectAt, readExact, reprint, textAt, type Json, type JsonObject } from './exact-json.ts'
import { PLACES } from './places.ts'

export type Source = { readonly label: string; readonly date: string; readonly document: Json }
export type Sources = {
  readonly litellm: Source
  readonly genai: Source
  readonly modelsDev: Source
  readonly openRouter: Source
  /** The day as of which announced price changes count: written down, so that the same sources always give the same data. */
  readonly asOf: string
}

const KINDS = {
  litellm: { label: 'litellm', pattern: /^litellm-(\d{4}-\d{2}-\d{2})\.json$/, trim: trimLitellm },
  genai: { label: 'genai-prices', pattern: /^genai-prices-v2-(\d{4}-\d{2}-\d{2})\.json$/, trim: trimGenai },
  modelsDev: { label: 'models.dev', pattern: /^modelsdev-(\d{4}-\d{2}-\d{2})\.json$/, trim: trimModelsDev },
  openRouter: { label: 'openrouter', pattern: /^openrouter-models-(\d{4}-\d{2}-\d{2})\.json$/, trim: trimOpenRouter },
} as const
type Kind = keyof typeof KINDS

export function readSources(folder: string): Sources {
  const read = (kind: Kind): Source => {
    const { file, date } = find(folder, kind)
    return { label: `${KINDS[kind].label} ${date}`, date, document: readExact(readFileSync(join(folder, file), 'utf8')) }
  }
  const asOf = readFileSync(join(folder, 'as-of.txt'), 'utf8').trim()
  if (!/^\d{4}-\d{2}-\d{2}$/.test(asOf))
    throw new Error(`${join(folder, 'as-of.txt')} holds a date, YYYY-MM-DD, not ${JSON.stringify(asOf)}`)
  return { litellm: read('litellm'), genai: read('genai'), modelsDev: read('modelsDev'), openRouter: read('openRouter'), asOf }
}

/** Replaces the copies in `to` by trimmed ones of the originals in `from`, and the as-of day by `asOf`. A kind of which `from` has no file stays as it is. */
export function copySources(from: string, to: string, asOf: string): void {
  for (const kind of ['litellm', 'genai', 'modelsDev', 'openRouter'] as const) {
    const { pattern, trim } = KINDS[kind]
    if (!readdirSync(from).some((file) => pattern.test(file))) continue
    const { file } = find(from, kind)
    const text = reprint(readFileSync(join(from, file), 'utf8'), trim)
    for (const old of readdirSync(to)) if (pattern.test(old)) rmSync(join(to, old))
    writeFileSync(join(to, file), text)
  }
  writeFileSync(join(to, 'as-of.txt'), `${asOf}\n`)
}

/** The newest file of a kind. */
function find(folder: string, kind: Kind): { readonly file: string; readonly date: string } {
  const { pattern, label } = KINDS[kind]
  const file = readdirSync(folder)
    .filter((name) => pattern.test(name))
    .toSorted()
    .at(-1)
  const date = file && pattern.exec(file)?.[1]
  if (!file || !date) throw new Error(`${folder} has no file of ${label} (${pattern.source})`)
  return { file, date }
}

function trimLitellm(document: JsonObject): Json {
  const ours = new Set(Object.values(PLACES).flatMap((place) => place.litellm?.providers ?? []))
  const kept = Object.entries(document).filter(([, row]) => ours.has(textAt(objectAt(row)['litellm_provider']) ?? ''))
  return Object.fromEntries(
    kept.map(([key, row]) => [key, without(objectAt(row), ['source', 'metadata', 'comment', 'supported_regions', 'rpm', 'tpm'])]),
  )
}

function trimGenai(document: Json): Json {
  const ours = new Set(Object.values(PLACES).map((place) => place.genai))
  return listAt(document)
    .map(objectAt)
    .filter((row) => ours.has(textAt(row['id'])))
    .map((row) => ({
      ...without(row, ['extractors']),
      models: listAt(row['models']).map((model) => without(objectAt(model), ['description'])),
    }))
}

function trimModelsDev(document: JsonObject): Json {
  const ours = new Set(Object.values(PLACES).flatMap((place) => place.modelsDev ?? []))
  const trim = (row: Json) =>
    without(objectAt(row), ['benchmarks', 'reasoning_options', 'weights', 'links', 'interleaved', 'provider', 'experimental'])
  return Object.fromEntries(
    Object.entries(document)
      .filter(([provider]) => ours.has(provider))
      .map(([provider, models]) => [provider, Object.fromEntries(Object.entries(objectAt(models)).map(([id, row]) => [id, trim(row)]))]),
  )
}

function trimOpenRouter(document: JsonObject): Json {
  const trim = (row: Json) =>
    without(objectAt(row), [
      'description',
      'benchmarks',
      'default_parameters',
      'supported_voices',
      'links',
      'per_request_limits',
      'reasoning',
    ])
  return { data: listAt(document['data']).map(trim) }
}

function without(row: JsonObject, members: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(row).filter(([key]) => !members.includes(key)))
}
