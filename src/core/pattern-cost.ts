// How long a regular expression that anybody may have written can take on a text: an upper bound by its shape, so that none is run that could
// try for ever. JavaScript's engine backtracks.

/** Repetitions with a bound, and groups in groups, multiply what is compiled. */
const MOST_SIZE = 10_000
const LONGEST = 1000

/** A part of a pattern: in how many ways it can be tried on a text, and how long it is written out. */
type Part = { readonly ways: number; readonly size: number }
type Group = { done: number; ways: number; size: number; last: Part }

const EMPTY: Part = { ways: 1, size: 0 }

/**
 * Steps that a search for `pattern` in a text of `length` characters takes at most; infinite where nothing bounds them: back-references, and
 * repeated groups that can be read in more than one way. A pattern that is no regular expression has some number too.
 */
export function patternSteps(pattern: string, length: number): number {
  if (pattern.length > LONGEST) return Number.POSITIVE_INFINITY
  const groups: Group[] = []
  let at: Group = { done: 0, ways: 1, size: 0, last: EMPTY }
  let isSplit = false
  const push = (part: Part): void => {
    at.ways *= at.last.ways
    at.size += at.last.size
    at.last = part
  }
  const closed = ({ done, ways, size, last }: Group): Part => ({ ways: done + ways * last.ways, size: size + last.size + 1 })
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern.charAt(i)
    const times = repetition(pattern, i)
    if (times !== null) {
      const { ways, size } = at.last
      if (ways > 1 && times.most > 1) return Number.POSITIVE_INFINITY
      const most = Math.min(times.most, Math.max(length, times.least))
      at.last = {
        ways: ways * (most - times.least + 1),
        size: size * Math.max(1, times.most === Number.POSITIVE_INFINITY ? 1 : times.most),
      }
      i = times.end
    } else if (c === '\\') {
      i++
      if (/[1-9k]/.test(pattern.charAt(i))) return Number.POSITIVE_INFINITY
      push({ ways: 1, size: 1 })
    } else if (c === '[') {
      for (i++; i < pattern.length && pattern[i] !== ']'; i++) if (pattern[i] === '\\') i++
      push({ ways: 1, size: 1 })
    } else if (c === '(') {
      groups.push(at)
      at = { done: 0, ways: 1, size: 0, last: EMPTY }
      if (pattern[i + 1] === '?') i++ // what kind of group it is changes nothing here
    } else if (c === ')') {
      const part = closed(at)
      at = groups.pop() ?? at
      push(part)
    } else if (c === '|') {
      isSplit ||= groups.length === 0
      at.done += at.ways * at.last.ways
      at.ways = 1
      at.size += at.last.size
      at.last = EMPTY
    } else push({ ways: 1, size: 1 })
    if (at.size + at.last.size > MOST_SIZE) return Number.POSITIVE_INFINITY
  }
  const { ways, size } = closed(at)
  const starts = pattern.startsWith('^') && !isSplit ? 1 : length + 1
  return starts * ways * (length + size)
}

/** What is repeated how often, where a sign for that stands at `i`; `end`: its last character. */
function repetition(pattern: string, i: number): { readonly least: number; readonly most: number; readonly end: number } | null {
  const c = pattern.charAt(i)
  const lazy = (end: number): number => (pattern[end + 1] === '?' ? end + 1 : end)
  if (c === '*' || c === '+') return { least: c === '*' ? 0 : 1, most: Number.POSITIVE_INFINITY, end: lazy(i) }
  if (c === '?') return { least: 0, most: 1, end: lazy(i) }
  if (c !== '{') return null
  const said = /^\{(\d{1,6})(,?)(\d{0,6})\}/.exec(pattern.slice(i, i + 16))
  if (said === null) return null
  const [whole, from = '', comma, to = ''] = said
  const least = Number(from)
  const most = comma === '' ? least : to === '' ? Number.POSITIVE_INFINITY : Number(to)
  return { least, most: Math.max(least, most), end: lazy(i + whole.length - 1) }
}
