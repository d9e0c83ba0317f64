// Talking to whoever runs a script: questions, and colours where a terminal shows them.

import { createInterface } from 'node:readline/promises'

/** Somebody is there to answer. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

export async function askYesNo(question: string): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^(y|yes)?$/i.test((await reader.question(`${question} [Y/n] `)).trim())
  } finally {
    reader.close()
  }
}

/** A line that is not shown while it is typed. */
export function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process
  return new Promise((resolve) => {
    stderr.write(question)
    let typed = ''
    stdin.setRawMode(true)
    stdin.setEncoding('utf8')
    const end = (): void => {
      stdin.setRawMode(false)
      stdin.pause()
      stdin.off('data', take)
      stderr.write('\n')
    }
    const take = (text: string): void => {
      for (const character of text) {
        if (character === '\r' || character === '\n' || character === '\u0004') {
          end()
          resolve(typed.trim())
          return
        }
        if (character === '\u0003') {
          end()
          process.exit(130)
        }
        typed = character === '\u007F' || character === '\b' ? typed.slice(0, -1) : typed + character
      }
    }
    stdin.on('data', take)
    stdin.resume()
  })
}

const COLOURS = { green: 32, red: 31, grey: 90 } as const

/** Colour only on a terminal, and not where NO_COLOR is set. */
export function coloured(text: string, colour: keyof typeof COLOURS): string {
  const shows = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
  return shows ? `\u001B[${COLOURS[colour]}m${text}\u001B[0m` : text
}
