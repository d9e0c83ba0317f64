// Portkey's queries over metadata, params and the path as conditions in CEL.

import { isObject } from '../members.ts'

const COMPARISONS: ReadonlyMap<string, string> = new Map([
  ['$eq', '=='],
  ['$ne', '!='],
  ['$gt', '>'],
  ['$gte', '>='],
  ['$lt', '<'],
  ['$lte', '<='],
])

/** `null`: it cannot be said. All members of a query must hold. */
export function portkeyCondition(query: unknown): string | null {
  if (!isObject(query)) return null
  const parts = Object.entries(query).map(([member, said]) => {
    if (member === '$and' || member === '$or') return several(said, member === '$and' ? ' && ' : ' || ')
    const variable = variableOf(member)
    return variable === null ? null : compared(variable, said)
  })
  return joined(parts, ' && ')
}

function several(said: unknown, between: string): string | null {
  return Array.isArray(said) ? joined(said.map(portkeyCondition), between) : null
}

function joined(parts: readonly (string | null)[], between: string): string | null {
  const known = parts.filter((part) => part !== null)
  if (known.length === 0 || known.length < parts.length) return null
  return known.length === 1 ? (known[0] ?? null) : `(${known.join(between)})`
}

function variableOf(member: string): string | null {
  if (member === 'url.pathname') return 'path'
  if (member === 'params.model') return 'model'
  const [map, ...rest] = member.split('.')
  if ((map !== 'metadata' && map !== 'params') || rest.length === 0) return null
  return `${map}${rest.map((step) => `[${JSON.stringify(step)}]`).join('')}`
}

function compared(variable: string, said: unknown): string | null {
  if (!isObject(said)) return literal(said, (value) => `${variable} == ${value}`)
  const parts = Object.entries(said).map(([operator, value]) => {
    const sign = COMPARISONS.get(operator)
    if (sign !== undefined) return literal(value, (text) => `${variable} ${sign} ${text}`)
    if (operator === '$regex') return typeof value === 'string' ? `${variable}.matches(${JSON.stringify(value)})` : null
    if (operator !== '$in' && operator !== '$nin') return null
    const values = Array.isArray(value) ? value.map((one) => literal(one, (text) => text)) : [null]
    if (values.includes(null)) return null
    const within = `${variable} in [${values.join(', ')}]`
    return operator === '$in' ? within : `!(${within})`
  })
  return joined(parts, ' && ')
}

function literal(value: unknown, write: (text: string) => string): string | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? write(JSON.stringify(value)) : null
}
