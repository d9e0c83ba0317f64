// Owns the rules that say a model would have to ask back. They are structural and few, made for precision: what was learnt of such prompts did
// not carry over from one source to another (it fired on most of the ordinary ones), so nothing here is learnt.

import type { NeedsInfo, Subject } from './contract.ts'
import { lacksObject, maySpeakOfAbsent, plainSentence, refersToAbsent } from './references.ts'
import { hasEmptySlot } from './slots.ts'

/** Of a long text its beginning and its end are looked at. */
const END_CHARS = 2000
/** Longer instructions may hold what the message speaks of. */
const BARE_SYSTEM_CHARS = 200
/** Under such instructions the message is material, not a wish: "fix it" is then something to translate. */
const MESSAGE_IS_MATERIAL = /translat|classif|rewrit|correct|label|extract|input|document|text|message|sentence|übersetz|tradu/iu

/** Why a model would have to ask; `null`: no rule fires. Bounded work whatever the length. */
export function needsInfo(subject: Subject): NeedsInfo | null {
  const { prompt } = subject
  if (subject.turns !== 0 || subject.attachments > 0) return null
  if (slotIn(prompt)) return 'template-slot'
  if (!isAlone(subject) || !maySpeakOfAbsent(prompt)) return null
  const words = plainSentence(prompt)
  if (words === null) return null
  if (lacksObject(words)) return 'no-object'
  return refersToAbsent(words) ? 'absent-reference' : null
}

/** The ends of a long text are joined only where one of them has a slot: a joined text is copied. */
function slotIn(prompt: string): boolean {
  if (prompt.length <= 2 * END_CHARS) return hasEmptySlot(prompt)
  const [beginning, end] = [prompt.slice(0, END_CHARS), prompt.slice(-END_CHARS)]
  return (hasEmptySlot(beginning) || hasEmptySlot(end)) && hasEmptySlot(`${beginning}\n${end}`)
}

/** Nothing beside the message could be what it speaks of, and nothing says that it is material. */
function isAlone({ tools, format, system }: Subject): boolean {
  return tools === 0 && format === 'text' && system.length <= BARE_SYSTEM_CHARS && !MESSAGE_IS_MATERIAL.test(system)
}
