// Owns two of the rules of needs-info: a sentence that speaks of something which is not there, and an imperative without an object. Both look at
// one short sentence that brings nothing along; whatever could be pasted text, a quotation or code ends them.

const LONGEST_SENTENCE = 300

const list = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/u))

/** Verbs that work on something which must be there. None that also ask for something new (write, make, find, solve, list). */
const VERBS = list(
  `summarize summarise translate fix explain rewrite rephrase reword paraphrase proofread debug correct edit shorten refactor improve optimize optimise
  simplify analyze analyse review format transcribe annotate polish evaluate grade critique condense interpret describe read check convert extract
  übersetze übersetzen korrigiere korrigieren erkläre erklären fasse zusammenfassen überarbeite überarbeiten verbessere prüfe prüfen analysiere kürze kürzen
  traduis traduisez traduire résume résumez résumer corrige corrigez corriger explique expliquez analyse relis reformule
  traduce traduzca traducir resume resumir corrige corrija corregir explica analiza revisa mejora`,
)

/** Things that a reader must have before him. Short ones often stand in the sentence itself, without a mark. */
const SHORT_NOUNS = list(
  'sentence sentences phrase word words text line statement message snippet question problem satz frase phrase texte texto text',
)
const NOUNS = list(
  `file files document documents doc docs code function script program class method snippet text texts paragraph paragraphs passage article
  essay email mail letter pdf spreadsheet workbook sheet table contract report image picture photo screenshot error log logs sentence
  message chapter page dataset csv json query clause agreement lease draft cv resume transcript chart graph diagram invoice slide slides
  presentation paper memo proposal judgment stacktrace traceback notes video recording podcast scan xray ecg receipt statement brief
  datei dokument text absatz artikel brief vertrag bericht bild foto tabelle satz aufsatz mail e-mail code
  texte document fichier article lettre contrat rapport image phrase paragraphe courriel code
  texto documento archivo artículo carta contrato informe imagen frase párrafo correo código`,
)

const THIS = list('this these diesen diese dieses dieser diesem ce cet cette ces este esta estos estas')

/** Without one of these nothing that the rules look for is spoken of. */
const SIGNS = [...THIS, 'following', 'above', 'below', 'my', 'attached', 'uploaded', 'enclosed', 'pasted', 'shared']
/** Politeness apart an imperative without an object is shorter. */
const SHORT_CHARS = 48

/** A cheap look before the words are parted: most prompts are neither short nor speak of a thing beside them. */
export function maySpeakOfAbsent(text: string): boolean {
  if (text.length <= SHORT_CHARS) return true
  if (text.length > LONGEST_SENTENCE + 100) return false
  const lower = text.toLowerCase()
  return SIGNS.some((sign) => {
    for (let at = lower.indexOf(sign); at >= 0; at = lower.indexOf(sign, at + 1)) {
      const before = at === 0 ? 0 : lower.charCodeAt(at - 1)
      if (before < 0x61 || before > 0x7a) return true
    }
    return false
  })
}

/** What may follow the thing: anything else may be the thing itself. */
const GOES_ON = list(
  `to into in for and so as using with from by
  ins auf für und zusammen en pour et au aux dans al a para y por`,
)
/** `translate this text to german good morning`: what follows the language is the text. */
const TRANSLATES = list('translate übersetze übersetzen traduis traduisez traduire traduce traduzca traducir')
const SAYS_I = list('i he she we they it you')
const BROKEN = list('work working compile compiling run running broken failing failed crashing crash slow')
const OF_PROGRAMS = list('code script program function query formula macro app loop regex')
const SOUND = list('correct ok okay right valid legal enforceable fair grammatical normal safe accurate')

const POLITE = [
  'please',
  'kindly',
  'can you',
  'could you',
  'would you',
  'will you',
  'can u',
  'help me',
  'i need you to',
  'i want you to',
  "i'd like you to",
  'bitte',
  'kannst du',
  'können sie',
  'peux-tu',
  'pouvez-vous',
  'puedes',
  'podrías',
  'por favor',
  'hi',
  'hello',
  'hey',
  'hallo',
].map((words) => words.split(' '))
const TAIL = list('please thanks thx bitte danke merci gracias now')

