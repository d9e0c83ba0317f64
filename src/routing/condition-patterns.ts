// Patterns of `matches`: the operator wrote them, but what they are held against may be anybody's. Both are bounded, so that no text a client
// sends makes a pattern run long: JavaScript's regular expressions backtrack.

/** Characters of a pattern. */
export const LONGEST_PATTERN = 200
/** Characters that a pattern is held against; a longer text cannot be evaluated (`contains`, `startsWith` and `endsWith` take any). */
export const LONGEST_SUBJECT = 500
/** Open repetitions of a pattern, beside one that is anchored by `^`: n of them try up to length^(n+1) ÷ (n+1)! ways. */
const MOST_REPETITIONS = 2

/** The name under which the library calls `boundedMatch`; `matches` itself cannot be replaced. */
export const BOUNDED = 'matches_within'

/** @throws Error for a subject that is too long */
export function boundedMatch(subject: string, pattern: string): boolean {
  if (subject.length > LONGEST_SUBJECT) throw new Error('The text is too long for a pattern.')
  return new RegExp(pattern).test(subject)
}

/** What is wrong with a pattern; `null`: nothing. */
export function patternFault(pattern: string): string | null {
  if (pattern.length > LONGEST_PATTERN) return `a pattern of \`matches\` has at most ${LONGEST_PATTERN} characters`
  try {
    new RegExp(pattern)
  } catch {
    return 'the pattern of `matches` is no regular expression'
  }
  return costFault(pattern)
}

/** Refuses more than it must: it knows brackets and signs, not what they match. */
function costFault(pattern: string): string | null {
  const forever = 'a repeated group of the pattern holds a repetition, alternatives or a back-reference, which can take forever'
  const risky: boolean[] = []
  let repetitions = 0
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] ?? ''
    if (c === '\\') {
      i++
      if (/[1-9k]/.test(pattern[i] ?? '')) return forever
    } else if (c === '[') {
      for (i++; i < pattern.length && pattern[i] !== ']'; i++) if (pattern[i] === '\\') i++
    } else if (c === '(') {
      risky.push(false)
      if (pattern[i + 1] === '?') i++
    } else if (c === ')') {
      const inner = risky.pop() ?? false
      const repeated = /[*+{]/.test(pattern[i + 1] ?? '')
      if (inner && repeated) return forever
      if ((inner || repeated) && risky.length > 0) risky[risky.length - 1] = true
    } else if (/[*+?{|]/.test(c)) {
      if (risky.length > 0) risky[risky.length - 1] = true
      if (c === '*' || c === '+' || /^\{\d+,/.test(pattern.slice(i))) repetitions++
    }
  }
  const most = MOST_REPETITIONS + (pattern.startsWith('^') && !pattern.includes('|') ? 1 : 0)
  return repetitions > most ? `a pattern has at most ${most} repetitions (\`*\`, \`+\`, \`{1,}\`), one more behind \`^\`` : null
}
