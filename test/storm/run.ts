// `npm run storm`: providers that misbehave by a seeded timetable, asked through Sluice and straight at the same time.

import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startGateway } from '../clients/gateway-process.ts'
import { send, type Outcome } from './client.ts'
import { figures, lines } from './figures.ts'
import { startUpstream, STRAIGHT } from './upstream.ts'
import { timetable } from './weather.ts'

const HELP = `npm run storm -- [options]

Three stand-in providers on loopback: two fall ill and get well by a seeded timetable (5xx, 429 with Retry-After, stalls, slow
first tokens, cuts, garbage, resets, answers that break off), the third is always well. The same requests go straight to the
first, one attempt each, and through Sluice with the other two as fallbacks. Prints who got an answer, the time to the first
words, what the sick one was offered, and how soon it was used again.

  --seconds N   how long (default 60, at least 20)
  --rate N      requests a second each way (default 20)
  --seed TEXT   the weather (default "storm")
  --json        the figures as JSON

An answer that breaks off after its first words cannot be given by another; those are the failures that remain.
Exit codes: 0 it ran; 2 not understood, or the gateway did not start.`

const PLACES = ['groq', 'together', 'cerebras'] as const
const [FIRST] = PLACES
/** Short limits, so that a stall is decided while somebody watches. */
const LIMITS = { SLUICE_HEADERS_TIMEOUT_MS: '2500', SLUICE_FIRST_CONTENT_TIMEOUT_MS: '2500', SLUICE_IDLE_TIMEOUT_MS: '2500' }

async function storm(seed: string, seconds: number, rate: number, isJson: boolean): Promise<void> {
  const spells = timetable(`${seed}/${FIRST}`, seconds * 1000)
  const upstream = await startUpstream(
    new Map([
      [FIRST, spells],
      ['together', timetable(`${seed}/together`, seconds * 1000)],
    ]),
  )
  try {
    const gateway = await startGateway(upstream.origin, { ...LIMITS, SLUICE_LOG: 'off' })
    try {
      const sluice: Promise<Outcome>[] = []
      const straight: Promise<Outcome>[] = []
      const body = (stream: boolean): object => ({ messages: [{ role: 'user', content: 'Weather the storm.' }], max_tokens: 50, stream })
      const through = (stream: boolean, at: number): Promise<Outcome> => {
        const [model, ...models] = PLACES.map((place) => `${place}/storm-1`)
        return send(
          `${gateway.base}/v1/chat/completions`,
          { authorization: `Bearer ${gateway.key}` },
          { model, models, ...body(stream) },
          at,
        )
      }
      const past = (stream: boolean, at: number): Promise<Outcome> =>
        send(
          `${upstream.origin}/v1/chat/completions`,
          { authorization: `Bearer test-${FIRST}-credential`, [STRAIGHT]: '1' },
          { model: 'storm-1', ...body(stream) },
          at,
        )
      for (const stream of [false, true]) await Promise.all([through(stream, -1), past(stream, -1)]) // nobody is measured while they wake
      upstream.begin()
      const began = performance.now()
      for (let i = 0; i < seconds * rate; i++) {
        const due = (i * 1000) / rate
        await wait(Math.max(0, began + due - performance.now()))
        sluice.push(through(i % 2 === 0, performance.now() - began))
        straight.push(past(i % 2 === 0, performance.now() - began))
      }
      const shown = figures(FIRST, spells, await Promise.all(sluice), await Promise.all(straight), upstream.arrivals)
      console.log(isJson ? JSON.stringify({ seed, seconds, rate, ...shown }, null, 1) : lines(shown).join('\n'))
    } finally {
      await gateway.stop()
    }
  } finally {
    upstream.close()
  }
}

function whole(text: string | undefined, otherwise: number, least: number, name: string): number {
  const value = Number(text ?? otherwise)
  if (!Number.isSafeInteger(value) || value < least) throw new Error(`--${name} must be a whole number from ${least} up.`)
  return value
}

try {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      rate: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) console.log(HELP)
  else
    await storm(values.seed ?? 'storm', whole(values.seconds, 60, 20, 'seconds'), whole(values.rate, 20, 1, 'rate'), values.json === true)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
