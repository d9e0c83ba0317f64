// Conditions of routes, in CEL (Common Expression Language). A condition decides and never fails: what is missing makes a comparison false,
// what cannot be evaluated makes the condition not hold, and a fixed word says which.

import { Environment, type ASTNode } from '@marcbachmann/cel-js'
import { VARIABLES, type Facts, type Stage } from './condition-facts.ts'
import { partOf, type Part } from './condition-parts.ts'
import { BOUNDED, boundedMatch } from './condition-patterns.ts'
import { ConditionFault, wordsOf, type Words } from './condition-words.ts'

const LONGEST = 2000
/** Texts that are kept compiled; an operator's document has fewer. */
const KEPT = 500

/** `missing`: it does not hold, and something that it compares is missing. `failed`: it could not be evaluated. */
export type Verdict = 'holds' | 'does-not-hold' | 'missing' | 'failed'

export type Condition = {
  /** The variables that it names. */
  readonly mentions: ReadonlySet<string>
  /** The last of these to be known decides when it can be asked. */
  readonly stage: Stage
  readonly judge: (facts: Facts) => Verdict
}

const environment = [...VARIABLES].reduce(
  (built, [name, { type }]) => built.registerVariable(name, type),
  new Environment({ homogeneousAggregateLiterals: false, limits: { maxAstNodes: 500, maxDepth: 50 } }).registerFunction(
    `string.${BOUNDED}(string): bool`,
    boundedMatch,
    { async: false },
  ),
)

/** Why the text cannot be a condition, with its position; `null`: it can. */
export function checkCondition(text: string): string | null {
  const compiled = compiledOrFault(text)
  return typeof compiled === 'string' ? compiled : null
}

/** @throws Error for a text that `checkCondition` refuses, with its words */
export function compileCondition(text: string): Condition {
  const compiled = compiledOrFault(text)
  if (typeof compiled === 'string') throw new Error(compiled)
  return compiled
}

/** Whether it holds; a text that is no condition does not. */
export function holds(text: string, facts: Facts): boolean {
  return judgeCondition(text, facts) === 'holds'
}

/** As `holds`, with the reason for explain. */
export function judgeCondition(text: string, facts: Facts): Verdict {
  const compiled = compiledOrFault(text)
  return typeof compiled === 'string' ? 'failed' : compiled.judge(facts)
}

/** The variables that the text names; none for what is no condition. */
export function mentions(text: string): ReadonlySet<string> {
  const compiled = compiledOrFault(text)
  return typeof compiled === 'string' ? NOTHING : compiled.mentions
}

const NOTHING: ReadonlySet<string> = new Set()
const kept = new Map<string, Condition | string>()

function compiledOrFault(text: string): Condition | string {
  const known = kept.get(text)
  if (known !== undefined) return known
  const compiled = build(text)
  // the oldest goes; what is still used is compiled again, once
  if (kept.size >= KEPT) for (const oldest of kept.keys()) if (kept.delete(oldest)) break
  kept.set(text, compiled)
  return compiled
}

function build(text: string): Condition | string {
  if (text.length > LONGEST) return `A condition has at most ${LONGEST} characters.`
  try {
    const parsed = environment.parse(text)
    const words = wordsOf(parsed.ast)
    const checked = parsed.check()
    if (checked.error !== undefined) throw checked.error
    if (checked.type !== 'bool' && checked.type !== 'dyn') return `A condition is true or false; this is of type ${checked.type}.`
    const ask = branch(words.patterns.length === 0 ? parsed.ast : environment.parse(withBoundedMatches(text, words)).ast)
    return { mentions: words.variables, stage: stageOf(words.variables), judge: (facts) => judged(ask, words, facts) }
  } catch (fault) {
    return told(fault)
  }
}

/** The text with each `matches` under the name of the bounded one. Behind to front, so that places stay what they are. */
function withBoundedMatches(text: string, { patterns }: Words): string {
  return [...patterns]
    .sort(([a], [b]) => b - a)
    .reduce((done, [from, to]) => done.slice(0, from) + done.slice(from, to).replaceAll('matches', BOUNDED) + done.slice(to), text)
}

