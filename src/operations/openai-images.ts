// Pictures as OpenAI's clients ask for them: generations (JSON), edits (JSON or a form) and variations (a form). Forwarded only.
// Source: shared/specs/openai, `/images/*`

import { usageOf } from '../core/usage.ts'
import type { Intent } from '../dialects/contract.ts'
import type { OperationClient, OperationIncoming, OperationUpstream } from './contract.ts'
import { MOST_SENT_PICTURES, pictureTokens, SENT_PICTURE_TOKENS } from './media-bounds.ts'
import { lengthOf, membersOf } from './media-members.ts'
import { pictureUsage } from './media-usage.ts'
import { OPENAI_FACE, openaiUpstream } from './openai.ts'

export const OPENAI_IMAGES = ['openai-image-generations', 'openai-image-edits', 'openai-image-variations'] as const

/** A stream of several pictures may tell the usage of each: its last one is then not the whole. */
const readUsage: OperationUpstream['readUsage'] = (text, intent) =>
  intent.stream && (intent.units?.images ?? 1) > 1 ? null : pictureUsage(text)

export const openaiImageUpstreams: readonly OperationUpstream[] = OPENAI_IMAGES.map((id) => openaiUpstream(id, 'images', readUsage))

/** How many pictures and which kind: what one costs. */
const HELD_BY = ['n', 'size', 'quality', 'stream'] as const

export const openaiImageClients: readonly OperationClient[] = [
  { ...OPENAI_FACE, id: OPENAI_IMAGES[0], kind: 'images', paths: ['/v1/images/generations'], takes: ['json'], intent },
  { ...OPENAI_FACE, id: OPENAI_IMAGES[1], kind: 'images', paths: ['/v1/images/edits'], takes: ['form', 'json'], heldBy: HELD_BY, intent },
  { ...OPENAI_FACE, id: OPENAI_IMAGES[2], kind: 'images', paths: ['/v1/images/variations'], takes: ['form'], heldBy: HELD_BY, intent },
]

function intent(incoming: OperationIncoming): Intent {
  const members = membersOf(incoming)
  const model = members.model()
  const images = members.count('n') ?? 1
  const picture = { quality: members.text('quality'), size: members.text('size') }
  const stream = members.flag('stream')
  const sent = sentPictures(incoming)
  const words = incoming.json === null ? incoming.form.textBytes : incoming.json.byteLength
  return {
    model,
    stream,
    wantsUsage: true,
    maxOutputTokens: pictureTokens(model, images, picture, stream),
    isCeilingFixed: true,
    reasoningTokens: null,
    choices: 1,
    needs: new Set(),
    inputBound: words + sent * SENT_PICTURE_TOKENS,
    endUserId: members.text('user'),
    session: null,
    nowSeconds: incoming.nowSeconds,
    units: { images },
    knownUnits: { images },
    guess: usageOf({
      input: Math.ceil((members.text('prompt') ?? '').length / 3),
      inputImage: Math.ceil((sent * SENT_PICTURE_TOKENS) / 16),
      outputImage: pictureTokens(model, images, { ...picture, quality: picture.quality === 'auto' ? null : picture.quality }, false),
      units: { images },
    }),
    picture,
  }
}

/** Pictures in the request; of a form that is not all here yet the most that there can be. */
function sentPictures(incoming: OperationIncoming): number {
  const { form } = incoming
  if (form !== null) return form.isWhole ? form.files : MOST_SENT_PICTURES
  return lengthOf(incoming, 'images') + lengthOf(incoming, 'image') + lengthOf(incoming, 'mask')
}
