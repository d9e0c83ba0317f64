// Gemini's schemas (a subset of OpenAPI 3.0) → JSON Schema, as text: type names become lower case, `nullable` becomes a type, counts
// written as strings become numbers. All else stands byte for byte, in its order: keys that move are another prompt to a provider's cache.

const LISTS: ReadonlySet<string> = new Set(['anyOf', 'any_of', 'oneOf', 'allOf', 'prefixItems', 'prefix_items'])
const MAPS: ReadonlySet<string> = new Set(['properties', 'defs', '$defs', 'definitions'])
const SCHEMAS: ReadonlySet<string> = new Set(['items', 'additionalProperties', 'additional_properties', 'not'])
/** int64 members, which proto3 JSON writes as strings. */
const COUNTS: ReadonlySet<string> = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties'])

/** `text` is the JSON text of an object that was parsed before, so its grammar is good. */
export function jsonSchemaOf(text: string): string {
  return new SchemaText(text).schema()
}

/** Walks a text once. */
class SchemaText {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#space()
  }

  schema(): string {
    if (this.#text[this.#at] !== '{') return this.#value()
    const members: { name: string; key: string; text: string }[] = []
    let isNullable = false
    this.#members((name, key) => {
      const text = this.#member(name)
      if (name === 'nullable') isNullable = text === 'true'
      else members.push({ name, key, text })
    })
    if (isNullable) {
      const type = members.find((member) => member.name === 'type')
      if (type?.text.startsWith('"') === true) type.text = `[${type.text},"null"]`
      const values = members.find((member) => member.name === 'enum')
      if (values?.text.endsWith(']') === true && !values.text.includes('null')) values.text = `${values.text.slice(0, -1)},null]`
    }
    return `{${members.map(({ key, text }) => `${key}:${text}`).join(',')}}`
  }

  #member(name: string): string {
    if (name === 'type') return this.#value().toLowerCase()
    if (MAPS.has(name) && this.#text[this.#at] === '{') {
      const out: string[] = []
      this.#members((_, key) => out.push(`${key}:${this.schema()}`))
      return `{${out.join(',')}}`
    }
    if (LISTS.has(name) && this.#text[this.#at] === '[') return `[${this.#items(() => this.schema()).join(',')}]`
    if (SCHEMAS.has(name)) return this.schema()
    const value = this.#value()
    return COUNTS.has(name) && /^"\d{1,15}"$/.test(value) ? String(Number(value.slice(1, -1))) : value
  }

  /** From the opening brace to behind the closing one; `each` reads one value. */
  #members(each: (name: string, key: string) => void): void {
    this.#step()
    while (this.#text[this.#at] !== '}') {
      const key = this.#value()
      const name: unknown = JSON.parse(key)
      this.#step() // the colon
      each(typeof name === 'string' ? name : '', key)
      this.#space()
      if (this.#text[this.#at] === ',') this.#step()
    }
    this.#step()
  }

  #items(each: () => string): readonly string[] {
    const out: string[] = []
    this.#step()
    while (this.#text[this.#at] !== ']') {
      out.push(each())
      this.#space()
      if (this.#text[this.#at] === ',') this.#step()
    }
    this.#step()
    return out
  }

  /** Any value, as it stands. */
  #value(): string {
    const start = this.#at
    let depth = 0
    do {
      const c = this.#text[this.#at]
      if (c === '"') this.#skipString()
      else if (c === '{' || c === '[') {
        depth++
        this.#at++
      } else if (c === '}' || c === ']') {
        depth--
        this.#at++
      } else if (depth > 0) this.#at++
      else while (this.#at < this.#text.length && !',}] \n\r\t'.includes(this.#text.charAt(this.#at))) this.#at++
    } while (depth > 0 && this.#at < this.#text.length)
    const value = this.#text.slice(start, this.#at)
    this.#space()
    return value
  }

  #skipString(): void {
    for (this.#at++; this.#at < this.#text.length && this.#text[this.#at] !== '"'; this.#at++) if (this.#text[this.#at] === '\\') this.#at++
    this.#at++
  }

  #step(): void {
    this.#at++
    this.#space()
  }

  #space(): void {
    while (this.#at < this.#text.length && ' \n\r\t'.includes(this.#text.charAt(this.#at))) this.#at++
  }
}
