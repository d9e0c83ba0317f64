// `npm run evaluate:router`: what the classifier is worth on sources that it has not seen, beside the number of words and chance.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TRAINED } from '../../src/classifier/trained.ts'
import { crossed } from './crossed.ts'
import { KINDS, kindOf } from './kinds.ts'
import { apgr, auc, bootstrap, calibrationError, cheapShare, RESAMPLES, wordsOf, type Interval } from './measure.ts'
import { mmluAlone } from './mmlu-alone.ts'
import { outcomeOf, type Outcome } from './panels.ts'
import { loadLabelled, loadRows, type Row } from './rows.ts'
import { loadWritten } from './written.ts'

const DOCUMENT = join(import.meta.dirname, '../../docs/router-evaluation.md')

/** Two models of a source, beside its panels. */
const PAIRS: ReadonlyMap<string, readonly (readonly [string, string])[]> = new Map([
  ['routellm-mmlu', [['mixtral-8x7b-instruct-v0.1', 'gpt-4-1106-preview']]],
  [
    'mmlu-pro',
    [
      ['llama-3.1-8b-instruct', 'gemini-1.5-pro-002'],
      ['phi-3-mini-4k', 'llama-3.1-70b-instruct'],
    ],
  ],
  [
    'zeroeval-math-l5',
    [
      ['gpt-4o-mini-2024-07-18', 'o1-mini-2024-09-12'],
      ['claude-3-haiku-20240307', 'claude-3-5-sonnet-20241022'],
    ],
  ],
  [
    'zeroeval-crux',
    [
      ['gpt-4o-mini-2024-07-18', 'o1-mini-2024-09-12'],
      ['claude-3-haiku-20240307', 'claude-3-5-sonnet-20241022'],
    ],
  ],
  [
    'ulab-llmrouter',
    [
      ['mistral-7b-instruct-v0.3', 'llama-3.1-nemotron-51b-instruct'],
      ['gemma-2-9b-it', 'llama-3.1-nemotron-51b-instruct'],
    ],
  ],
  ['bfcl', [['claude-3-haiku-20240307-fc', 'gpt-4-0125-preview-fc']]],
])

const LOSSES = [0.01, 0.02, 0.05] as const

const three = (value: number): string => value.toFixed(3)
const shown = ({ value, low, high }: Interval): string => `${three(value)} (${three(low)} to ${three(high)})`
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`
const percents = ({ value, low, high }: Interval): string => `${percent(value)} (${percent(low)} to ${percent(high)})`

type Part = { readonly rows: readonly Row[]; readonly scores: readonly number[]; readonly words: readonly number[] }

const lines: string[] = []
const say = (line = ''): void => {
  lines.push(line)
  console.log(line)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  say(`| ${head.join(' | ')} |`)
  say(`|${head.map(() => '---').join('|')}|`)
  for (const row of rows) say(`| ${row.join(' | ')} |`)
  say()
}

function compared({ scores, words }: Part, outcomes: readonly Outcome[]): readonly string[] {
  const ours = bootstrap(scores.length, (picked) => apgr(scores, outcomes, picked))
  const theirs = apgr(words, outcomes)
  const gain = bootstrap(scores.length, (picked) => apgr(scores, outcomes, picked) - apgr(words, outcomes, picked))
  return [shown(ours), three(theirs), shown(gain)]
}

function main(): void {
  if (process.argv.includes('--help')) {
    console.log(`npm run evaluate:router [-- --write]

