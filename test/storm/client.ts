// A client of a storm: sends one chat, and says whether the whole answer came and how long it took.

import { TEXT } from './upstream.ts'

/** Milliseconds since the beginning, and how long: to the first words, and to the end. `failure` `null`: the whole answer came. */
export type Outcome = { readonly at: number; readonly firstMs: number | null; readonly totalMs: number; readonly failure: string | null }

/** A client gives up then. */
const PATIENCE_MS = 30_000

export async function send(url: string, headers: { readonly [name: string]: string }, body: object, at: number): Promise<Outcome> {
  const began = performance.now()
  let firstMs: number | null = null
  const since = (): number => performance.now() - began
  const failed = (failure: string): Outcome => ({ at, firstMs, totalMs: since(), failure })
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    if (response.status !== 200 || response.body === null) {
      await response.text()
      return failed(`status ${response.status}`)
    }
    const decoder = new TextDecoder()
    let text = ''
    for await (const piece of response.body) {
      text += decoder.decode(piece, { stream: true })
      if (text.includes('"content":"')) firstMs ??= since()
    }
    const failure = judge(text, response.headers.get('content-type') ?? '')
    return failure === null ? { at, firstMs, totalMs: since(), failure } : failed(failure)
  } catch (cause) {
    return failed(firstMs === null ? nameOf(cause) : 'broke off')
  }
}

function nameOf(cause: unknown): string {
  return cause instanceof Error && cause.name === 'TimeoutError' ? 'no answer in time' : 'connection lost'
}

/** `null`: the answer is whole. */
function judge(text: string, type: string): string | null {
  if (!type.includes('event-stream')) return contentOf(text) === TEXT ? null : 'garbled'
  const events = text.split('\n\n').flatMap((frame) => (frame.startsWith('data: ') ? [frame.slice(6)] : []))
  if (events.some((event) => event.includes('"error"'))) return 'error in the stream'
  if (events.at(-1) !== '[DONE]') return 'broke off'
  const words = events.slice(0, -1).map((event) => contentOf(event) ?? '')
  return words.join('') === TEXT ? null : 'garbled'
}

function contentOf(json: string): string | null {
  try {
    const { choices } = JSON.parse(json) as { readonly choices?: readonly { readonly [name: string]: { readonly content?: unknown } }[] }
    const said = choices?.[0]?.['message'] ?? choices?.[0]?.['delta']
    return typeof said?.content === 'string' ? said.content : null
  } catch {
    return null
  }
}
