// wrangler.toml as the operator's scripts read and edit it: by lines, so that comments and order stay. Not a TOML reader for any file:
// it knows tables, strings, booleans and one-line lists, which is what this file has.

export const NO_DATABASE = '00000000-0000-0000-0000-000000000000'
export const NO_NAMESPACE = '0'.repeat(32)

export type WorkerConfig = {
  readonly name: string
  readonly accountId: string | null
  readonly compatibilityFlags: readonly string[]
  readonly database: { readonly binding: string; readonly name: string; readonly id: string; readonly migrations: string } | null
  readonly namespaces: readonly { readonly binding: string; readonly id: string }[]
  readonly objects: readonly { readonly binding: string; readonly className: string }[]
  readonly objectMigrations: readonly { readonly tag: string; readonly classes: readonly string[] }[]
  readonly crons: readonly string[]
  readonly vars: { readonly [name: string]: string }
}

type Entry = { readonly table: string; readonly nth: number; readonly key: string; readonly value: string; readonly line: number }

export function readConfig(text: string): WorkerConfig {
  const entries = entriesOf(text)
  const tables = (name: string): readonly ReadonlyMap<string, string>[] => {
    const found = new Map<number, Map<string, string>>()
    for (const { table, nth, key, value } of entries)
      if (table === name) found.set(nth, (found.get(nth) ?? new Map<string, string>()).set(key, value))
    return [...found.values()]
  }
  const top = tables('')[0] ?? new Map<string, string>()
  const database = tables('d1_databases').find((one) => textOf(one.get('binding')) === 'DB')
  const vars: { [name: string]: string } = {}
  for (const [key, value] of tables('vars')[0] ?? []) vars[key] = textOf(value) ?? value
  return {
    name: textOf(top.get('name')) ?? 'sluice',
    accountId: textOf(top.get('account_id')),
    compatibilityFlags: listOf(top.get('compatibility_flags')),
    database:
      database === undefined
        ? null
        : {
            binding: 'DB',
            name: textOf(database.get('database_name')) ?? 'sluice',
            id: textOf(database.get('database_id')) ?? NO_DATABASE,
            migrations: textOf(database.get('migrations_dir')) ?? 'migrations',
          },
    namespaces: tables('kv_namespaces').map((one) => ({
      binding: textOf(one.get('binding')) ?? '',
      id: textOf(one.get('id')) ?? NO_NAMESPACE,
    })),
    objects: tables('durable_objects.bindings').map((one) => ({
      binding: textOf(one.get('name')) ?? '',
      className: textOf(one.get('class_name')) ?? '',
    })),
    objectMigrations: tables('migrations').map((one) => ({
      tag: textOf(one.get('tag')) ?? '',
      classes: listOf(one.get('new_sqlite_classes')),
    })),
    crons: listOf(tables('triggers')[0]?.get('crons')),
    vars,
  }
}

/** The same text with the ids put in. @throws Error when a table is missing */
export function withIds(text: string, ids: { readonly database?: string; readonly namespace?: string }): string {
  let edited = text
  if (ids.database !== undefined) edited = put(edited, { table: 'd1_databases', binding: 'DB', key: 'database_id', value: ids.database })
  if (ids.namespace !== undefined) edited = put(edited, { table: 'kv_namespaces', binding: 'ROUTES', key: 'id', value: ids.namespace })
  return edited
}

/** The configuration of another Worker: its own name and database, nothing made yet. */
export function forWorker(text: string, name: string): string {
  const bare = withIds(text, { database: NO_DATABASE, namespace: NO_NAMESPACE })
  const named = put(bare, { table: '', binding: null, key: 'name', value: name })
  return put(named, { table: 'd1_databases', binding: 'DB', key: 'database_name', value: name })
}

/** What a later wrangler.toml has that this configuration lacks, in words: bindings, cron triggers, object migrations, flags. */
export function lacking(config: WorkerConfig, model: WorkerConfig): readonly string[] {
  const has = (names: readonly string[], name: string): boolean => names.includes(name)
  return [
    ...model.compatibilityFlags.filter((flag) => !has(config.compatibilityFlags, flag)).map((flag) => `compatibility flag ${flag}`),
    ...(config.database === null && model.database !== null ? ['D1 binding DB'] : []),
    ...model.namespaces.filter((one) => !has(config.namespaces.map((n) => n.binding), one.binding)).map((one) => `KV binding ${one.binding}`),
    ...model.objects.filter((one) => !has(config.objects.map((o) => o.binding), one.binding)).map((one) => `Durable Object binding ${one.binding}`),
    ...(config.crons.length === 0 && model.crons.length > 0 ? ['[triggers] crons'] : []),
    ...model.objectMigrations.filter((one) => !has(config.objectMigrations.map((m) => m.tag), one.tag)).map((one) => `object migration ${one.tag}`),
  ] // prettier-ignore
}

function put(
  text: string,
  at: { readonly table: string; readonly binding: string | null; readonly key: string; readonly value: string },
): string {
  const entries = entriesOf(text)
  const owner = entries.find(
    (e) => e.table === at.table && (at.binding === null || (e.key === 'binding' && textOf(e.value) === at.binding)),
  )
  if (owner === undefined)
    throw new Error(`wrangler.toml has no ${at.table === '' ? at.key : `[[${at.table}]] with binding = "${at.binding}"`}.`)
  const lines = text.split('\n')
  const said = entries.find((e) => e.table === at.table && e.nth === owner.nth && e.key === at.key)
  const setting = `${at.key} = ${JSON.stringify(at.value)}`
  if (said === undefined) lines.splice(owner.line + 1, 0, setting)
  // The line may have a comment behind the value: only the value is replaced.
  else lines[said.line] = (lines[said.line] ?? '').replace(said.value, () => JSON.stringify(at.value))
  return lines.join('\n')
}

function entriesOf(text: string): readonly Entry[] {
  const entries: Entry[] = []
  const counts = new Map<string, number>()
  let table = ''
  for (const [line, written] of text.split('\n').entries()) {
    const header = /^\s*\[\[?\s*([\w.-]+)\s*\]\]?\s*(?:#.*)?$/.exec(written)?.[1]
    if (header !== undefined) {
      table = header
      counts.set(table, (counts.get(table) ?? -1) + 1)
      continue
    }
    const pair = /^\s*([\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|\[[^\]]*\]|[^#\s]+)/.exec(written)
    if (pair?.[1] !== undefined && pair[2] !== undefined)
      entries.push({ table, nth: counts.get(table) ?? 0, key: pair[1], value: pair[2], line })
  }
  return entries
}

function textOf(value: string | undefined): string | null {
  const quoted = value === undefined ? null : /^(["'])(.*)\1$/.exec(value)
  return quoted?.[2] ?? null
}

function listOf(value: string | undefined): readonly string[] {
  return [...(value ?? '').matchAll(/"([^"]*)"|'([^']*)'/g)].map((match) => match[1] ?? match[2] ?? '')
}
