// The printed form of the verdicts: a table by provider and API, and a reason for every recording that did not pass.

import { coloured } from '../ops/terminal.ts'
import type { Verdict } from './verdict.ts'

/** `all`: also the notes of those that passed. */
export function reportLines(verdicts: readonly Verdict[], all: boolean): readonly string[] {
  const lines: string[] = []
  const groups = Map.groupBy(verdicts, ({ provider, api }) => `${provider}\t${api}`)
  const width = Math.max(...verdicts.map(({ provider, api }) => provider.length + api.length + 2), 20)
  for (const key of [...groups.keys()].toSorted((a, b) => a.localeCompare(b, 'en'))) {
    const group = groups.get(key) ?? []
    const [provider, api] = key.split('\t')
    const count = (outcome: Verdict['outcome']): number => group.filter((one) => one.outcome === outcome).length
    const unjudged = count('not judged')
    const tail = unjudged === 0 ? '' : coloured(`  ${unjudged} not judged: ${reasonsOf(group)}`, 'grey')
    const judged = group.length - unjudged
    const score = judged === 0 ? '' : coloured(`${count('pass')}/${judged}`, count('fail') === 0 ? 'green' : 'red')
    lines.push(`${`${provider}  ${api}`.padEnd(width)}  ${score}${tail}`)
    for (const one of group) {
      if (one.outcome === 'fail') lines.push(`  ${coloured('✗', 'red')} ${one.id}`, ...one.reasons.map((reason) => `      ${reason}`))
      if (all && one.outcome === 'pass' && one.notes.length > 0) lines.push(`  – ${one.id}: ${one.notes.join('; ')}`)
    }
  }
  return [...lines, '', summary(verdicts)]
}

function reasonsOf(group: readonly Verdict[]): string {
  return [...new Set(group.filter(({ outcome }) => outcome === 'not judged').flatMap(({ reasons }) => reasons))].slice(0, 3).join('; ')
}

function summary(verdicts: readonly Verdict[]): string {
  const of = (outcome: Verdict['outcome']): number => verdicts.filter((one) => one.outcome === outcome).length
  const noted = verdicts.filter(({ outcome, notes }) => outcome === 'pass' && notes.some((note) => note.startsWith('request:'))).length
  const unread = verdicts.filter(
    ({ outcome, notes }) => outcome === 'pass' && notes.some((note) => note.startsWith('its request is not') || note.includes('forwarded')),
  ).length
  const asides = [
    noted === 0 ? '' : `${noted} with a member that is named and not said to their model`,
    unread === 0 ? '' : `${unread} whose request can only be forwarded`,
  ].filter((aside) => aside !== '')
  return `${verdicts.length} recordings: ${of('pass')} pass${asides.length === 0 ? '' : ` (${asides.join(', ')}: --verbose names them)`}, ${of('fail')} fail, ${of('not judged')} not judged.`
}
