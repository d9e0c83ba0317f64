// Chooses the recordings of test/fixtures out of a large folder of recorded traffic and copies them byte for byte. Run by hand, not in CI:
// `node scripts/copy-fixtures.ts /path/to/recordings`. The choice is a greedy cover of what a recording shows, so it comes out the same each time.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One row of the source's index.json; only the members that the choice looks at. */
type Row = {
  readonly id: string
  readonly file: string
  readonly provider: string
  readonly api: string
  readonly streaming: boolean
  readonly status: number
  readonly features: readonly string[]
  readonly request: boolean
  readonly fidelity: string
  readonly bytes: number
}

const CHAT_PROVIDERS = new Set('openai groq mistral deepseek xai together openrouter perplexity cerebras vllm ollama'.split(' '))
/** Those that the gateway forwards to; others' recordings are of hosts it does not know. */
const RESPONSES_PROVIDERS = new Set('openai xai openrouter deepseek'.split(' '))
const MOST_BYTES_OF_ONE = 200_000
const MOST_BYTES_OF_RESPONSES = 60_000
const MOST_BYTES_OF_MEDIA = 16_000
const ABOUT_HOW_MANY = 178
const MOST_BYTES_OF_OPERATIONS = 45_000
const OPERATION_APIS = new Set(
  `openai.embeddings openai.moderations gemini.embedContent cohere.embed cohere.rerank rerank anthropic.countTokens gemini.countTokens
  bedrock.countTokens`.split(/\s+/),
)
/** Recordings at fault: no reader could be right about them. */
const AT_FAULT = new Set(['ollama-messages-673f0e6a97', 'openai-responses-70ebbd95f0', 'ollama-completions-25669614b2'])
/** Recordings that a test names, whatever the cover chooses: tool loops of several turns, and requests of coding agents. */
const NAMED_BY_TESTS: ReadonlySet<string> = new Set(
  `openai-chat-736cf65d3c openai-chat-584654bd55 openai-chat-34feed2515 openai-chat-6c61fa2a3f openai-chat-30a3c2e495
  openai-responses-e46cab7ef2 openai-responses-259b35e850 openai-responses-de9a4b0e87 openai-responses-366ae454a3
  anthropic-messages-a705d625c5 anthropic-messages-da728fdddf anthropic-messages-5cc5237abd anthropic-messages-2a08888e5b
  anthropic-messages-2ec1738a70 anthropic-messages-7201573504 anthropic-messages-425ca34fee
  gemini-generateContent-aaa3071544 gemini-generateContent-5a7fe82eb1 gemini-generateContent-6f6aefad19 gemini-generateContent-cfe79caf1b
  bedrock-invoke-98a7db7e72`.split(/\s+/),
)

const REASONS: readonly (readonly [heading: string, reason: string, features: readonly string[]])[] = [
  ['Errors', 'the words and the kind of a refusal must come through, before and inside a stream', ['error', 'error_in_stream']],
  [
    'Tools',
    'ids, names and arguments as raw text; several at once; none; empty arguments',
    ['tool_call_output', 'parallel_tool_calls', 'tool_empty_args', 'tool_result_input', 'tool_choice', 'strict_tools'],
  ],
  [
    'Tools the provider runs',
    'native parts go back to their own dialect only; pieces are billed',
    ['builtin_tool', 'builtin_tool_output', 'citations'],
  ],
  [
    'Reasoning',
    'thinking text, signatures and their way back to the issuer',
    ['reasoning_output', 'reasoning_signature', 'reasoning_roundtrip', 'redacted_thinking', 'reasoning_usage'],
  ],
  [
    'Cached usage',
    'counts that must not overlap, or the bill is wrong',
    ['cache_read_usage', 'cache_write_usage', 'cache_write_1h_usage', 'cache_control', 'cost_in_usage', 'audio_usage'],
  ],
  ['Structured output', 'schemas as raw text, refusals', ['structured_output', 'refusal']],
  ['Pictures, sound, files', 'media parts in and out', ['image_input', 'audio_input', 'video_input', 'file_input', 'media_output']],
  ['Endings', 'length, filter and stop sequences; several choices', ['finish_length', 'finish_filter', 'finish_stop_sequence', 'n>1']],
  [
    'Odd framing',
    'CRLF, comments, no blank line at the end, no [DONE], chunks without choices, usage in many chunks',
    ['sse_crlf', 'sse_comment', 'no_final_blank_line', 'no_done_marker', 'empty_choices_chunk', 'usage_in_many_chunks', 'sse_event_names'],
  ],
  [
    'Text',
    'emoji and scripts whose characters are cut between bytes; several turns; system prompts',
    ['emoji_output', 'non_latin_output', 'multi_turn', 'system_prompt'],
  ],
]

