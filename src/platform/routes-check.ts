// Checks what is to become a version of the route table. For writes only: this is where Zod and the reader of conditions come in.

import { parse } from '@marcbachmann/cel-js'
import { checkRouteDocument, checkRouteText, type Checked } from '../routing/document.ts'

export function checkRoutes(value: unknown): Checked {
  return checkRouteDocument(value, conditionFault)
}

export function checkRoutesText(text: string): Checked {
  return checkRouteText(text, conditionFault)
}

function conditionFault(text: string): string | null {
  try {
    parse(text)
    return null
  } catch (cause) {
    return `is no condition: ${cause instanceof Error ? (cause.message.split('\n')[0] ?? '').slice(0, 200) : 'it cannot be read'}`
  }
}
