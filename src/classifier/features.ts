// Numbers that describe a text, made in one pass over it: counts of its parts, and which words and pairs of words it has. Training and serving
// both read texts through this file, so they cannot differ.

import { bitsOf, FNV_PRIME, FNV_START, WORD_CLASSES } from './words.ts'

/** Words and pairs of words are hashed into so many buckets. */
export const BUCKETS = 8192

/** Characters that are read of one text: of a longer one its beginning and its end. */
const MOST_HEAD = 5120
const MOST_TAIL = 2048
/** Words that go into the buckets; half of them from each end of a text that is cut. */
const MOST_WORDS = 400

/** The dense numbers, in the order of the trained file. Counts are ln(1 + n), shares are of words. */
export const DENSE = [
  'words',
  'stemWords',
  'sentenceWords',
  'numbers',
  'numberShare',
  'bigNumbers',
  'decimals',
  'optionNumbers',
  'optionLength',
  'operators',
  'brackets',
  'commands',
  'punctuation',
  'questions',
  'lines',
  'repetition',
  'wordLength',
  'longShare',
  'capitalShare',
  'letters',
  ...WORD_CLASSES,
  'writingShare',
  'fence',
] as const

/** What one text is made of. The arrays are the reader's own: copy what must outlive the next `read`. */
export type Features = {
  /** In the order of DENSE. */
  readonly dense: Float64Array
  /** Buckets of the words and pairs, each once; the first `count` are valid. */
  readonly buckets: Uint16Array
  readonly count: number
  /** Words and numbers that were looked at. */
  readonly tokens: number
  /** Of them, those that are common words of a language that was learnt from. */
  readonly known: number
  /** Share of characters that are neither ASCII nor Latin letters. */
  readonly foreign: number
}

const SPACE = 0
const LETTER = 1
const DIGIT = 2
const OTHER = 3

const A = 0x41
const Z = 0x5a

/** Reads texts; keeps the tables that a reading fills. */
export class FeatureReader {
  readonly #dense = new Float64Array(DENSE.length)
  readonly #buckets = new Uint16Array(BUCKETS)
  /** When a bucket was last met, by the number of the reading. */
  readonly #met = new Uint32Array(BUCKETS)
  readonly #classes = new Float64Array(WORD_CLASSES.length)
  #reading = 0

