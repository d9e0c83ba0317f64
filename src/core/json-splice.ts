// What an edit of a JSON body is. The edits themselves are carried out on bytes by body.ts; nothing is ever parsed and re-printed.

/** Where a member is: `['stream_options', 'include_usage']`, `['generationConfig', 'maxOutputTokens']`. Objects only, no indexes. */
export type Path = readonly [string, ...string[]]

/** `json` is raw JSON text; `null` removes the member. Missing parents are made, existing siblings stay byte for byte. */
export type Edit = { readonly path: Path; readonly json: string | null }
export type Edits = readonly Edit[]
