// What the operator says: the environment over .dev.vars in the current folder. Empty values count as not said.

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { declaredId } from '../../src/providers/declared.ts'

export type Said = { readonly [name: string]: string }

/** For a deployment, where what is said leaves this machine: of the environment, AWS's and Google Cloud's own names and those that could declare a place count only when .dev.vars has them. */
export function saidSettings(): Said {
  const file = devVars()
  const around = Object.entries(environment()).filter(
    ([name]) => Object.hasOwn(file, name) || !(/^(?:AWS|GOOGLE_APPLICATION)_/.test(name) || declaredId(name) !== null),
  )
  return { ...file, ...Object.fromEntries(around) }
}

export function environment(): Said {
  return filled(process.env)
}

/** The names and values of .dev.vars alone; none when there is no such file. */
export function devVars(file = resolve('.dev.vars')): Said {
  return existsSync(file) ? filled(parseEnv(readFileSync(file, 'utf8'))) : {}
}

function filled(values: { readonly [name: string]: string | undefined }): Said {
  return Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1].trim() !== ''),
  )
}