function told(fault: unknown): string {
  if (fault instanceof ConditionFault) return `${fault.message} (at character ${fault.start + 1})`
  if (!(fault instanceof Error)) return 'The condition cannot be read.'
  const { summary, range } = fault as Error & { summary?: unknown; range?: { start?: unknown } }
  const message = typeof summary === 'string' ? summary : fault.message
  return typeof range?.start === 'number' ? `${message} (at character ${range.start + 1})` : message
}

function stageOf(variables: ReadonlySet<string>): Stage {
  let stage: Stage = 'request'
  for (const name of variables) {
    const own = VARIABLES.get(name)?.stage ?? 'request'
    if (own === 'target') return 'target'
    if (own === 'budget') stage = 'budget'
  }
  return stage
}

/** What one part says: `null`, it could not be evaluated. */
type Answer = boolean | null
type Seen = { missing: boolean }
type Values = { readonly [variable: string]: unknown }
type Ask = (values: Values, seen: Seen) => Answer

function judged(ask: Ask, words: Words, facts: Facts): Verdict {
  const values: { [variable: string]: unknown } = {}
  for (const name of words.variables) values[name] = name === 'params' ? paramsOf(words, facts) : facts.value(name)
  const seen: Seen = { missing: false }
  const answer = ask(values, seen)
  if (answer === true) return 'holds'
  if (answer === null) return 'failed'
  return seen.missing ? 'missing' : 'does-not-hold'
}

/** Only the members that the condition names are read. */
function paramsOf(words: Words, facts: Facts): ReadonlyMap<string, unknown> {
  const params = new Map<string, unknown>()
  for (const name of words.params) {
    const value = facts.param(name)
    if (value !== undefined) params.set(name, value)
  }
  return params
}

/** The logic between comparisons is evaluated here, the comparisons by CEL: so one that lacks something is false, and the rest is asked all the same. */
function branch(node: ASTNode): Ask {
  switch (node.op) {
    case '&&':
    case '||': {
      const left = branch(node.args[0])
      const right = branch(node.args[1])
      const decides = node.op === '||'
      return (values, seen) => {
        const first = left(values, seen)
        if (first === decides) return first
        const second = right(values, seen)
        return second === decides || first !== null ? second : null
      }
    }
    case '!_': {
      const inner = branch(node.args)
      return (values, seen) => {
        const answer = inner(values, seen)
        return answer === null ? null : !answer
      }
    }
    case '?:': {
      const [condition, yes, no] = [branch(node.args[0]), branch(node.args[1]), branch(node.args[2])]
      return (values, seen) => {
        const answer = condition(values, seen)
        return answer === null ? null : (answer ? yes : no)(values, seen)
      }
    }
    default:
      return comparison(node)
  }
}

function comparison(node: ASTNode): Ask {
  if (node.op === '==' || node.op === '!=') {
    const [left, right] = node.args
    const other = isNull(right) ? left : isNull(left) ? right : null
    if (other !== null) return nullness(other, node.op === '==')
  }
  const evaluate = partOf(node, readPart)
  const variables = [...wordsOf(node).variables]
  return (values, seen) => {
    // CEL would say the same by throwing, which takes longer than all the rest
    if (variables.some((name) => values[name] === undefined)) {
      seen.missing = true
      return false
    }
    try {
      const value: unknown = evaluate(values)
      return typeof value === 'boolean' ? value : null
    } catch (fault) {
      if (!isMissing(fault)) return null
      seen.missing = true
      return false
    }
  }
}

/** What is missing equals null, and nothing else does but null. */
function nullness(node: ASTNode, wanted: boolean): Ask {
  const evaluate = partOf(node, readPart)
  return (values) => {
    try {
      return (evaluate(values) === null) === wanted
    } catch (fault) {
      return isMissing(fault) ? wanted : null
    }
  }
}

function readPart(text: string): Part {
  return environment.parse(text)
}

function isNull(node: ASTNode): boolean {
  return node.op === 'value' && node.args === null
}

/** The library's codes for a variable without a value, a member that is not there, an index behind the end. */
const MISSING: ReadonlySet<unknown> = new Set(['unknown_variable', 'no_such_key', 'index_out_of_bounds'])

function isMissing(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && MISSING.has(fault.code)
}
