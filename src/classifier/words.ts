// The words that are counted by their class: what they ask, bind or deny says more of how hard a prompt is than what it is about.

/** FNV-1a over lower-cased UTF-16 code units, as a signed 32-bit integer; the hash of all words here and in features.ts. */
export function hashOf(word: string): number {
  let hash = FNV_START | 0
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), FNV_PRIME)
  return hash
}

export const FNV_START = 0x811c9dc5
export const FNV_PRIME = 0x01000193

const CLASSES = {
  negation:
    'not no never none neither nor except incorrect false cannot without unless least nicht kein keine ohne niemals jamais sans aucun nunca sin non',
  quantity:
    'each every all any only exactly most total both either altogether per remaining rest twice half double triple times jede jeder alle nur genau chaque tous toutes seulement cada todos solo',
  condition:
    'if suppose assume let given then when such that where unless otherwise whenever whether provided wenn falls angenommen sei si supposons lorsque supongamos cuando',
  asking:
    'explain why describe compare analyze analyse discuss evaluate justify interpret assess warum erkläre beschreibe vergleiche pourquoi expliquez explique comparez compara',
  writing:
    'write generate create compose draft essay poem story email letter blog article summary summarize summarise rewrite paraphrase translate suggest recommend list ideas rephrase proofread shorten format fix thanks hello please schreibe übersetze formuliere fasse écris écrivez traduis traduisez résume escribe traduce resume',
  calculation:
    'calculate compute find determine solve evaluate simplify integral derivative equation value sum product how prove derive show berechne bestimme beweise löse calcule calculez déterminer démontrer calcula determina demuestra',
  sequence:
    'after before first second finally next later during until while since meanwhile afterwards nachdem bevor danach avant après antes después',
  person: 'i me my we our you your ich mein wir du sie je mon nous vous yo mi nosotros',
} as const

export type WordClass = keyof typeof CLASSES

export const WORD_CLASSES = [
  'negation',
  'quantity',
  'condition',
  'asking',
  'writing',
  'calculation',
  'sequence',
  'person',
] as const satisfies readonly WordClass[]

/** Common words of the languages that are learnt from, in which a text of theirs is recognised. */
const COMMON =
  'the a an and or of to in is are was were be been being it its this that these those for on with as at by from have has had having can could do does did doing will would shall should may might must about into onto over under between through against there here their them they he she him his her hers which what who whom whose why how than so too very also just more much many some such same other another own up down out off again further once because but however therefore thus hence following which one two three four best correct true likely answer answers question questions option options statement statements choose select please want need would like know tell say said get got make made use used using used now new der die das und ist nicht ein eine einen einem einer zu mit auf für von den dem im le la les un une des du et est pour dans que qui sur avec au aux ce cette el los las una y es para en por con del lo al se il gli e di che per non sono della nel os as um uma em no na do da o het een van te'

const SLOTS = 2048
const NONE = 0xffff

const hashes = new Int32Array(SLOTS)
const values = new Uint16Array(SLOTS).fill(NONE)

for (const word of COMMON.split(' ')) put(hashOf(word), 0)
WORD_CLASSES.forEach((name, i) => {
  for (const word of CLASSES[name].split(' ')) {
    const hash = hashOf(word)
    const before = bitsOf(hash)
    put(hash, (before < 0 ? 0 : before) | (1 << i))
  }
})

function put(hash: number, bits: number): void {
  let slot = hash & (SLOTS - 1)
  while (values[slot] !== NONE && hashes[slot] !== hash) slot = (slot + 1) & (SLOTS - 1)
  hashes[slot] = hash
  values[slot] = bits
}

/** Bits of the word's classes, one for each in the order of WORD_CLASSES; 0: only a common word; -1: none of these. A table of its own: a Map boxes such keys. */
export function bitsOf(hash: number): number {
  let slot = hash & (SLOTS - 1)
  for (;;) {
    const bits = values[slot] ?? NONE
    if (bits === NONE) return -1
    if (hashes[slot] === hash) return bits
    slot = (slot + 1) & (SLOTS - 1)
  }
}
