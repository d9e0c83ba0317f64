// Joins a text that broke off with the text by which somebody else carries it on: what the second repeats of the first is left out. Pure.

/** An overlap is looked for in so many UTF-16 units at the end of what was sent. */
const WINDOW = 4096
/** So much of the old beginning, or half of a short text, makes a new one. */
const RESTART = 32
/** As many code points are no coincidence, wherever they stand. */
const SURE = 8
/** Of marks, and of scripts without spaces. */
const SURE_OF_MARKS = 4
const LETTER = /[\p{L}\p{N}]/u
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

/**
 * `sent` is all of the text that is out. What comes is held back for as long as it may still be a repetition: of the end of `sent` (its longest
 * repetition is left out), or of all of it. `lostSpaces`: whoever carries on was not told white space at its end, and may say it again.
 */
export class Seam {
  readonly #sent: string
  readonly #tail: string
  readonly #lostSpaces: boolean
  #held = ''
  #isJoined = false
  /** All that came is how the old text began. */
  #isRestart = true
  #startsOver = false

  constructor(sent: string, lostSpaces: boolean) {
    this.#sent = sent
    this.#tail = sent.slice(-WINDOW)
    this.#lostSpaces = lostSpaces
  }

  /** It begins as the old text did and then says something else: nothing of it fits, and nothing of it was given out. */
  get startsOver(): boolean {
    return this.#startsOver
  }

  /** What of it is new; nothing while it is held back. */
  take(text: string): string {
    if (this.#startsOver) return ''
    if (this.#isJoined || text === '') return text
    const at = this.#held.length
    this.#held += text
    this.#isRestart &&= this.#sent.startsWith(text, at)
    if (this.#isRestart || (this.#held.length <= this.#tail.length && this.#tail.includes(this.#held))) return ''
    return this.#join()
  }

  /** Nothing more comes. */
  end(): string {
    return this.#isJoined || this.#held === '' ? '' : this.#join()
  }

  #join(): string {
    const held = this.#held
    this.#isJoined = true
    this.#held = ''
    if (held.startsWith(this.#sent)) return held.slice(this.#sent.length)
    const overlap = this.#overlapOf(held)
    const again = commonLength(this.#sent, held)
    if (again > overlap && again >= Math.min(RESTART, Math.ceil(this.#sent.length / 2))) {
      this.#startsOver = true
      return ''
    }
    return held.slice(overlap)
  }

  #overlapOf(held: string): number {
    for (let length = Math.min(held.length, this.#tail.length); length > 0; length--)
      if (this.#tail.endsWith(held.slice(0, length)) && this.#isRepetition(held, length)) return length
    return 0
  }

  /** A few letters may be the same by chance: `hel` is carried on by `lo`. A word that begins anew is not. */
  #isRepetition(held: string, length: number): boolean {
    const overlap = held.slice(0, length)
    if (overlap.trim() === '') return this.#lostSpaces
    const points = pointsIn(overlap)
    if (points >= SURE) return true
    const first = firstPoint(overlap)
    if (!LETTER.test(first) || WITHOUT_SPACES.test(first)) return points >= SURE_OF_MARKS
    const before = lastPoint(this.#sent.slice(0, this.#sent.length - length))
    if (LETTER.test(before)) return false
    return points > 1 || !LETTER.test(firstPoint(held.slice(length)))
  }
}

/** Code points, not units: a pair of units counts once. */
function pointsIn(text: string): number {
  let points = 0
  for (let i = 0; i < text.length; i++) if (!isTrail(text.charCodeAt(i))) points++
  return points
}

function isTrail(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

function firstPoint(text: string): string {
  const point = text.codePointAt(0)
  return point === undefined ? '' : String.fromCodePoint(point)
}

function lastPoint(text: string): string {
  const last = text.length - 1
  return isTrail(text.charCodeAt(last)) ? firstPoint(text.slice(last - 1)) : text.slice(last)
}

function commonLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length)
  let length = 0
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++
  return length
}
