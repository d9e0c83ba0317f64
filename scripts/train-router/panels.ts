// Who counts as cheap and who as strong in each source. The sources asked different models, so a score is only compared inside one of them.

import type { Row } from './rows.ts'

export type Panel = { readonly cheap: readonly string[]; readonly strong: readonly string[] }

const ZEROEVAL: Panel = {
  cheap: [
    'gpt-4o-mini-2024-07-18',
    'claude-3-haiku-20240307',
    'gpt-3.5-turbo-0125',
    'meta-llama-3.1-8b-instruct',
    'qwen2-7b-instruct',
    'gemma-2-9b-it',
    'phi-3.5-mini-instruct',
  ],
  strong: ['o1-mini-2024-09-12', 'o1-preview-2024-09-12', 'qwen2.5-72b-instruct', 'claude-3-5-sonnet-20241022', 'gpt-4o-2024-08-06'],
}

const PANELS: ReadonlyMap<string, Panel> = new Map([
  ['routellm-mmlu', { cheap: ['mixtral-8x7b-instruct-v0.1'], strong: ['gpt-4-1106-preview'] }],
  [
    'mmlu-pro',
    {
      cheap: [
        'llama-3.1-8b-instruct',
        'phi-3-mini-4k',
        'mixtral-8x7b-instruct-v0.1',
        'command-r',
        'mistral-7b-instruct-v0.2',
        'qwen1.5-7b-chat',
      ],
      strong: ['gemini-1.5-pro-002', 'gemini-1.5-flash-002', 'llama-3.1-70b-instruct'],
    },
  ],
  ['zeroeval-math-l5', ZEROEVAL],
  ['zeroeval-crux', ZEROEVAL],
  [
    // The columns of the others are failures of answer format more than of ability.
    'ulab-llmrouter',
    {
      cheap: ['gemma-2-9b-it', 'qwen2.5-7b-instruct', 'mistral-7b-instruct-v0.3', 'llama-3.1-8b-instruct'],
      strong: ['llama-3.1-nemotron-51b-instruct', 'llama-3.3-nemotron-super-49b-v1'],
    },
  ],
  [
    'bfcl',
    {
      cheap: [
        'claude-3-haiku-20240307-fc',
        'meta-llama_meta-llama-3-8b-instruct',
        'mistral-small-2402-fc-auto',
        'open-mistral-nemo-2407-fc-auto',
        'gpt-3.5-turbo-0125-fc',
      ],
      strong: [
        'gpt-4-0125-preview-fc',
        'gpt-4o-2024-08-06-fc',
        'gpt-4-turbo-2024-04-09-fc',
        'claude-3-5-sonnet-20240620-fc',
        'mistral-large-2407-fc-auto',
      ],
    },
  ],
])

/** @throws Error for a source without a panel */
export function panelOf(source: string): Panel {
  const panel = PANELS.get(source)
  if (panel === undefined) throw new Error(`Nobody says who is cheap in ${source}.`)
  return panel
}

/** Means over the panels' models that answered, 0 to 1. */
export type Outcome = { readonly cheap: number; readonly strong: number }

export function outcomeOf(row: Row): Outcome {
  const { cheap, strong } = panelOf(row.source)
  return { cheap: meanOf(row, cheap), strong: meanOf(row, strong) }
}

function meanOf({ id, scores }: Row, models: readonly string[]): number {
  const known = models.flatMap((model) => scores.get(model) ?? [])
  if (known.length === 0) throw new Error(`No model of its panel answered ${id}.`)
  return known.reduce((sum, score) => sum + score, 0) / known.length
}

/** Rows whose outcomes are on one scale: a source, or a task of a source that is a collection of data sets. */
export function unitOf({ source, task }: Row): string {
  return source === 'ulab-llmrouter' ? `${source}/${task}` : source
}
