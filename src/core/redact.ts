// Takes our own credentials out of what a provider says. Providers echo what they were sent: in messages, in bodies, in headers.

/** Replaces each secret, and its percent- and base64-encoded forms, wherever it stands. */
export function redact(text: string, secrets: readonly string[]): string {
  let out = text
  for (const secret of secrets) {
    if (secret.length < 6) continue // too short to be a credential; replacing it would only garble words
    for (const form of formsOf(secret)) if (out.includes(form)) out = out.replaceAll(form, '[redacted]')
  }
  return out
}

function formsOf(secret: string): readonly string[] {
  const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]
  try {
    const base64 = btoa(secret)
    forms.push(base64, base64.replace(/=+$/, ''))
  } catch {
    // not Latin-1: no base64 form of it can be guessed
  }
  return forms
}
