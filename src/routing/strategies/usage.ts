// Who has most room in this minute's limits, relative to them. Nobody's limit is known: behind those who surely have room, before those who
// surely have none; so an account that is paid by quota is used up before one that is paid by the token.

import type { Option, Strategy, View } from '../contract.ts'
import { ranked, shuffled, usedShare } from '../ordering.ts'

export const usage: Strategy = {
  id: 'usage',
  order: (options, view) =>
    ranked(
      shuffled(options, view.random),
      (option) => scoreOf(option, view),
      (option) => whyOf(usedShare(option, view)),
    ),
}

/** 0 to 1: the part that is used; 2 to 3: no limit, fewer requests for its weight first; above 3: no room. */
function scoreOf(option: Option, view: View): number {
  const used = usedShare(option, view)
  if (used !== null) return used <= 1 ? used : 2 + used
  const load = option.health.minute.requests / option.weight
  return 2 + load / (1 + load)
}

function whyOf(used: number | null): string {
  return used === null ? 'no-limit' : used <= 1 ? 'headroom' : 'no-room'
}
