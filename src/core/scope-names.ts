// How a client's word (a customer, a tag) stands in the name of a budget: readable where it is plain, bounded whatever it is, and two
// words never in one name.

const PLAIN = /^[A-Za-z0-9._@+-]{1,64}$/
const KEPT = /[A-Za-z0-9._@+-]/
/** An escaped name may be this long; of a longer word the SHA-256 stands. */
const LONGEST = 256

/** `%` and two hexadecimal digits for each byte that is not plain; `null`: that is too long. Never begins with `~` or `*`. */
export function escapedName(word: string): string | null {
  if (PLAIN.test(word)) return word
  let name = ''
  for (const byte of new TextEncoder().encode(word.length > LONGEST ? word.slice(0, LONGEST + 1) : word)) {
    const character = String.fromCharCode(byte)
    name += KEPT.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    if (name.length > LONGEST) return null
  }
  return name
}

/** The escaped word, or `~` and the SHA-256 of a long one, hexadecimal. */
export async function scopeName(word: string): Promise<string> {
  const name = escapedName(word)
  if (name !== null) return name
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(word)))
  return `~${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** The word that a scope such as `tag:a%20b` stands for; of a long one what stands for it. */
export function nameOfScope(scope: string): string {
  const name = scope.slice(scope.indexOf(':') + 1)
  try {
    return decodeURIComponent(name)
  } catch {
    return name // bytes that are no text
  }
}
