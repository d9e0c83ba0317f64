// Owns one of the rules of needs-info: slots of a prompt template that nobody filled in.

/** Pasted forms and contracts have slots too; beyond this length a bracketed one is taken for the document's own. */
const LETTER_CHARS = 1500
/** A prompt of more brackets than this is no sentence with a slot in it. */
const MOST_CANDIDATES = 24
const LONGEST_SLOT = 60

/** What a task needs and a program would have put there: `{topic}`, `[TOPIC]`. */
const CONTENT = new Set(
  'topic text input content question query article document subject keyword keywords language user_input userinput user_query transcript paragraph passage essay context task theme genre industry niche product company_name company code_snippet source_text target_language audience target_audience'.split(
    ' ',
  ),
)

/** Beside those: what people leave to be inserted. */
const INSERTED = new Set(
  'your here the hier ici aquí job company city country story idea problem description details title book movie character event situation goal code thema sujet tema texte texto'.split(
    ' ',
  ),
)

/** Whoever speaks of these means the slots themselves. */
const ABOUT_TEMPLATES =
  /templat|placeholder|variable|mustache|handlebars|jinja|liquid|angular|vue|svelte|react|helm|ansible|twig|django|blade|n8n|zapier|workflow|mail.?merge|interpolat|f-string|string format|i18n|locali[sz]|latex|mdx|markdown|regex|merge field|curly|bracket|vorlage|platzhalter|plantilla|modèle|syntax/iu

/** Only a program or a formula looks like this. */
const CODE =
  /<\/|\/>|\{%|\{\{[#/>]|=>|\{[^{}\n]{0,60}[,:]|\$\{|\bf["']|\bprint\(|\.format\(|\bdef |\bimport |#include|;\s*\n|\\[a-z]+\{|\$[^$\n]{1,80}\$/u

/** The text that is worked on keeps its slots: only one that stands for the text itself is a gap. */
const WORKS_ON_TEXT =
  /^\W*(?:please |can you |could you )?(?:translate|rewrite|rephrase|proofread|correct|improve|review|edit|fix|shorten|check|polish|paraphrase)\b/iu
const FORM_FIELDS =
  /\b(?:name|address|e-?mail|phone|signature|title|position|contact|number|date|key|token|password|secret|id|url|host|user|username|domain|path|bucket|project|region|port|org|repo|pin|coin)\b/iu

/** Is a slot of a template left empty in this text of at most some thousand characters? */
export function hasEmptySlot(text: string): boolean {
  if (!/[{[<]|___/.test(text) && !text.includes(' here)')) return false
  const found = slotIn(text)
  return found && !ABOUT_TEMPLATES.test(text) && !CODE.test(text)
}

function slotIn(text: string): boolean {
  const strict = WORKS_ON_TEXT.test(text)
  let candidates = 0
  let past = 0
  for (const { index: at } of text.matchAll(/[{[<(]|___/g)) {
    if (at < past) continue
    const char = text.charCodeAt(at)
    candidates += 1
    if (candidates > MOST_CANDIDATES) return false
    const double = char === 123 && text.charCodeAt(at + 1) === 123
    const from = double ? at + 2 : at + 1
    past = char === 95 ? afterBlank(text, at) : from
    const to = from + text.slice(from, from + LONGEST_SLOT + 1).indexOf(CLOSING.get(char) ?? '')
    if (to < from) continue
    const inner = text.slice(from, to).trim()
    const end = to + (double ? 2 : 1)
    if (double && text.charCodeAt(to + 1) !== 125) continue
    if (char === 40 && !inner.endsWith('here')) continue
    if (char === 95 ? fillIn(text, at) : isSlot(char, double, inner, strict, text.length)) {
      if (standsFree(text, at, end) && !isQuoted(text, at, end)) return true
    }
  }
  return false
}

const CLOSING: ReadonlyMap<number, string> = new Map([
  [123, '}'],
  [91, ']'],
  [60, '>'],
  [40, ')'],
  [95, ')'],
])

function isSlot(char: number, double: boolean, inner: string, strict: boolean, length: number): boolean {
  const name = inner.toLowerCase().replaceAll(/[ -]+/g, '_')
  if (double) return /^[a-z][a-z0-9_.]+$/iu.test(name) && (!strict || CONTENT.has(name))
  if (char === 123) return CONTENT.has(name)
  if (length > LETTER_CHARS || FORM_FIELDS.test(inner.replaceAll('_', ' '))) return false
  const words = inner.replaceAll(/[_-]/gu, ' ')
  if (!/^[\p{L}\p{N} '’,/.…]+$/u.test(words)) return false
  if (char === 40) return /^(?:insert|paste|enter|add|put|type|your) .{1,50} here$/iu.test(words)
  const told = /^(?:(insert|enter|type|fill in|einfügen|insérer|insertar)|paste|your) (.{2,})$/iu.exec(words)
  // A machine says "insert coin" too: what is to be inserted must be a thing that a task needs.
  if (told !== null && (told[1] === undefined || isContent(told[2] ?? ''))) return !strict || /\bhere$|^paste /iu.test(words)
  if (/ (?:here|hier einfügen|einfügen|aquí|ici)$/iu.test(words)) return true
  return char === 91 && inner === inner.toUpperCase() && CONTENT.has(name)
}

function isContent(words: string): boolean {
  return words
    .toLowerCase()
    .split(/[ ,/.…]+/u)
    .some((word) => CONTENT.has(word) || INSERTED.has(word))
}

/** `___ (fill in)`: a blank alone is a cloze question. */
function fillIn(text: string, at: number): boolean {
  const after = afterBlank(text, at)
  return after - at >= 3 && /^ ?\((?:please )?(?:fill|add|insert|enter|complete|your )/iu.test(text.slice(after, after + 20))
}

function afterBlank(text: string, at: number): number {
  let after = at
  while (text.charCodeAt(after) === 95) after += 1
  return after
}

/** Neither an index (`list[topic]`), a link (`[text](…)`) nor part of a formula. */
function standsFree(text: string, at: number, end: number): boolean {
  const before = text.charCodeAt(at - 1)
  return (at === 0 || !/[\p{L}\p{N}_\\^$}\])@#]/u.test(String.fromCharCode(before))) && text.charAt(end) !== '(' && text.charAt(end) !== '{'
}

/** In a code block, in `code`, or in a quotation that says more than the slot. */
function isQuoted(text: string, at: number, end: number): boolean {
  if (isQuote(text.charAt(at - 1)) && isQuote(text.charAt(end))) return false
  let ticks = 0
  let quotes = 0
  for (let i = 0; i < at; i += 1) {
    const char = text.charCodeAt(i)
    if (char === 96) ticks += 1
    else if (char === 34 || char === 8220 || char === 8222 || char === 171 || char === 8221 || char === 187) quotes += 1
  }
  return ticks % 2 === 1 || quotes % 2 === 1
}

function isQuote(char: string): boolean {
  return char === '"' || char === '“' || char === '”' || char === "'"
}
