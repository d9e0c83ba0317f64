// Which candidates can do what a request asks: several answers, pictures, sound, files. What nobody can do is refused before anything is spent.

import { GatewayError } from '../../core/errors.ts'
import type { ModelEntry } from '../../catalogue/entry.ts'
import type { ClientFace, Intent, Need } from '../../dialects/contract.ts'
import type { Provider } from '../../providers/contract.ts'
import type { Candidate } from './candidate.ts'

/** Names that say what the data often leaves out: `us.mistral.pixtral-large`, a tuned model (`ft:…`), which can do what its base can. */
const SEES = /^ft:|vision|pixtral|llava|omni|multimodal|[-_.\d]vl\b/i
const HEARS = /^ft:|audio|voxtral|omni|realtime|multimodal/i

/** Why this candidate cannot do it; `null`: it can, or nobody knows that it cannot. */
type Lack = (candidate: Candidate, client: ClientFace) => string | null

const LACKS: { readonly [need in Need]?: Lack } = {
  many: ({ provider, model }, client) => {
    const own = voicesOf(provider, model).find(({ dialect }) => dialect === client.id)
    if (own === undefined) return 'is asked in another language, which gives one answer'
    return own.habits.refuses?.has('n') === true ? 'gives one answer' : null
  },
  image: ({ entry, model }) => (speaksOfInputs(entry) && !takes(entry, 'image', 'video') && !SEES.test(model) ? 'takes no images' : null),
  audio: ({ entry, model }) => (speaksOfInputs(entry) && !takes(entry, 'audio') && !HEARS.test(model) ? 'takes no audio' : null),
  // Places make text of files for models that read nothing else, so only where it would be on us to say it.
  file: ({ provider, entry, model }, client) => {
    if (voicesOf(provider, model).some(({ dialect, habits }) => dialect === client.id || habits.accepts?.has('plugins') === true))
      return null
    return speaksOfInputs(entry) && !takes(entry, 'file', 'image', 'audio', 'video') && !SEES.test(model) && !HEARS.test(model)
      ? 'takes text only'
      : null
  },
}

/**
 * The candidates that can do it, in their order. A model that the catalogue does not know is left in: its place will say.
 * @throws GatewayError `request-unsupported` when none is left, with the member and what each place lacks
 */
export function able(candidates: readonly Candidate[], intent: Intent, client: ClientFace): readonly Candidate[] {
  if (client.needs === undefined) return candidates
  let left = candidates
  for (const need of intent.needs) {
    const lack = LACKS[need]
    if (lack === undefined) continue
    const lacking = left.map((candidate) => lack(candidate, client))
    if (lacking.every((why) => why === null)) continue
    const rest = left.filter((_, i) => lacking[i] === null)
    if (rest.length === 0) {
      const at = client.needs[need] ?? need
      const places = left.map(({ provider, model }, i) => `${provider.id}/${model} ${lacking[i]}`)
      const message = `'${at}' is not possible here: ${[...new Set(places)].join('; ')}.${need === 'many' ? ' Send one request for each answer.' : ''}`
      throw new GatewayError('request-unsupported', message, { at })
    }
    left = rest
  }
  return left
}

function voicesOf(provider: Provider, model: string): Provider['voices'] {
  return provider.voicesFor?.(model) ?? provider.voices
}

/** An entry without any ability is one whose sources say nothing of them. */
function speaksOfInputs(entry: ModelEntry | null): entry is ModelEntry {
  return entry !== null && entry.abilities.size > 0
}

function takes({ abilities }: ModelEntry, ...kinds: readonly ('image' | 'audio' | 'video' | 'file')[]): boolean {
  return kinds.some((kind) => abilities.has(kind))
}
