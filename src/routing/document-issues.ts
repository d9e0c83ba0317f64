// Where a document is wrong and why, in words for whoever wrote it: Zod's issues, each at its own place.

import type { core } from 'zod'

/** `path` as `routes[2].targets[0].weight`; empty: the document itself. Never a value of the document but names of members. */
export type DocumentError = { readonly path: string; readonly message: string }

export type Place = readonly PropertyKey[]

const WORD = /^[A-Za-z_$][\w$-]*$/

export function placeText(place: Place): string {
  let text = ''
  for (const step of place) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!WORD.test(String(step))) text += `[${JSON.stringify(String(step).slice(0, 300))}]`
    else text += text === '' ? String(step) : `.${String(step)}`
  }
  return text
}

/** `value`: what was checked, to tell a missing member from a wrong one. */
export function errorsOf(issues: readonly core.$ZodIssue[], value: unknown, at: Place = []): readonly DocumentError[] {
  return issues.flatMap((issue): readonly DocumentError[] => {
    const place = [...at, ...issue.path]
    const found = read(value, issue.path)
    const one = (message: string): readonly DocumentError[] => [{ path: placeText(place), message }]
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({ path: placeText([...place, key]), message: 'is not known here' }))
      case 'invalid_union':
        return errorsOfUnion(issue, found, place)
      case 'invalid_key':
        return one(issue.issues[0]?.message ?? 'is no name')
      case 'invalid_type':
        return one(found === undefined ? 'is missing' : `must be ${article(issue.expected)}`)
      case 'invalid_value':
        return one(found === undefined ? 'is missing' : `must be ${issue.values.map((one) => JSON.stringify(one)).join(', ')}`)
      case 'too_small':
        return one(
          `must ${issue.origin === 'number' || issue.origin === 'int' ? 'be' : 'have'} ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`,
        )
      case 'too_big':
        return one(
          `must ${issue.origin === 'number' || issue.origin === 'int' ? 'be' : 'have'} ${issue.inclusive === true ? 'at most' : 'less than'} ${issue.maximum}`,
        )
      default:
        return one(issue.message)
    }
  })
}

/** Of what may be several things, the one that it tries to be; where it tries to be none, all that it may be. */
function errorsOfUnion(issue: core.$ZodIssueInvalidUnion, value: unknown, place: Place): readonly DocumentError[] {
  const wrongKind = (branch: readonly core.$ZodIssue[]): boolean =>
    branch.some(
      ({ code, path }) => path.length === 0 && (code === 'invalid_type' || (code === 'invalid_value' && typeof value !== 'string')),
    )
  const tried = issue.errors.find((branch) => !wrongKind(branch))
  if (tried !== undefined) return errorsOf(tried, value, place)
  if (value === undefined) return [{ path: placeText(place), message: 'is missing' }]
  const kinds = issue.errors.flatMap((branch) => branch.map((one) => wanted(one))).filter((kind) => kind !== null)
  return [{ path: placeText(place), message: `must be ${[...new Set(kinds)].join(' or ')}` }]
}

function wanted(issue: core.$ZodIssue): string | null {
  if (issue.code === 'invalid_type') return article(issue.expected)
  return issue.code === 'invalid_value' ? issue.values.map((one) => JSON.stringify(one)).join(' or ') : null
}

function article(expected: string): string {
  const kind = expected === 'int' ? 'whole number' : expected === 'record' ? 'object' : expected
  return `${/^[aeio]/.test(kind) ? 'an' : 'a'} ${kind}`
}

function read(value: unknown, path: Place): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<PropertyKey, unknown>)[step] // an own member, as just seen
  }
  return at
}
