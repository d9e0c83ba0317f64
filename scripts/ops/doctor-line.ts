// One finding of `npm run doctor`, and how it is printed.

import { coloured } from './terminal.ts'

/** `good`; `bad`: it does not work as it is; `note`: not used, or worth knowing. */
export type Line = { readonly mark: 'good' | 'bad' | 'note'; readonly text: string; readonly todo?: string }

export const good = (text: string): Line => ({ mark: 'good', text })
export const note = (text: string, todo?: string): Line => ({ mark: 'note', text, ...(todo === undefined ? {} : { todo }) })
export const bad = (text: string, todo: string): Line => ({ mark: 'bad', text, todo })

const MARKS = { good: coloured('✓', 'green'), bad: coloured('✗', 'red'), note: coloured('–', 'grey') } as const

export function printed({ mark, text, todo }: Line): string {
  return `${MARKS[mark]} ${text}${todo === undefined ? '' : `\n    → ${todo}`}`
}