  read(text: string): Features {
    const reading = ++this.#reading
    const met = this.#met
    const buckets = this.#buckets
    const classes = this.#classes.fill(0)
    const { length } = text
    const isCut = length > MOST_HEAD + MOST_TAIL
    const headEnd = isCut ? MOST_HEAD : length
    const tailStart = isCut ? length - MOST_TAIL : length

    let count = 0
    let tokens = 0
    let known = 0
    let repeats = 0
    let words = 0
    let letters = 0
    let alphabetic = 0
    let letterChars = 0
    let long = 0
    let capitals = 0
    let numbers = 0
    let big = 0
    let decimals = 0
    let operators = 0
    let brackets = 0
    let commands = 0
    let punctuation = 0
    let questions = 0
    let sentences = 0
    let lines = 0
    let options = 0
    let optionsWithNumber = 0
    let optionChars = 0
    let optionWords = 0
    let optionSentences = 0
    let foreign = 0
    let fence = 0
    let ticks = 0
    let inOption = false
    let optionHasNumber = false
    let atLineStart = true
    let lineIsEmpty = true
    let wasSpace = true
    let previous = 0
    let wordsInBuckets = 0
    let mostWords = isCut ? MOST_WORDS / 2 : MOST_WORDS

    let at = 0
    while (at < length) {
      if (at >= headEnd && at < tailStart) {
        at = tailStart
        mostWords = MOST_WORDS
        wordsInBuckets = Math.max(wordsInBuckets, MOST_WORDS / 2)
        previous = 0
        atLineStart = false
      }
      const c = text.charCodeAt(at)
      const kind = kindOf(c)
      if (kind === SPACE) {
        wasSpace = true
        if (c === 0x0a) {
          if (!lineIsEmpty) lines++
          if (inOption && optionHasNumber) optionsWithNumber++
          inOption = false
          optionHasNumber = false
          atLineStart = true
          lineIsEmpty = true
        }
        at++
        continue
      }
      if (wasSpace) {
        words++
        if (inOption) optionWords++
        wasSpace = false
      }
      lineIsEmpty = false
      if (atLineStart) {
        atLineStart = false
        if (isOption(text, at)) {
          inOption = true
          options++
          optionWords++
        }
      }
      if (inOption) optionChars++
      if (kind === LETTER) {
        const start = at
        let hash = FNV_START | 0
        let letter = c
        do {
          if (letter > 0x24f) foreign++
          const lower = letter >= A && letter <= Z ? letter | 0x20 : letter
          hash = Math.imul(hash ^ lower, FNV_PRIME)
          letter = ++at < length ? text.charCodeAt(at) : 0
        } while (kindOf(letter) === LETTER)
        const size = at - start
        if (inOption) optionChars += size - 1
        alphabetic++
        letterChars += size
        if (size === 1) letters++
        if (size >= 9) long++
        if (size > 1 && c >= A && c <= Z && kindOf(text.charCodeAt(start + 1)) === LETTER) capitals++
        const bits = bitsOf(hash)
        if (bits >= 0) {
          known++
          if (bits > 0) for (let k = 0; k < classes.length; k++) if ((bits >> k) & 1) classes[k] = (classes[k] ?? 0) + 1
        }
        tokens++
        if (bits === 0 || size === 1) continue
        if (wordsInBuckets < mostWords) {
          wordsInBuckets++
          const one = bucketOf(hash)
          if (met[one] === reading) repeats++
          else {
            met[one] = reading
            buckets[count++] = one
          }
          if (previous !== 0) {
            const pair = bucketOf(Math.imul(previous, 0x9e3779b1) ^ hash)
            if (met[pair] !== reading) {
              met[pair] = reading
              buckets[count++] = pair
            }
          }
        }
        previous = hash
        continue
      }
      if (kind === DIGIT) {
        let digits = 0
        let isDecimal = false
        let digit = c
        const start = at
        do {
          if (digit === 0x2e) isDecimal = true
          else if (digit !== 0x2c) digits++
          digit = ++at < length ? text.charCodeAt(at) : 0
        } while (kindOf(digit) === DIGIT || ((digit === 0x2e || digit === 0x2c) && isDigit(text.charCodeAt(at + 1))))
        if (inOption) {
          optionHasNumber = true
          optionChars += at - start - 1
        }
        numbers++
        if (digits >= 3) big++
        if (isDecimal) decimals++
        tokens++
        const hash = NUMBER_HASHES[Math.min(digits, NUMBER_HASHES.length - 1)] ?? 1
        if (wordsInBuckets < mostWords) {
          wordsInBuckets++
          if (previous !== 0) {
            const pair = bucketOf(Math.imul(previous, 0x9e3779b1) ^ hash)
            if (met[pair] !== reading) {
              met[pair] = reading
              buckets[count++] = pair
            }
          }
        }
        previous = hash
        continue
      }
      switch (c) {
        case 0x2e: // .
        case 0x21: // !
        case 0x3f: // ?
          punctuation++
          if (c === 0x3f) questions++
          if (at + 1 >= length || kindOf(text.charCodeAt(at + 1)) === SPACE) {
            sentences++
            if (inOption) optionSentences++
          }
          break
        case 0x2c: // ,
        case 0x3a: // :
        case 0x3b: // ;
        case 0x22: // "
        case 0x27: // '
          punctuation++
          break
        case 0x2b: // +
        case 0x2a: // *
        case 0x2f: // /
        case 0x3d: // =
        case 0x3c: // <
        case 0x3e: // >
        case 0x5e: // ^
          operators++
          break
        case 0x28: // (
        case 0x29: // )
        case 0x5b: // [
        case 0x5d: // ]
        case 0x5f: // _
        case 0x7b: // {
        case 0x7d: // }
          brackets++
          break
        case 0x5c: // \
          if (kindOf(text.charCodeAt(at + 1)) === LETTER) commands++
          break
        case 0x60: // `
          if (++ticks === 3) fence = 1
          break
        default:
          if (c > 0x24f) foreign++
      }
      if (c !== 0x60) ticks = 0
      at++
    }
    if (!lineIsEmpty) lines++
    if (inOption && optionHasNumber) optionsWithNumber++

    const read = headEnd + (length - tailStart)
    const scale = read === 0 ? 1 : length / read
    const isChoice = options >= 3
    const stemWords = isChoice ? Math.max(0, words - optionWords) : words
    const stemSentences = isChoice ? Math.max(0, sentences - optionSentences) : sentences
    const seen = Math.min(tokens, MOST_WORDS)
    const dense = this.#dense
    let k = 0
    const put = (value: number): void => {
      dense[k++] = value
    }
    put(Math.log1p(words * scale))
    put(Math.log1p(stemWords * scale))
    put(Math.log1p(stemWords / (1 + stemSentences)))
    put(Math.log1p(numbers))
    put(numbers / (tokens + 5))
    put(Math.log1p(big))
    put(Math.log1p(decimals))
    put(isChoice ? optionsWithNumber / options : 0)
    put(isChoice ? Math.log1p(optionChars / options) : 0)
    put(Math.log1p(operators))
    put(Math.log1p(brackets))
    put(Math.log1p(commands))
    put(Math.log1p(punctuation))
    put(Math.log1p(questions))
    put(Math.log1p(lines))
    put(seen === 0 ? 0 : repeats / seen)
    put(alphabetic === 0 ? 4.5 : letterChars / alphabetic)
    put(long / (alphabetic + 5))
    put(capitals / (tokens + 5))
    put(Math.log1p(letters))
    for (const n of classes) put(Math.log1p(n))
    put((classes[WORD_CLASSES.indexOf('writing')] ?? 0) / (alphabetic + 5))
    put(fence)
    return { dense, buckets, count, tokens, known, foreign: read === 0 ? 0 : foreign / read }
  }
}

