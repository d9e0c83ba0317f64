// How much memory eight pictures of 10 MiB cost at once: the peak of Sluice's workerd above what it had before.

import { setTimeout as wait } from 'node:timers/promises'
import type { Gateway, Place } from './places.ts'
import { residentBytes } from './process-cost.ts'

const AT_ONCE = 8
const PICTURE_BYTES = 10 * 1024 * 1024
const SAMPLE_MS = 5
const ROUNDS = 3
const REST_MS = 2000

export type Peak = {
  readonly place: string
  readonly beforeMib: number
  readonly peakMib: number
  readonly addedMib: number
  readonly failures: number
}

/** Each of the requests is read to its end by the upstream, which answers after a second. */
export async function measureMemory(name: string, place: Place | Gateway, model: string, key: string): Promise<readonly Peak[]> {
  const body = Buffer.from(
    JSON.stringify({
      model,
      max_tokens: 64,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is in this picture? wait=1000' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(PICTURE_BYTES)}` } },
          ],
        },
      ],
    }),
  )
  const ask = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${place.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
    })
    await response.arrayBuffer()
    return response.status === 200
  }
  const peaks: Peak[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = residentBytes(place.pids)
    let peak = before
    const timer = setInterval(() => (peak = Math.max(peak, residentBytes(place.pids))), SAMPLE_MS)
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, ask))
    clearInterval(timer)
    peaks.push({
      place: name,
      beforeMib: mib(before),
      peakMib: mib(peak),
      addedMib: mib(peak - before),
      failures: answers.filter((good) => !good).length,
    })
    await wait(REST_MS)
  }
  return peaks
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024)
}
