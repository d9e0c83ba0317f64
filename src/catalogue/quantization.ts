// How coarse a model's weights are at a place, as far as its name there says it.

/** OpenRouter's words; `mxfp4` before `fp4` does not matter: whole parts of a name are compared. */
const WORDS: ReadonlySet<string> = new Set('int4 int8 fp4 mxfp4 nvfp4 fp6 fp8 mxfp8 fp16 bf16 fp32'.split(' '))

/** A word of OpenRouter's, `unknown` where the name says nothing: `llama-3.3-70b-instruct-fp8-fast` is `fp8`. */
export function quantizationOf(model: string): string {
  return (
    model
      .toLowerCase()
      .split(/[-_.:/@]/)
      .find((part) => WORDS.has(part)) ?? 'unknown'
  )
}