/** Of a number only its size counts, not its digits. */
const NUMBER_HASHES = Int32Array.from([1, 2, 3, 4, 5, 6], (size) => Math.imul(size, 0x85ebca6b))

function bucketOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (BUCKETS - 1)
}

const KINDS = kinds()

function kindOf(c: number): number {
  if (c < 128) return KINDS[c] ?? OTHER
  if (c === 0xa0 || c === 0x2028 || c === 0x3000) return SPACE
  return (c >= 0xc0 && c !== 0xd7 && c !== 0xf7 && (c < 0x2000 || c >= 0x2c00)) || (c >= 0x1f00 && c < 0x2000) ? LETTER : OTHER
}

function kinds(): Uint8Array {
  const table = new Uint8Array(128).fill(OTHER)
  for (const c of [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]) table[c] = SPACE
  table[0] = OTHER
  for (let c = 0x30; c <= 0x39; c++) table[c] = DIGIT
  for (let c = A; c <= Z; c++) {
    table[c] = LETTER
    table[c | 0x20] = LETTER
  }
  return table
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}

/** `A. …`, `(b) …`, `C: …` at the start of a line. */
function isOption(text: string, start: number): boolean {
  const at = text.charCodeAt(start) === 0x28 ? start + 1 : start
  const letter = text.charCodeAt(at) & ~0x20
  const mark = text.charCodeAt(at + 1)
  return letter >= A && letter <= 0x4a && (mark === 0x2e || mark === 0x29 || mark === 0x3a) && kindOf(text.charCodeAt(at + 2)) === SPACE
}
