// What Cohere's models can do, as far as a name tells.

/** A name known to belong to a model without thinking; a name that says nothing is taken for new. */
const DOES_NOT_REASON = /^(command(-light|-nightly)?$|command-r|command-a-(03-2025|vision|translate)|c4ai-|tiny-aya)/

/** Whether the model takes `thinking`: a 400 for the others. Source: docs.cohere.com/docs/reasoning */
export function reasons(model: string): boolean {
  return !DOES_NOT_REASON.test(model)
}
