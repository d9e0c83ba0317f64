// The one place that runs wrangler: its arguments, what it reads from its standard input, what it said. Tests replace it by a recorder.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Ran = { readonly code: number; readonly out: string; readonly err: string }

export type WranglerCall = {
  /** Written to its standard input, which is then closed. Secrets go this way only: arguments can be seen by every process. */
  readonly input?: string
  /** What it says goes to the terminal, too. */
  readonly shown?: boolean
}

export type Wrangler = (args: readonly string[], call?: WranglerCall) => Promise<Ran>

const SCRIPT = fileURLToPath(new URL('../../node_modules/wrangler/bin/wrangler.js', import.meta.url))

/** The wrangler of this checkout, under the Node that runs now. Never interactive, and without log files: they would hold what it sends. */
export function wranglerIn(folder: string): Wrangler {
  return (args, call = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [SCRIPT, ...args], {
        cwd: folder,
        env: { ...process.env, WRANGLER_WRITE_LOGS: 'false', WRANGLER_HIDE_BANNER: 'true', NO_COLOR: '1' },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      let out = ''
      let err = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text
        if (call.shown === true) process.stdout.write(text)
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text
        if (call.shown === true) process.stderr.write(text)
      })
      // It may end before it has read all: its exit code says why.
      child.stdin.on('error', () => undefined)
      child.stdin.end(call.input ?? '')
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? 1, out, err }))
    })
}
