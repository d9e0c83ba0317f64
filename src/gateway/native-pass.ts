// Carries a forwarded stream natively: no JavaScript sees a chunk on its way to the client. A copy is looked at now and then for the
// books, and its looks are so few and so bounded that it never runs far ahead of a slow client (a tee keeps what one side has not read).

/** Between two looks at the copy. Ends of streams are looked at at once. */
const LOOK_MS = 200
/** What one look takes at most: with a client that does not read, no more than this is buffered for it every `LOOK_MS`. */
const LOOK_BYTES = 65_536

/** How long a broken stream's copy may take to give what it still holds. */
const DRAIN_MS = 1000

export type Looks = {
  /** What came since the last look. */
  look(bytes: Uint8Array): void
  /** The pipe broke: end the source, so that the copy ends too. */
  broken(): void
}

/**
 * Pipes `source` into `sink`, which stays open, and shows a copy to `looks`. Resolves or rejects only when the copy is read to its end:
 * of a stream that broke too, or what came since the last look would be missing from the books, and nobody would know whether the
 * client was left in the middle of a frame.
 * @throws whatever breaks the source or the sink
 */
export async function passNatively(source: ReadableStream<Uint8Array>, sink: WritableStream<Uint8Array>, looks: Looks): Promise<void> {
  const [main, copy] = source.tee()
  const reader = copy.getReader({ mode: 'byob' })
  const end = new AbortController()
  const looked = watch(reader, looks, end.signal)
  looked.catch(() => undefined) // told below, after the pipe's own end
  try {
    await main.pipeTo(sink, { preventClose: true, preventAbort: true })
    end.abort()
    await looked
  } catch (cause) {
    end.abort()
    looks.broken()
    await Promise.race([looked.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, DRAIN_MS))])
    void reader.cancel().catch(() => undefined)
    throw cause
  }
}

async function watch(reader: ReadableStreamBYOBReader, looks: Looks, end: AbortSignal): Promise<void> {
  let buffer = new ArrayBuffer(LOOK_BYTES)
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer))
    if (done || value === undefined) return
    looks.look(value)
    buffer = value.buffer as ArrayBuffer
    if (!end.aborted) await pause(end)
  }
}

function pause(end: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, LOOK_MS)
    function done(): void {
      clearTimeout(timer)
      end.removeEventListener('abort', done)
      resolve()
    }
    end.addEventListener('abort', done, { once: true })
  })
}