const source = process.argv[2]
if (source === undefined) throw new Error('Say where the recordings are: node scripts/copy-fixtures.ts FOLDER')
const target = join(import.meta.dirname, '../test/fixtures')
const rows = JSON.parse(readFileSync(join(source, 'index.json'), 'utf8')) as readonly Row[]
// A language added later is chosen on its own: it changes nothing of what was chosen before.
const covering = [
  ...choose(rows.filter(isOurs)),
  ...choose(rows.filter(isResponses)),
  ...rows.filter(isCompletion),
  ...rows.filter(isMedia),
  ...chooseOperations(),
]
const named = rows.filter((row) => NAMED_BY_TESTS.has(row.id) && !covering.includes(row))
const chosen = [...covering, ...named].sort((a, b) => (a.file < b.file ? -1 : 1))

for (const row of chosen) rmSync(join(target, row.provider), { recursive: true, force: true })
for (const row of chosen) {
  mkdirSync(dirname(join(target, row.file)), { recursive: true })
  copyFileSync(join(source, row.file), join(target, row.file))
  chmodSync(join(target, row.file), 0o644)
}
copyFileSync(join(source, 'errors-reported.json'), join(target, 'errors-reported.json'))
writeFileSync(join(target, 'index.json'), `[\n${chosen.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`)
writeFileSync(join(target, 'README.md'), readme(chosen, readFileSync(join(source, 'README.md'), 'utf8')))
console.log(`${chosen.length} recordings, ${chosen.reduce((sum, row) => sum + row.bytes, 0)} bytes`)

function isOurs(row: Row): boolean {
  if (row.bytes > MOST_BYTES_OF_ONE || AT_FAULT.has(row.id)) return false
  if (row.api === 'openai.chat') return CHAT_PROVIDERS.has(row.provider)
  return (
    row.api === 'anthropic.messages' ||
    row.api === 'cohere.chat.v2' ||
    row.api === 'bedrock.converse' ||
    (row.api === 'gemini.generateContent' && row.provider === 'gemini')
  )
}

/** Pictures and sound are few: all that are small, and the one recorded stream of a transcription. */
function isMedia(row: Row): boolean {
  if (!/^openai\.(images|audio\.)/.test(row.api)) return false
  return row.bytes <= MOST_BYTES_OF_MEDIA || (row.api === 'openai.audio.transcriptions' && row.streaming)
}

function isResponses(row: Row): boolean {
  return (
    row.api === 'openai.responses' && RESPONSES_PROVIDERS.has(row.provider) && row.bytes <= MOST_BYTES_OF_RESPONSES && !AT_FAULT.has(row.id)
  )
}

function isCompletion(row: Row): boolean {
  return row.api === 'openai.completions' && !AT_FAULT.has(row.id)
}

