// From where a client calls, as Cloudflare's edge tells it: it sets this header itself, whatever the client sent.

/** `null`: nobody tells, as on a machine of one's own. */
export function clientIp(headers: Headers): string | null {
  return headers.get('cf-connecting-ip')
}
