// Checks what is to become a version of the route table. For writes only: this is where Zod and the reader of conditions come in.

import { checkCondition } from '../routing/conditions.ts'
import { checkRouteDocument, checkRouteText, type Checked } from '../routing/document.ts'

export function checkRoutes(value: unknown): Checked {
  return checkRouteDocument(value, checkCondition)
}

export function checkRoutesText(text: string): Checked {
  return checkRouteText(text, checkCondition)
}
