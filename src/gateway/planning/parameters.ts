// Which parameters a model takes at a place, in OpenRouter's words, and which of them a request uses. No table of places: our own writer is asked
// whether it could say the parameter there, so a listing can promise nothing that a request would then lose.

import type { Ability, ModelEntry } from '../../catalogue/entry.ts'
import { Body } from '../../core/body.ts'
import type { Path } from '../../core/json-splice.ts'
import { upstreamDialect } from '../../dialects/index.ts'
import { openrouterClient } from '../../dialects/openrouter/client.ts'
import type { Provider, Voice } from '../../providers/contract.ts'

const TOOL = '"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]'
const SCHEMA = '{"name":"s","schema":{"type":"object","properties":{},"additionalProperties":false},"strict":true}'

/** A request's members that use each parameter and nothing else that a place could lack but what the parameter cannot do without. */
const PROBES = {
  max_tokens: '"max_tokens":4096',
  max_completion_tokens: '"max_completion_tokens":4096',
  temperature: '"temperature":0.5',
  top_p: '"top_p":0.5',
  top_k: '"top_k":20',
  top_a: '"top_a":0.5',
  min_p: '"min_p":0.1',
  seed: '"seed":7',
  stop: '"stop":["x"]',
  frequency_penalty: '"frequency_penalty":0.1',
  presence_penalty: '"presence_penalty":0.1',
  repetition_penalty: '"repetition_penalty":1.1',
  logit_bias: '"logit_bias":{"50":1}',
  logprobs: '"logprobs":true',
  top_logprobs: '"logprobs":true,"top_logprobs":2',
  tools: TOOL,
  tool_choice: `${TOOL},"tool_choice":"required"`,
  parallel_tool_calls: `${TOOL},"parallel_tool_calls":false`,
  response_format: '"response_format":{"type":"json_object"}',
  structured_outputs: `"response_format":{"type":"json_schema","json_schema":${SCHEMA}}`,
  reasoning: '"max_tokens":4096,"reasoning":{"effort":"low"}',
  reasoning_effort: '"max_tokens":4096,"reasoning_effort":"low"',
  include_reasoning: '"max_tokens":4096,"reasoning":{"effort":"low"}',
  verbosity: '"verbosity":"low"',
  prediction: '"prediction":{"type":"content","content":"x"}',
  web_search_options: '"web_search_options":{}',
} as const

export type Parameter = keyof typeof PROBES
const PARAMETERS = Object.keys(PROBES) as readonly Parameter[] // the literal's own names, just above

/** What the model itself must be able to do; an entry without any ability is one whose sources say nothing of them. */
const NEEDS: { readonly [parameter in Parameter]?: Ability } = {
  tools: 'tools',
  tool_choice: 'tools',
  parallel_tool_calls: 'parallel-tools',
  structured_outputs: 'schema',
  reasoning: 'reasoning',
  reasoning_effort: 'reasoning',
  include_reasoning: 'reasoning',
  web_search_options: 'web-search',
}

/** OpenAI's own, which its copies seldom have; whoever takes its newer name for the ceiling follows its API. */
const OPENAIS_OWN: ReadonlySet<string> = new Set(['verbosity', 'prediction', 'web_search_options'])

/** Its writer looks at the place alone; the others' have rules for models too. */
const WHATEVER_THE_MODEL: ReadonlySet<string> = new Set(['openai-chat'])
/** Models are clients' words: so many answers of a voice are remembered at most. */
const MOST_REMEMBERED = 4000
const remembered = new WeakMap<Voice, Map<string, boolean>>()

/** Whether the parameter reaches the model there. `entry: null`: nothing is known of the model but its name. A word that is no parameter of OpenRouter's is nobody's. */
export function supportsParameter(provider: Provider, model: string, entry: ModelEntry | null, parameter: string): boolean {
  const known = PARAMETERS.find((one) => one === parameter)
  if (known === undefined || (entry !== null && entry.mode !== 'chat' && entry.mode !== 'responses')) return false
  const need = NEEDS[known]
  if (need !== undefined && entry !== null && entry.abilities.size > 0 && !entry.abilities.has(need)) return false
  const voice = (provider.voicesFor?.(model) ?? provider.voices)[0]
  if (voice === undefined) return false
  const answers = remembered.get(voice) ?? new Map<string, boolean>()
  remembered.set(voice, answers)
  const key = WHATEVER_THE_MODEL.has(voice.dialect) ? known : `${known} ${model}`
  const answer = answers.get(key) ?? canSay(voice, model, known)
  if (answers.size >= MOST_REMEMBERED) answers.clear()
  answers.set(key, answer)
  return answer
}

