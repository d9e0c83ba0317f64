// Portkey's query language over a request, as a condition in CEL. A client's words become literals of the condition, never a part of its code.
// Source: Portkey's documentation, "Conditional routing".

import type { JsonValue } from '../../core/canonical.ts'
import { checkCondition } from '../conditions.ts'
import { expectList, isList, isObject, malformed, memberOf, unsupported } from './expecting.ts'

const DEEPEST = 8
const MOST_STEPS = 6
const COMPARISONS: ReadonlyMap<string, string> = new Map([
  ['$gt', '>'],
  ['$gte', '>='],
  ['$lt', '<'],
  ['$lte', '<='],
])

/**
 * A query as CEL over `metadata`, `params` and `path`. A member that is not there equals nothing: `$ne` and `$nin` hold for it, the rest does not.
 * @throws GatewayError `request-malformed`, `request-unsupported` for `$regex` and operators that are not Portkey's
 */
export function celOf(query: JsonValue, at: string, depth = 0): string {
  if (depth > DEEPEST) throw malformed(at, `nested at most ${DEEPEST} deep`)
  if (!isObject(query)) throw malformed(at, 'an object')
  return all(Object.entries(query).map(([name, value]) => clause(name, value, `${at}.${name.slice(0, 64)}`, depth)))
}

function clause(name: string, value: JsonValue, at: string, depth: number): string {
  if (name === '$and' || name === '$or') {
    const parts = expectList(value, at).map((one, i) => celOf(one, `${at}[${i}]`, depth + 1))
    if (parts.length === 0) throw malformed(at, 'an array with a query in it')
    return name === '$and' ? all(parts) : `(${parts.join(' || ')})`
  }
  if (name.startsWith('$')) throw unknownOperator(name, at)
  const field = fieldOf(name, at)
  if (!isObject(value)) return compared(field, '$eq', value, at)
  const parts = Object.entries(value).map(([operator, operand]) => compared(field, operator, operand, `${at}.${operator.slice(0, 64)}`))
  if (parts.length === 0) throw malformed(at, 'a value, or an object with an operator')
  return all(parts)
}

function all(parts: readonly string[]): string {
  return parts.length === 0 ? 'true' : `(${parts.join(' && ')})`
}

/** `there`: CEL that says whether the value is there at all. */
type Field = { readonly there: string; readonly value: string }

function fieldOf(name: string, at: string): Field {
  if (name === 'url.pathname') return { there: 'true', value: 'path' }
  const [root, ...steps] = name.split('.')
  if ((root !== 'metadata' && root !== 'params') || steps.length === 0 || steps.length > MOST_STEPS || steps.includes(''))
    throw malformed(at, 'a query over metadata.*, params.* or url.pathname')
  const there: string[] = []
  let value: string = root
  for (const step of steps) {
    const key = literal(step, at)
    there.push(`${key} in ${value}`)
    value += `[${key}]`
  }
  return { there: there.join(' && '), value }
}

function compared({ there, value }: Field, operator: string, operand: JsonValue, at: string): string {
  switch (operator) {
    case '$eq':
      return `(${there} && ${value} == ${literal(operand, at)})`
    case '$ne':
      return `!(${there} && ${value} == ${literal(operand, at)})`
    case '$in':
    case '$nin': {
      if (!isList(operand)) throw malformed(at, 'an array')
      // One comparison each: a list of CEL has one type, Portkey's may be mixed.
      const some = expectList(operand, at).map((one) => `${value} == ${literal(one, at)}`)
      const found = `(${there} && (${some.length === 0 ? 'false' : some.join(' || ')}))`
      return operator === '$in' ? found : `!${found}`
    }
    default: {
      const sign = COMPARISONS.get(operator)
      if (sign === undefined) throw unknownOperator(operator, at)
      if (typeof operand !== 'number' && typeof operand !== 'string') throw malformed(at, 'a number or a string')
      // Of another type than what it is compared with: an error in CEL, which is no match.
      return `(${there} && ${value} ${sign} ${literal(operand, at)})`
    }
  }
}

function unknownOperator(operator: string, at: string): Error {
  if (operator === '$regex') return unsupported(at, 'a pattern from a request could take for ever; compare with $eq or $in.')
  return malformed(at, 'one of $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $and and $or')
}

const LONE_HALF = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/
const LONGEST = 256

/** JSON's escapes are among CEL's. Numbers are said as doubles, which is what a body's are. */
function literal(value: JsonValue, at: string): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) {
    const text = String(value)
    return /^-?\d+$/.test(text) ? `${text}.0` : text
  }
  if (typeof value === 'string' && value.length <= LONGEST && !LONE_HALF.test(value)) return JSON.stringify(value)
  throw malformed(at, `a string of at most ${LONGEST} characters, a number, true, false or null`)
}

/** The queries of a `conditions` list, each with the name of its target. @throws GatewayError `request-malformed`, `request-unsupported` */
export function conditionsIn(value: JsonValue, at: string): readonly { readonly when: string; readonly name: string }[] {
  return expectList(value, at).map((item, i) => {
    const place = `${at}[${i}]`
    if (!isObject(item)) throw malformed(place, 'an object with query and then')
    const strange = Object.keys(item).find((member) => member !== 'query' && member !== 'then')
    if (strange !== undefined) throw unsupported(`${place}.${strange.slice(0, 64)}`, 'a condition has query and then.')
    const name = memberOf(item, 'then')
    if (typeof name !== 'string') throw malformed(`${place}.then`, 'the name of a target')
    const when = celOf(memberOf(item, 'query'), `${place}.query`)
    if (checkCondition(when) !== null) throw malformed(`${place}.query`, 'a shorter query')
    return { when, name }
  })
}
