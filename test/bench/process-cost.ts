// What a process has cost so far, as Linux counts it: CPU time of all its threads, and resident memory.

import { readdirSync, readFileSync } from 'node:fs'

/** CPU time in microseconds. The scheduler's own count is in nanoseconds; `utime + stime` comes in ticks of 10 ms. */
export function cpuMicros(pids: readonly number[]): number {
  let micros = 0
  for (const pid of pids) micros += threadsMicros(pid) ?? ticksMicros(pid)
  return micros
}

function threadsMicros(pid: number): number | null {
  let nanos = 0
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`))
      nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    return null // a kernel without scheduler statistics, or a thread that ended while it was looked at
  }
  return nanos > 0 ? nanos / 1000 : null
}

const TICK_MICROS = 10_000

function ticksMicros(pid: number): number {
  const fields = statFields(pid)
  return fields === null ? Number.NaN : (Number(fields[11]) + Number(fields[12])) * TICK_MICROS
}

/** Fields from the third (state) on: the second, the name, may hold spaces. */
function statFields(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

/** Resident memory in bytes, all processes together. */
export function residentBytes(pids: readonly number[]): number {
  let bytes = 0
  for (const pid of pids) {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    bytes += Number(match?.[1] ?? 0) * 1024
  }
  return bytes
}

/** The `workerd` processes below this one, at whatever depth. */
export function workerdPids(): readonly number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = statFields(Number(name))?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const isOurs = (pid: number): boolean => {
    for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) if (at === process.pid) return true
    return false
  }
  return [...parents.keys()].filter((pid) => isOurs(pid) && nameOf(pid) === 'workerd')
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}