/** What is asked beside chat: of each call at each place one good and one bad answer, and one for each feature, the small before the large. */
function chooseOperations(): readonly Row[] {
  const seen = new Set<string>()
  return rows
    .filter(({ api, bytes }) => OPERATION_APIS.has(api) && bytes <= MOST_BYTES_OF_OPERATIONS)
    .sort((a, b) => a.bytes - b.bytes || (a.id < b.id ? -1 : 1))
    .filter(({ provider, api, status, features, request }) => {
      const shows = [...features, `${status} ${request}`].map((one) => `${provider} ${api} ${one}`)
      const isNew = shows.some((one) => !seen.has(one))
      for (const one of shows) seen.add(one)
      return isNew
    })
}

/** First what every language must show, then what every place must show, until the set is large enough. */
function choose(rows: readonly Row[]): readonly Row[] {
  const ofLanguage = (row: Row): readonly string[] => [
    `${row.provider} ${row.api} ${row.streaming} ${row.status}`,
    ...row.features.map((feature) => `${row.api} ${row.streaming} ${feature}`),
    ...(row.request ? [`${row.provider} ${row.api} request`] : []),
    row.fidelity,
  ]
  const ofPlace = (row: Row): readonly string[] => row.features.map((feature) => `${row.provider} ${row.streaming} ${feature}`)
  const picked: Row[] = []
  cover(rows, picked, ofLanguage, Infinity)
  cover(rows, picked, ofPlace, ABOUT_HOW_MANY)
  return picked.sort((a, b) => (a.file < b.file ? -1 : 1))
}

function cover(rows: readonly Row[], picked: Row[], shows: (row: Row) => readonly string[], most: number): void {
  const seen = new Set(picked.flatMap(shows))
  while (picked.length < most) {
    let best: Row | null = null
    let bestWorth = 0
    for (const row of rows) {
      if (picked.includes(row)) continue
      const news = shows(row).filter((key) => !seen.has(key)).length
      const worth = (news / (1 + row.bytes / 6000)) * (row.fidelity === 'verbatim' ? 1 : 0.6)
      if (worth > bestWorth) [best, bestWorth] = [row, worth]
    }
    if (best === null) return
    picked.push(best)
    for (const key of shows(best)) seen.add(key)
  }
}

function readme(rows: readonly Row[], sourceReadme: string): string {
  const sources = sourceReadme.split('\n').filter((line) => /^- .+ @ [0-9a-f]{10}, /.test(line))
  const groups = REASONS.map(([heading, reason, features]) => {
    const lines = features.flatMap((feature) => {
      const ids = rows.filter((row) => row.features.includes(feature)).map((row) => row.id)
      return ids.length === 0 ? [] : [`- \`${feature}\` (${ids.length}): ${ids.slice(0, 6).join(', ')}${ids.length > 6 ? ', …' : ''}`]
    })
    return `### ${heading}\n\n${reason}.\n\n${lines.join('\n')}\n`
  })
  const plain = rows.filter((row) =>
    row.features.every((feature) => feature === 'streaming' || feature === 'usage_in_stream' || feature === 'stream_usage_option'),
  )
  return `# Recorded traffic of real providers

${rows.length} recordings of chat requests and answers, copied byte for byte by \`scripts/copy-fixtures.ts\` out of a larger collection of public test
recordings; none was made by us and none is edited here. One JSON file an exchange, \`<provider>/<api>/<id>.json\`; \`index.json\` lists them.
The choice is a cover, and what tests name: every provider × whole or streamed × status, every feature of every language whole and streamed, then features of places.

\`fidelity\`: verbatim = body bytes as recorded (decompressed); json-parsed = JSON printed again; rebuilt-stream = events real, framing made;
hand-edited = written or edited by people. Secrets, organisation ids, cookies and resource names were removed by the collection.
\`errors-reported.json\`: error bodies quoted by users in issue threads, each with its link.

## Sources

Repository, commit, licence, and how many records the collection took from it. A recording's own file names its licence (\`source.licence\`); records of
one \`source.group\` belong to one conversation.

${sources.join('\n')}

## Why each is here

A recording stands under every feature it shows.

${groups.join('\n')}
### Plain

the ordinary answer of a place, without anything special.

${plain.map((row) => `- ${row.id}`).join('\n')}
`
}