Fits the classifier once for each source that is left out and tells what it is worth there. --write puts it into docs/router-evaluation.md.
Takes a minute or two. Rows of bfcl.jsonl are measured where SLUICE_ROUTER_DATA or ../shared/routing has them.`)
    return
  }
  const progress = (line: string): void => console.error(line)
  const rows = loadRows('if-present')
  const verdicts = crossed({ rows, written: loadWritten(), labelled: loadLabelled() }, progress)
  const outcomes = rows.map(outcomeOf)
  const scores = verdicts.map(({ score }) => score)
  const words = rows.map(({ prompt }) => wordsOf(prompt))
  const part = (is: (row: Row) => boolean): Part & { readonly at: readonly number[] } => {
    const at = rows.flatMap((row, i) => (is(row) ? [i] : []))
    const of = <T>(values: readonly T[], one: T): readonly T[] => at.map((i) => values[i] ?? one)
    return { at, rows: at.flatMap((i) => rows[i] ?? []), scores: of(scores, 0), words: of(words, 0) }
  }
  const sources = [...new Set(rows.map(({ source }) => source))]

  say('# What the classifier is worth')
  say()
  say(
    `Measured ${new Date().toISOString().slice(0, 10)} by \`npm run evaluate:router\`; the trained file is ${TRAINED.version}. Every figure is of prompts of a source that the fit has not seen, but where it says otherwise. Intervals are 95 % (percentile bootstrap, ${RESAMPLES} resamples).`,
  )
  say()
  say(
    'APGR is the mean share of the gap between a cheap and a strong model that is recovered, over all shares of strong calls: 0.5 is chance. The baseline is the number of words of the prompt; a difference whose interval has 0 in it is none.',
  )
  say()
  say('## One source left out')
  say()
  say('Cheap and strong are means over panels of models (`scripts/train-router/panels.ts`).')
  say()
  const parts = sources.map((source) => ({ source, ...part((row) => row.source === source) }))
  const outcomesOf = (at: readonly number[]): readonly Outcome[] => at.flatMap((i) => outcomes[i] ?? [])
  table(
    ['source', 'n', 'cheap', 'strong', 'APGR', 'by words', 'difference', 'AUC', 'AUC by words', 'calibration error'],
    parts.map(({ source, at, ...one }) => {
      const mine = outcomesOf(at)
      const fails = mine.map(({ cheap }) => 1 - cheap)
      const mean = (values: readonly number[]): string => three(values.reduce((sum, value) => sum + value, 0) / values.length)
      return [
        source,
        `${at.length}`,
        mean(mine.map(({ cheap }) => cheap)),
        mean(mine.map(({ strong }) => strong)),
        ...compared(one, mine),
        three(auc(one.scores, fails)),
        three(auc(one.words, fails)),
        three(calibrationError(one.scores, fails)),
      ]
    }),
  )
  const gain = meanGain(parts.map(({ at, scores: ours, words: theirs }) => ({ scores: ours, words: theirs, outcomes: outcomesOf(at) })))
  say(
    `**Mean over the ${parts.length} sources: ${three(gain.ours)}, by words ${three(gain.theirs)}; difference ${shown(gain.difference)}** (each source resampled by itself).`,
  )
  say()
  say('Mathematical problems by themselves:')
  say()
  table(
    ['rows', 'n', 'APGR', 'by words', 'difference'],
    [
      ['zeroeval-math-l5', part(({ source }) => source === 'zeroeval-math-l5')] as const,
      ['gsm8k of ulab-llmrouter', part(({ source, task }) => source === 'ulab-llmrouter' && task === 'gsm8k')] as const,
    ].map(([name, one]) => [name, `${one.at.length}`, ...compared(one, outcomesOf(one.at))]),
  )
  say('Single pairs:')
  say()
  table(
    ['source', 'pair', 'n', 'gap', 'APGR', 'by words', 'difference'],
    sources.flatMap((source) =>
      (PAIRS.get(source) ?? []).map(([cheap, strong]) => {
        const one = part((row) => row.source === source && row.scores.has(cheap) && row.scores.has(strong))
        const mine = one.rows.map(({ scores: by }) => ({ cheap: by.get(cheap) ?? 0, strong: by.get(strong) ?? 0 }))
        const gap = mine.reduce((sum, outcome) => sum + outcome.strong - outcome.cheap, 0) / mine.length
        return [source, `${cheap} / ${strong}`, `${mine.length}`, three(gap), ...compared(one, mine)]
      }),
    ),
  )
  say('## How much may go to the cheap model')
  say()
  say(
    'The largest share of a source, easiest first, that loses at most so much of the strong panel’s mean score. By words in brackets; "at random" is what a coin loses.',
  )
  say()
  table(
    ['source', 'n', ...LOSSES.map((loss) => `${100 * loss} % loss`), 'at random, 1 / 2 / 5 %'],
    parts.map(({ source, at, scores: ours, words: theirs }) => {
      const mine = outcomesOf(at)
      const strong = mine.reduce((sum, one) => sum + one.strong, 0)
      const gap = mine.reduce((sum, one) => sum + one.strong - one.cheap, 0)
      return [
        source,
        `${at.length}`,
        ...LOSSES.map(
          (loss) =>
            `${percents(bootstrap(at.length, (picked) => cheapShare(ours, mine, loss, picked), 300))} [${percent(cheapShare(theirs, mine, loss))}]`,
        ),
        LOSSES.map((loss) => percent(gap <= 0 ? 1 : Math.min(1, (loss * strong) / gap))).join(' / '),
      ]
    }),
  )
  kinds(
    rows,
    verdicts.map(({ difficulty }) => difficulty === 'easy'),
    words,
    outcomes,
  )
  say('## A check of method: `routellm-mmlu` alone')
  say()
  const alone = mmluAlone(
    rows.filter(({ source }) => source === 'routellm-mmlu'),
    progress,
  )
  say(
    'A second model of the same features, words and pairs of words with free weights on the gap itself, trained and tested on this one source by 5-fold cross-validation (mixtral-8x7b / gpt-4-1106). It does not ship: such models are better at home and worse elsewhere.',
  )
  say()
  table(['n', 'APGR', 'by words', 'difference'], [[`${alone.scores.length}`, ...compared({ ...alone, rows: [] }, alone.outcomes)]])
  if (process.argv.includes('--write')) {
    writeFileSync(DOCUMENT, `${lines.join('\n').trimEnd()}\n`)
    progress(`Written to ${DOCUMENT}.`)
  }
}