/** All that `supportsParameter` holds for, in OpenRouter's order. */
export function supportedParameters(provider: Provider, model: string, entry: ModelEntry | null): ReadonlySet<string> {
  return new Set(PARAMETERS.filter((parameter) => supportsParameter(provider, model, entry, parameter)))
}

function canSay(voice: Voice, model: string, parameter: Parameter): boolean {
  const isOpenais = voice.dialect === 'openai-chat' && voice.habits.ceilingMember === 'max_completion_tokens'
  return (isOpenais || !OPENAIS_OWN.has(parameter)) && isWritten(voice, model, PROBES[parameter])
}

const encoder = new TextEncoder()

function isWritten({ dialect, habits }: Voice, model: string, members: string): boolean {
  const body = new Body(encoder.encode(`{"model":"m","messages":[{"role":"user","content":"x"}],${members}}`))
  const intent = openrouterClient.intent({ path: '', query: new URLSearchParams(), headers: new Headers(), body, nowSeconds: 0 })
  const { dropped } = upstreamDialect(dialect).write(openrouterClient.read(body), intent, { model, maxOutputTokens: null, habits })
  return dropped.length === 0
}

/** Where the languages of our clients say each; the first that is there counts. */
const SAID: readonly (readonly [Parameter, ...Path[]])[] = [
  ['max_tokens', ['max_tokens'], ['max_output_tokens'], ['generationConfig', 'maxOutputTokens']],
  ['max_completion_tokens', ['max_completion_tokens']],
  ['temperature', ['temperature'], ['generationConfig', 'temperature']],
  ['top_p', ['top_p'], ['generationConfig', 'topP']],
  ['top_k', ['top_k'], ['generationConfig', 'topK']],
  ['top_a', ['top_a']],
  ['min_p', ['min_p']],
  ['seed', ['seed'], ['generationConfig', 'seed']],
  ['stop', ['stop'], ['stop_sequences'], ['generationConfig', 'stopSequences']],
  ['frequency_penalty', ['frequency_penalty'], ['generationConfig', 'frequencyPenalty']],
  ['presence_penalty', ['presence_penalty'], ['generationConfig', 'presencePenalty']],
  ['repetition_penalty', ['repetition_penalty']],
  ['logit_bias', ['logit_bias']],
  ['logprobs', ['logprobs'], ['generationConfig', 'responseLogprobs']],
  ['top_logprobs', ['top_logprobs'], ['generationConfig', 'logprobs']],
  ['tools', ['tools']],
  ['tool_choice', ['tool_choice'], ['toolConfig']],
  ['parallel_tool_calls', ['parallel_tool_calls']],
  ['reasoning', ['reasoning'], ['thinking'], ['generationConfig', 'thinkingConfig']],
  ['reasoning_effort', ['reasoning_effort']],
  ['include_reasoning', ['include_reasoning']],
  ['verbosity', ['verbosity'], ['text', 'verbosity']],
  ['prediction', ['prediction']],
  ['web_search_options', ['web_search_options']],
]

/** What is said but asks for nothing. */
const NOTHING: ReadonlySet<string> = new Set(['null', 'false', '[]', '{}', '""'])
/** Asked for by being false. */
const BY_FALSE: ReadonlySet<string> = new Set(['parallel_tool_calls'])

/**
 * The parameters that a chat uses, whatever its language. A JSON mode is `response_format`, a reply bound to a schema `structured_outputs`.
 * `member` gives raw JSON texts (`Body.member`). @throws GatewayError `request-malformed` as `member` does
 */
export function usedParameters(member: (path: Path) => string | null): readonly string[] {
  const used: string[] = []
  for (const [parameter, ...paths] of SAID) {
    const said = paths.map((path) => member(path)).find((text) => text !== null) ?? null
    if (said === null || (NOTHING.has(said) && !(said === 'false' && BY_FALSE.has(parameter)))) continue
    used.push(parameter)
  }
  const format = replyFormat(member)
  return format === null ? used : [...used, format]
}

function replyFormat(member: (path: Path) => string | null): Parameter | null {
  const types = [member(['response_format', 'type']), member(['text', 'format', 'type']), member(['output_config', 'format', 'type'])]
  if (types.includes('"json_schema"') || isSaid(member(['output_format'])) || isSaid(member(['generationConfig', 'responseSchema'])))
    return 'structured_outputs'
  if (isSaid(member(['generationConfig', 'responseJsonSchema']))) return 'structured_outputs'
  const isJson = types.includes('"json_object"') || member(['generationConfig', 'responseMimeType']) === '"application/json"'
  return isJson ? 'response_format' : null
}

function isSaid(text: string | null): boolean {
  return text !== null && text !== 'null'
}
