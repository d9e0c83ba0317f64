// What a model's name tells of its kin: maker, brand, version, tier or size. `openai/gpt-5.4-mini` is gpt, 5.4, one tier below the main line.

export type Kin = {
  readonly maker: string
  /** Words that are neither version, tier, size nor stage. */
  readonly brand: string
  /** `null`: the name has none (`gpt-chat-latest` means the newest). */
  readonly version: number | null
  /** Steps from the maker's main line; of two names only the difference means anything. `null`: the name says a size instead. */
  readonly tier: number | null
  /** Billions of parameters, where the name says them and no tier. */
  readonly size: number | null
  /** What else it is made for: `thinking`, `coder`, `chat` …; empty: for everything. */
  readonly role: string
}

const TIERS: ReadonlyMap<string, number> = new Map([
  ['nano', -2],
  ['micro', -2],
  ['luna', -2],
  ['mini', -1],
  ['lite', -1],
  ['flash', -1],
  ['haiku', -1],
  ['small', -1],
  ['air', -1],
  ['terra', -1],
  ['scout', -1],
  ['sonnet', 0],
  ['sol', 0],
  ['medium', 0],
  ['plus', 0],
  ['pro', 0],
  ['maverick', 0],
  ['opus', 1],
  ['large', 1],
  ['max', 1],
  ['premier', 1],
  ['ultra', 1],
  ['fable', 2],
])
/** Of these makers `pro` is a tier above the main line; of the others it is the main line. */
const PRO_ABOVE: ReadonlySet<string> = new Set(['openai'])
const ROLES: ReadonlySet<string> = new Set('thinking reasoning codex coder code build vl image audio r next her omni'.split(' '))
/** Stages, packagings and speeds of one model. */
const IGNORED: ReadonlySet<string> = new Set(
  'preview latest exp experimental beta instruct it turbo fast high low free customtools fp8 hf terminus a v k m e'.split(' '),
)

const SIZE = /^e?(\d+x)?(\d+(?:\.\d+)?)b$/
const ACTIVE = /^a\d+(\.\d+)?b$/
const VERSION = /^([a-z]*)(\d{1,2}(?:\.\d{1,2})?)([a-z]?)$/
/** `2512`: a year and a month, which Mistral gives for a version; counted so that its Large 2 (2407), Medium 3 (2505) and Large 3 (2512) come near their numbers. */
const STAMP = /^2[3-9](0[1-9]|1[0-2])$/
const STAMP_OF_ZERO = 22.4
const DATE = /-(?:20\d{6}|20\d\d-\d\d-\d\d|\d\d-20\d\d|\d\d-\d\d)(?=[:-]|$)/
/** OpenAI's o-series, which reasons, came between gpt-4 and gpt-5: o3 counts as 4.3. */
const O_SERIES = 4

/** Reads `author/slug`; the maker is `''` where there is no slash. */
export function kinOf(name: string): Kin {
  const slash = name.indexOf('/')
  const maker = slash < 0 ? '' : name.slice(0, slash).toLowerCase()
  const slug = name
    .slice(slash + 1)
    .toLowerCase()
    .replace(DATE, '')
  const [brand, roles]: [string[], string[]] = [[], []]
  let version: number | null = null
  let tier: number | null = null
  let size: number | null = null
  let stamp: number | null = null
  for (const word of slug.split(/[-_:@\s]+/)) {
    const sized = SIZE.exec(word)
    const versioned = VERSION.exec(word)
    if (sized) size ??= Number(sized[2]) * (sized[1] === undefined ? 1 : Number.parseInt(sized[1], 10))
    else if (ACTIVE.test(word) || word === '') continue
    else if (STAMP.test(word)) stamp ??= Number(word.slice(0, 2)) + Number(word.slice(2)) / 12 - STAMP_OF_ZERO
    else if (versioned) {
      const [, before = '', number = '', behind = ''] = versioned
      if (before === 'o' && maker === 'openai') {
        brand.push('gpt')
        roles.push('thinking')
        version = O_SERIES + Number(number) / 10
        continue
      }
      if (before !== '') addWord(before)
      if (version === null) version = Number(number) + (behind === 'o' ? 0.05 : 0)
      // `opus-4-5` and `medium-3-5` mean 4.5 and 3.5; what comes after a whole version is a date's piece.
      else if (Number.isInteger(version) && before === '' && number.length === 1) version += Number(number) / 10
      // `glm-4.6v` sees pictures.
      if (behind === 'v') roles.push('vl')
      else if (behind !== '' && behind !== 'o') addWord(behind)
    } else if (!/^\d/.test(word)) addWord(word)
  }
  function addWord(word: string): void {
    const step = TIERS.get(word)
    if (step !== undefined) tier = (tier ?? 0) + (word === 'pro' && PRO_ABOVE.has(maker) ? 1 : step)
    else if (ROLES.has(word) || (word === 'chat' && maker === 'openai')) roles.push(word)
    else if (word !== 'chat' && !IGNORED.has(word)) brand.push(word)
  }
  const hasTier = tier !== null || size === null
  return {
    maker,
    brand: brand.join(' '),
    version: version ?? stamp,
    tier: hasTier ? (tier ?? 0) : null,
    size: hasTier ? null : size,
    role: roles.join(' '),
  }
}

export type Steps = {
  /** How much newer. */
  readonly version: number
  readonly tier: number
  /** Doublings of size. */
  readonly size: number
  readonly isSameRole: boolean
}

/** From `kin` to `other`; `null`: not of one brand, or a tier beside a size. */
export function stepsTo(kin: Kin, other: Kin): Steps | null {
  if (kin.maker !== other.maker || kin.brand !== other.brand || (kin.tier === null) !== (other.tier === null)) return null
  return {
    version: kin.version === null || other.version === null ? 0 : other.version - kin.version,
    tier: (other.tier ?? 0) - (kin.tier ?? 0),
    size: kin.size === null || other.size === null ? 0 : Math.log2(other.size / kin.size),
    isSameRole: kin.role === other.role,
  }
}

/** How far the steps go; what they are worth errs with it. */
export function lengthOf(steps: Steps): number {
  return Math.abs(steps.version) + Math.abs(steps.tier) + Math.abs(steps.size) / 2 + (steps.isSameRole ? 0 : 1)
}

/** What the steps are worth in logits. Versions count to one either way: how far they go is the maker's taste. */
export function gainOf(steps: Steps, gains: { readonly version: number; readonly tier: number; readonly size: number }): number {
  return gains.version * Math.max(-1, Math.min(1, steps.version)) + gains.tier * steps.tier + gains.size * steps.size
}

/** Sizes this near are one line: 30b and 32b. */
const SAME_SIZE = 0.5

/** Whether by name the end of the steps is at least as good as their beginning: made for the same, of no lower tier, and no older. */
export function isAtLeast(steps: Steps): boolean {
  return steps.isSameRole && steps.version >= 0 && steps.tier >= 0 && steps.size >= -SAME_SIZE
}

/** The other way round. */
export function isAtMost(steps: Steps): boolean {
  return steps.isSameRole && steps.version <= 0 && steps.tier <= 0 && steps.size <= SAME_SIZE
}