/** The means over parts and their difference, each part resampled by itself. */
function meanGain(
  parts: readonly { readonly scores: readonly number[]; readonly words: readonly number[]; readonly outcomes: readonly Outcome[] }[],
): {
  readonly ours: number
  readonly theirs: number
  readonly difference: Interval
} {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const gains = parts.map((one, seed) => {
    const drawn: number[] = []
    bootstrap(
      one.scores.length,
      (picked) => {
        const gain = apgr(one.scores, one.outcomes, picked) - apgr(one.words, one.outcomes, picked)
        drawn.push(gain)
        return gain
      },
      RESAMPLES,
      seed + 1,
    )
    return drawn.slice(0, RESAMPLES)
  })
  const means = Array.from({ length: RESAMPLES }, (_, r) => mean(gains.map((drawn) => drawn[r] ?? 0))).sort((a, b) => a - b)
  const ours = mean(parts.map((one) => apgr(one.scores, one.outcomes)))
  const theirs = mean(parts.map((one) => apgr(one.words, one.outcomes)))
  return {
    ours,
    theirs,
    difference: {
      value: ours - theirs,
      low: means[Math.floor(0.025 * RESAMPLES)] ?? NaN,
      high: means[Math.ceil(0.975 * RESAMPLES) - 1] ?? NaN,
    },
  }
}

function kinds(rows: readonly Row[], easy: readonly boolean[], words: readonly number[], outcomes: readonly Outcome[]): void {
  say('## Where scorers by keyword fail')
  say()
  say(
    'Of the prompts of a kind that the cheap panel failed (less than half of it was right), the share that is called easy; beside it the same for the shortest prompts, as many of each source as are called easy there.',
  )
  say()
  const byWords = shortest(rows, easy, words)
  const of = (is: (row: Row) => boolean): readonly string[] => {
    const failed = rows.flatMap((row, i) => (is(row) && (outcomes[i]?.cheap ?? 1) < 0.5 ? [i] : []))
    const traffic = rows.flatMap((row, i) => (is(row) ? [i] : []))
    const share = (flags: readonly boolean[], picked: Int32Array): number => {
      let sum = 0
      for (const at of picked) if (flags[failed[at] ?? 0] === true) sum++
      return sum / Math.max(1, picked.length)
    }
    return [
      `${failed.length} of ${traffic.length}`,
      percents(bootstrap(failed.length, (picked) => share(easy, picked))),
      percents(bootstrap(failed.length, (picked) => share(byWords, picked))),
      percents(bootstrap(failed.length, (picked) => share(easy, picked) - share(byWords, picked))),
      percent(traffic.filter((i) => easy[i] === true).length / Math.max(1, traffic.length)),
    ]
  }
  table(
    ['kind', 'failed', 'called easy', 'easy by words', 'difference', 'easy of all its prompts'],
    [
      ...KINDS.map((kind) => [kind, ...of((row) => kindOf(row) === kind)]),
      ['**all five**', ...of((row) => kindOf(row) !== null)],
      ['everything else', ...of((row) => kindOf(row) === null)],
    ],
  )
  const share = (is: (row: Row) => boolean): string => {
    const at = rows.flatMap((row, i) => (is(row) ? [i] : []))
    return percent(at.filter((i) => easy[i] === true).length / at.length)
  }
  say(
    `Easy traffic at that: ${[...new Set(rows.map(({ source }) => source))].map((source) => `${source} ${share((row) => row.source === source)}`).join(', ')}.`,
  )
  say()
}

/** The shortest of each source, as many as are flagged there. */
function shortest(rows: readonly Row[], flagged: readonly boolean[], words: readonly number[]): readonly boolean[] {
  const result = rows.map(() => false)
  for (const source of new Set(rows.map((row) => row.source))) {
    const at = rows.flatMap((row, i) => (row.source === source ? [i] : []))
    const many = at.filter((i) => flagged[i] === true).length
    for (const i of at.toSorted((a, b) => (words[a] ?? 0) - (words[b] ?? 0)).slice(0, many)) result[i] = true
  }
  return result
}

main()
