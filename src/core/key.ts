// The text of a key, `sk-sluice-<id>-<secret>-<tag>`: made, taken apart, checked. The tag is an HMAC, so a made-up key is refused
// with no storage touched. Nothing here keeps or logs a key.

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789'
const ID_LENGTH = 12
const SECRET_LENGTH = 32
const TAG_LENGTH = 16
const PREFIX = 'sk-sluice-'
const SHAPE = new RegExp(`^${PREFIX}([${ALPHABET}]{${ID_LENGTH}})-([${ALPHABET}]{${SECRET_LENGTH}})-([${ALPHABET}]{${TAG_LENGTH}})$`)
const LONGEST = PREFIX.length + ID_LENGTH + SECRET_LENGTH + TAG_LENGTH + 2
const encoder = new TextEncoder()

export type KeyParts = { readonly id: string; readonly secret: string; readonly tag: string }

/** Does it claim to be made here? Such a text stands or falls with its tag. */
export function isOurs(text: string): boolean {
  return text.startsWith(PREFIX)
}

/** `null`: not of our format. */
export function parseKey(text: string): KeyParts | null {
  if (text.length !== LONGEST) return null
  const match = SHAPE.exec(text)
  return match === null ? null : { id: match[1] as string, secret: match[2] as string, tag: match[3] as string }
}

/** A new random name of `length` characters. The alphabet has 32 letters, so five bits a character and no bias. */
export function randomName(length: number): string {
  return letters(crypto.getRandomValues(new Uint8Array(length)))
}

/** A new key's text. 160 bits of secret. */
export async function makeKey(signing: CryptoKey): Promise<{ readonly text: string; readonly id: string }> {
  const id = randomName(ID_LENGTH)
  return { id, text: await keyText(signing, id) }
}

/** A new secret for a key that exists: rotation keeps the id, and with it budget and spend. */
export async function keyText(signing: CryptoKey, id: string): Promise<string> {
  const secret = randomName(SECRET_LENGTH)
  return `${PREFIX}${id}-${secret}-${await tagOf(signing, id, secret)}`
}

/** What a signing secret is imported as. */
export function importSigning(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
}

/** Was this key signed with one of the secrets? Always does the work of all of them, so that the time says nothing. */
export async function isGenuine(parts: KeyParts, signing: readonly CryptoKey[]): Promise<boolean> {
  let genuine = false
  for (const key of signing) if (sameText(await tagOf(key, parts.id, parts.secret), parts.tag)) genuine = true
  return genuine
}

/** What is stored of a key, and what the keys API calls its hash: SHA-256 of the text, in hexadecimal. */
export async function hashKey(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Equality in a time that depends on the lengths only. */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % (b.length || 1))
  return difference === 0
}

/** How a key is shown after its making: enough to recognise it, nothing to use it with. */
export function keyLabel(text: string): string {
  return `${text.slice(0, PREFIX.length + 4)}...${text.slice(-4)}`
}

/** Is this the label of a key whose newest secret was made here? */
export function isOurLabel(label: string): boolean {
  return label.startsWith(PREFIX)
}

/** How an imported key is shown until it is rotated. Its text may be short, so nothing of it is shown. */
export function importedLabel(hash: string): string {
  return `imported-${hash.slice(0, 8)}`
}

/** The id of a key that brings its own secret. */
export function newKeyId(): string {
  return randomName(ID_LENGTH)
}

async function tagOf(signing: CryptoKey, id: string, secret: string): Promise<string> {
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', signing, encoder.encode(`${id}-${secret}`)))
  return letters(mac.subarray(0, TAG_LENGTH))
}

function letters(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += ALPHABET[byte & 31]
  return out
}
