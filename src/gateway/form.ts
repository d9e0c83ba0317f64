// A form on its way through: held until it is known what is asked, then passed on as it comes. A small one is held whole and can be sent again.

import { GatewayError } from '../core/errors.ts'
import { boundaryOf, FormScan } from '../core/form-scan.ts'
import { joinBytes } from '../core/bytes.ts'
import type { FormFields } from '../operations/contract.ts'
import type { RequestBody } from './job.ts'

/** What is held though the model is known: enough for most sounds and pictures to be sent to a second target. */
const HELD_BYTES = 1_048_576

/** What may still come behind `model` before the rest is passed on as it comes: the small fields that clients put behind a file. */
const BEHIND_BYTES = 65_536

export type Edit = { readonly name: string; readonly value: string }

export class Form implements FormFields, RequestBody {
  readonly #held: Uint8Array[]
  readonly #rest: ReadableStreamDefaultReader<Uint8Array> | null
  readonly #scan: FormScan
  readonly #most: number
  readonly #missing: readonly string[]
  #size: number
  #said: number | null
  #spent = false
  #failure: GatewayError | null = null

  private constructor(
    held: Uint8Array[],
    size: number,
    rest: ReadableStreamDefaultReader<Uint8Array> | null,
    scan: FormScan,
    said: number | null,
    most: number,
    heldBy: readonly string[],
  ) {
    this.#held = held
    this.#size = size
    this.#rest = rest
    this.#scan = scan
    this.#said = said
    this.#most = most
    this.#missing = heldBy.filter((name) => scan.field(name) === null)
  }

  /**
   * Reads on until `model` is there, which may be behind a file of `heldBytes`. `heldBy`: fields on which the hold rests.
   * @throws GatewayError `request-malformed`, `body-too-large`
   */
  static async read(
    request: Request,
    most: { readonly bytes: number; readonly heldBytes: number },
    heldBy: readonly string[],
  ): Promise<Form> {
    const scan = new FormScan(boundaryOf(request.headers.get('content-type') ?? ''))
    if (request.headers.has('content-encoding'))
      throw new GatewayError('request-malformed', 'A form must be sent plain, without content-encoding.')
    const length = request.headers.get('content-length')
    const said = length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null
    if (said !== null && said > most.bytes) throw tooLarge(most.bytes)
    if (request.body === null) throw new GatewayError('request-malformed', 'The form is empty.')
    const reader = request.body.getReader() as ReadableStreamDefaultReader<Uint8Array>
    const held: Uint8Array[] = []
    let size = 0
    let namedAt: number | null = null
    for (;;) {
      const { done, value } = await readOn(reader)
      if (done) {
        scan.end()
        return new Form(held, size, null, scan, size, most.bytes, heldBy)
      }
      size += value.length
      if (size > most.bytes) throw tooLarge(most.bytes)
      held.push(value)
      scan.push(value)
      if (scan.field('model') !== null) namedAt ??= size
      if (size > most.heldBytes && namedAt === null)
        throw new GatewayError('body-too-large', `The form has no \`model\` in its first ${most.heldBytes} bytes: put it before the file.`)
      if (size >= HELD_BYTES && namedAt !== null && size - namedAt >= BEHIND_BYTES)
        return new Form(held, size, reader, scan, said, most.bytes, heldBy)
    }
  }

  get byteLength(): number {
    return this.#rest === null ? this.#size : (this.#said ?? this.#most)
  }

  get isWhole(): boolean {
    return this.#rest === null
  }

  get files(): number {
    return this.#scan.files
  }

  get textBytes(): number {
    return this.#scan.textBytes
  }

  get bytes(): Uint8Array | null {
    return this.#rest === null ? joinBytes(this.#held) : null
  }

  get isSpent(): boolean {
    return this.#spent
  }

  /** Why the rest could not be passed on. */
  get failure(): GatewayError | null {
    return this.#failure
  }

  text(name: string): string | null {
    return this.#scan.field(name)?.value ?? null
  }

  /** The body with other values in fields that are there. What was passed on once as it came cannot be had again. */
  edited(
    edits: readonly Edit[],
    upload: (pieces: AsyncIterable<Uint8Array>, length: number | null) => ReadableStream<Uint8Array>,
  ): readonly Uint8Array[] | ReadableStream<Uint8Array> {
    const pieces = splice(joinBytes(this.#held), this.#scan, edits)
    if (this.#rest === null) return pieces
    const rest = this.#rest
    const heldBytes = this.#held.reduce((sum, piece) => sum + piece.length, 0)
    const length = this.#said === null ? null : this.#said - heldBytes + pieces.reduce((sum, piece) => sum + piece.length, 0)
    this.#spent = true
    return upload(this.#passOn(pieces, rest), length)
  }

  /** What is held would not be what is asked for. */
  #refuseLate(): void {
    const late = this.#missing.find((name) => this.#scan.field(name) !== null)
    if (late !== undefined)
      throw new GatewayError(
        'request-malformed',
        `The field '${late}' stands behind a large file, and the price rests on it: put it before the file.`,
        {
          at: late,
        },
      )
  }

  async *#passOn(pieces: readonly Uint8Array[], rest: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* pieces
    try {
      for (;;) {
        const { done, value } = await readOn(rest)
        if (done) {
          this.#scan.end()
          return
        }
        this.#size += value.length
        if (this.#size > this.#most) throw tooLarge(this.#most)
        this.#scan.push(value) // before it goes on: a second `model` never leaves
        this.#refuseLate()
        yield value
      }
    } catch (cause) {
      this.#failure = cause instanceof GatewayError ? cause : new GatewayError('client-gone', 'The client left.', { cause })
      throw cause
    } finally {
      void rest.cancel().catch(() => undefined)
    }
  }
}

async function readOn(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read()
  } catch (cause) {
    throw new GatewayError('request-malformed', 'The form did not arrive whole.', { cause })
  }
}

function splice(bytes: Uint8Array, scan: FormScan, edits: readonly Edit[]): readonly Uint8Array[] {
  const patches = edits
    .flatMap(({ name, value }) => {
      const field = scan.field(name)
      return field === null || field.value === value ? [] : [{ ...field, value }]
    })
    .sort((a, b) => a.start - b.start)
  const pieces: Uint8Array[] = []
  let at = 0
  for (const { start, end, value } of patches) {
    pieces.push(bytes.subarray(at, start), new TextEncoder().encode(value))
    at = end
  }
  return [...pieces, bytes.subarray(at)].filter((piece) => piece.length > 0)
}

function tooLarge(most: number): GatewayError {
  return new GatewayError('body-too-large', `The form is larger than ${most} bytes.`)
}
