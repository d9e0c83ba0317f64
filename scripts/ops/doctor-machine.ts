// What can be told without asking the gateway: Node, the configuration file, and the settings in .dev.vars and the environment.

import { badSettings } from '../../src/admin/doctor-report.ts'
import { secretsOf } from '../../src/providers/configured.ts'
import { declaringSettings } from '../../src/providers/declared.ts'
import { PROVIDERS } from '../../src/providers/index.ts'
import { bad, good, note, type Line } from './doctor-line.ts'
import { isKnown, isSurelyMeant, meantBy } from './known-settings.ts'
import type { Said } from './said-settings.ts'
import { NO_DATABASE, NO_NAMESPACE, readConfig } from './worker-config.ts'

const LEAST_NODE = 24

export function nodeLine(version: string): Line {
  const major = Number(version.replace(/^v/, '').split('.')[0])
  return major >= LEAST_NODE
    ? good(`Node ${version}`)
    : bad(
        `Node ${version} is older than ${LEAST_NODE}`,
        'Run it through npm (npm run doctor), which uses the Node of node_modules; npm install first.',
      )
}

/** `text` null: there is no such file. `remote`: the ids matter now. */
export function configLines(file: string, text: string | null, remote: boolean): readonly Line[] {
  if (text === null) return [bad(`${file} is missing`, `Run this in the folder of the checkout; git checkout -- ${file} brings it back.`)]
  const { database, namespaces, objects, objectMigrations, compatibilityFlags } = readConfig(text)
  const routes = namespaces.find((one) => one.binding === 'ROUTES')
  const keys = objects.find((one) => one.binding === 'KEYS')
  const wrong = [
    database === null ? bad(`${file}: no D1 database is bound as DB`, 'Add [[d1_databases]] binding = "DB", database_name = "sluice", migrations_dir = "migrations".') : null,
    routes === undefined ? bad(`${file}: no KV namespace is bound as ROUTES`, 'Add [[kv_namespaces]] binding = "ROUTES".') : null,
    keys?.className === 'KeyObject' ? null : bad(`${file}: no Durable Object of class KeyObject is bound as KEYS`, 'Add [[durable_objects.bindings]] name = "KEYS", class_name = "KeyObject".'),
    objectMigrations.some(({ tag, classes }) => tag !== '' && classes.includes('KeyObject')) ? null : bad(`${file}: no migration makes the class KeyObject`, 'Add [[migrations]] tag = "v1", new_sqlite_classes = ["KeyObject"].'),
    compatibilityFlags.includes('enable_request_signal') ? null : bad(`${file}: the compatibility flag enable_request_signal is missing`, 'Without it, an answer goes on (and costs) after its client has gone. Add it to compatibility_flags.'),
  ].filter((line) => line !== null) // prettier-ignore
  const unmade = [
    ...(database?.id === NO_DATABASE ? ['the D1 database'] : []),
    ...(routes?.id === NO_NAMESPACE ? ['the KV namespace'] : []),
  ]
  const ids = `${file}: ${unmade.join(' and ')} ${unmade.length === 1 ? 'has no id' : 'have no ids'} yet`
  return [
    ...(wrong.length === 0 ? [good(`${file}: bindings, object migration and flags`)] : wrong),
    ...(unmade.length === 0
      ? []
      : [
          remote
            ? bad(ids, 'npm run deploy makes them and writes the ids.')
            : note(`${ids}: not deployed from this checkout`, 'npm run deploy makes them. Not needed for npm start.'),
        ]),
  ]
}

/** `vars`: those of the configuration file, which only a deployed Worker has. */
export function settingLines(devVars: Said, environment: Said, vars: Said): readonly Line[] {
  const said: Said = { ...vars, ...devVars, ...environment }
  // Where an address belongs, a key may have been pasted: it is not shown.
  const shown = (name: string): string => (name.endsWith('_BASE_URL') ? '' : `, not ${JSON.stringify(said[name])}`)
  const values = badSettings((name) => said[name]?.trim() ?? null, Object.keys(said)).map(({ name, wanted }) =>
    bad(`${name} must be ${wanted}${shown(name)}`, 'Until then the default holds, or the provider cannot be reached.'),
  )
  const declared = new Set(declaringSettings(Object.keys(said), (name) => said[name]?.trim() || null))
  const isRead = (name: string): boolean => isKnown(name) || declared.has(name)
  const unknown = Object.keys(devVars).filter((name) => !isRead(name)).map((name) => unknownLine(name, '.dev.vars', said)) // prettier-ignore
  const similar = Object.keys(environment).filter((name) => !isRead(name) && !Object.hasOwn(devVars, name) && isSurelyMeant(name)).map((name) => unknownLine(name, 'the environment', said)) // prettier-ignore
  const found = [
    ...values,
    ...unknown,
    ...similar,
    ...credentialLines(said, declared),
    ...addressLines(said, declared),
    ...slipLines(declared),
  ]
  return found.length === 0 ? [good('settings: every value can be used')] : found
}

function unknownLine(name: string, where: string, said: Said): Line {
  const meant = meantBy(name)
  if (meant === null) return note(`${name} in ${where} is no setting of Sluice`)
  if (said[meant] !== undefined) return note(`${name} in ${where} is not read; ${meant} is set and counts`)
  return where === '.dev.vars'
    ? bad(`${name} in ${where} is no setting of Sluice`, `Did you mean ${meant}?`)
    : note(`${name} in ${where} is not read`, `Sluice takes it as ${meant}.`)
}

/** A key with white space, quotes or an example's words in it is none. Its value is never shown. */
function credentialLines(said: Said, declared: ReadonlySet<string>): readonly Line[] {
  const keys = [...declared].filter((name) => name.endsWith('_API_KEY'))
  const names = new Set([...PROVIDERS.flatMap(secretsOf), ...keys])
  return [...names].flatMap((name) => {
    const value = said[name]?.trim() ?? ''
    if (/\s|^["']|["']$/.test(value)) return [bad(`${name} has white space or quotes in it`, 'Copy the key again, without them.')]
    return /^(your|<|xxx|\.\.\.|sk-\.\.\.|change)|…$|^sk-x+$/i.test(value)
      ? [bad(`${name} looks like an example, not like a key`, 'Put the real key there, or take the line out.')]
      : []
  })
}

/** A place may be declared by any name, so a slip in a known one declares a place, too. */
function slipLines(declared: ReadonlySet<string>): readonly Line[] {
  return [...declared].flatMap((name) => {
    const meant = name.endsWith('_BASE_URL') ? meantBy(name) : null
    return meant === null ? [] : [note(`${name} declares a provider of its own`, `Did you mean ${meant}?`)]
  })
}

function addressLines(said: Said, declared: ReadonlySet<string>): readonly Line[] {
  return [...PROVIDERS.map(({ baseUrlSetting }) => baseUrlSetting), ...declared].flatMap((name) => {
    const tail = /\/(chat\/completions|messages|responses)\/?$/.exec(said[name] ?? '')?.[0]
    return tail === undefined
      ? []
      : [bad(`${name} ends in ${tail}`, 'It is the base URL that the provider’s SDK takes: leave that end out.')]
  })
}