/** The words of a text that is one short sentence with nothing quoted, pasted or coded in it; `null` otherwise. */
export function plainSentence(text: string): readonly string[] | null {
  if (text.length > LONGEST_SENTENCE + 100) return null
  const trimmed = text.trim()
  if (trimmed.length === 0 || trimmed.length > LONGEST_SENTENCE) return null
  if (/[`"“”„«»=;{}[\]|\\<>\n@#$%*_+]|:\/\/|(?:^|\s)['‘]/u.test(trimmed)) return null
  const bare = trimmed
    .toLowerCase()
    .replace(/^(?:hi|hello|hey|hallo|bonjour|hola|please help)(?: there| all| team)?[!.,] /u, '')
    .replace(/^[¿¡]/u, '')
    .replace(/(?:[.!?] (?:thanks|thank you|thx|danke|merci|gracias)(?: a lot| so much)?)?[.!?:…]{0,3}$/u, '')
    .replaceAll('’', "'")
  if (/[.!?:](?:\s|$)/u.test(bare)) return null
  let words = bare
    .replaceAll(/[,()]/gu, ' ')
    .split(/\s+/u)
    .filter((word) => word !== '')
  for (let again = true; again;) {
    again = false
    for (const phrase of POLITE) {
      if (words.length <= phrase.length || !phrase.every((word, i) => words[i] === word)) continue
      words = words.slice(phrase.length)
      again = true
    }
  }
  while (words.length > 1 && TAIL.has(words.at(-1) ?? '')) words = words.slice(0, -1)
  return words
}

const IT = list('it this that them these those das dies es ça ceci cela esto eso')
const ALONE = list(
  `summarize summarise translate fix explain rewrite rephrase paraphrase proofread debug shorten refactor simplify analyze analyse
  übersetze übersetzen korrigiere erkläre zusammenfassen traduis traduisez résume résumez traduce traducir corrígelo tradúcelo resúmelo`,
)
const ADJECTIVES = list('better shorter longer clearer simpler nicer faster formal kürzer besser')
const STARTED = new Set(['try again', 'do it again', 'do it', 'redo it', 'continue', 'go on', 'keep going', 'finish it', 'make it work'])

/** At most three words that tell to do something to nothing: "fix it", "translate", "make it shorter". */
export function lacksObject(words: readonly string[]): boolean {
  const [first = '', second = '', third = ''] = words
  if (words.length > 3) return false
  if (STARTED.has(words.join(' '))) return true
  if (words.length === 1) return ALONE.has(first)
  if (first === 'make' && words.length === 3) return (second === 'it' || second === 'this') && ADJECTIVES.has(third)
  if (first === 'fasse') return (words.length === 2 && second === 'zusammen') || (IT.has(second) && third === 'zusammen')
  if (!VERBS.has(first)) return false
  if (second === 'to' || second === 'into') return first === 'translate' && words.length === 3
  return IT.has(second) && words.length === 2
}

/** Does the sentence work on a thing that would have to be beside it? */
export function refersToAbsent(words: readonly string[]): boolean {
  return worksOn(words) || asksAbout(words) || saysAttached(words)
}

/** "summarize this article for my boss", "translate the following text", "review the above", "proofread my essay", "diesen Vertrag prüfen". */
function worksOn(words: readonly string[]): boolean {
  const verb = verbAt(words)
  if (verb < 0) return words.length === 3 && THIS.has(words[0] ?? '') && NOUNS.has(words[1] ?? '') && VERBS.has(words[2] ?? '')
  for (let at = verb + 1; at < Math.min(words.length, verb + 5); at += 1) {
    const word = words[at] ?? ''
    if (THIS.has(word)) return thingEnds(words, at + 1, true)
    if (word === 'following' && words[at - 1] === 'the') return thingEnds(words, at + 1, false)
    if (word === 'above' && words[at - 1] === 'the')
      return at === words.length - 1 || goesOn(words, at + 1, 6) || thingEnds(words, at + 1, false)
    if (word === 'my') return verb === 0 && !/^e?-?mails?$/u.test(words[at + 1] ?? '') && thingEnds(words, at + 1, false)
    const below = words[at + 1]
    if (NOUNS.has(word) && words[at - 1] === 'the' && (below === 'below' || below === 'above'))
      return at + 2 === words.length || goesOn(words, at + 2, 6)
    if (GOES_ON.has(word) && word !== 'from' && word !== 'in') return false
  }
  return false
}

/** Where a verb of ours leads the sentence; -1: none does. */
function verbAt(words: readonly string[]): number {
  const [first = '', second = '', third = '', fourth = ''] = words
  if (VERBS.has(first)) return 0
  if (first === 'look' && second === 'at') return 1
  if ((first === 'take' || first === 'have') && third === 'look' && fourth === 'at') return 3
  if ((first === 'give' || first === 'write') && words.indexOf('summary') > 0 && words.indexOf('summary') < 5)
    return words[words.indexOf('summary') + 1] === 'of' ? words.indexOf('summary') + 1 : -1
  return -1
}

/** A thing, perhaps after one adjective, and then nothing that could be the thing itself. */
function thingEnds(words: readonly string[], at: number, adjective: boolean): boolean {
  const noun = NOUNS.has(words[at] ?? '') ? at : adjective && NOUNS.has(words[at + 1] ?? '') && !GOES_ON.has(words[at] ?? '') ? at + 1 : -1
  if (noun < 0) return false
  const next = words[noun + 1]
  if (next === undefined) return true
  const from = next === 'below' || next === 'above' ? noun + 2 : noun + 1
  const most = !SHORT_NOUNS.has(words[noun] ?? '') ? 10 : words.some((word) => TRANSLATES.has(word)) ? 2 : 4
  return from === words.length || goesOn(words, from, most)
}

function goesOn(words: readonly string[], at: number, most: number): boolean {
  return words.length - at <= most && GOES_ON.has(words[at] ?? '') && !words.slice(at).some((word) => SAYS_I.has(word))
}

/** "what's wrong with this code", "what does the function below do", "is this contract valid", "why doesn't my script work". */
function asksAbout(words: readonly string[]): boolean {
  const [first = '', second = ''] = words
  if (first === "what's" || (first === 'what' && second === 'is')) {
    const wrong = words.indexOf('wrong')
    if (wrong < 1 || wrong > 2 || words[wrong + 1] !== 'with') return false
    const mine = words[wrong + 2] === 'my'
    return (
      (mine || THIS.has(words[wrong + 2] ?? '')) && wrong + 4 === words.length && (mine ? OF_PROGRAMS : NOUNS).has(words[wrong + 3] ?? '')
    )
  }
  if (first === 'what' && second === 'does') {
    const [, , which = '', noun = '', below] = words
    const placed = below === 'below' || below === 'above'
    return (
      (THIS.has(which) || (which === 'the' && placed)) &&
      NOUNS.has(noun) &&
      words.length === (placed ? 6 : 5) &&
      ['do', 'mean', 'say', 'print', 'return', 'output'].includes(words.at(-1) ?? '')
    )
  }
  if (first === 'is') return words.length === 4 && second === 'this' && NOUNS.has(words[2] ?? '') && SOUND.has(words[3] ?? '')
  if (first === 'why') {
    return (
      (words[2] === 'my' || words[2] === 'this') && OF_PROGRAMS.has(words[3] ?? '') && words.length <= 6 && BROKEN.has(words.at(-1) ?? '')
    )
  }
  return false
}

const SENT = list('attached uploaded enclosed pasted shared')
const SPEAKS = list('write draft compose reply answer say saying says mention tell telling send how where when which who if should can')

/** "the attached report", "the file I uploaded", "see attached"; not where a message about one is to be written. */
function saysAttached(words: readonly string[]): boolean {
  if (words.length > 25 || words.some((word) => SPEAKS.has(word))) return false
  for (const [at, word] of words.entries()) {
    if (!SENT.has(word)) continue
    const before = words[at - 1] ?? ''
    const next = words[at + 1] ?? ''
    if (['the', 'this', 'my', 'these'].includes(before) && word !== 'shared' && (NOUNS.has(next) || NOUNS.has(words[at + 2] ?? '')))
      return true
    if ((before === 'see' || before === 'siehe') && at === 1) return true
    const i = before === 'just' || before === 'have' ? words[at - 2] : before
    if (i === 'i' && NOUNS.has(beforeThat(words, before === 'i' ? at - 2 : at - 3))) return true
    if (
      at < 3 &&
      (i === 'i' || before === "i've") &&
      (next === 'the' || next === 'my' || next === 'a' || next === 'this') &&
      NOUNS.has(words[at + 2] ?? '')
    )
      return true
  }
  return false
}

function beforeThat(words: readonly string[], at: number): string {
  return (words[at] === 'that' || words[at] === 'which' ? words[at - 1] : words[at]) ?? ''
}
