// Takes our own credentials out of what a provider says. Providers echo what they were sent: in messages, in bodies, in headers.

/** A function that replaces each secret, and its percent- and base64-encoded forms, wherever it stands. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // Shorter ones are no credentials; replacing them would only garble words.
  const forms = [...new Set(secrets.filter((secret) => secret.length >= 6).flatMap(formsOf))]
  return (text) => {
    let out = text
    for (const form of forms) if (out.includes(form)) out = out.replaceAll(form, '[redacted]')
    return out
  }
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
