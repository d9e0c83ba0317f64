// What a request body says, read by hand out of each wire language and with no code of the gateway: who said what in which order, which calls
// were answered with what, and which tools there are. Two bodies that mean the same have equal facts.

export type AskedFacts = {
  /** Instructions in front of the conversation. */
  readonly system: string
  readonly turns: readonly Turn[]
  readonly tools: readonly { readonly name: string; readonly description: string; readonly schema: unknown }[]
}
type Turn = { readonly by: 'user' | 'assistant'; readonly said: readonly Said[] }
/** `answers`: the number of the call in the conversation. Texts that stand together are one, without white space, and without thoughts told as text. */
type Said =
  | { readonly text: string }
  | { readonly call: string; readonly with: unknown }
  | { readonly answers: number; readonly text: string }
  | { readonly media: string }

type Wire = { readonly [member: string]: unknown }
type Speaker = 'system' | 'user' | 'assistant'

/** Collects what is said in order, whatever the shape of the language. */
class Conversation {
  readonly #turns: { readonly by: Speaker; readonly said: Said[] }[] = []
  readonly #calls: { readonly id: string; readonly name: string; isAnswered: boolean }[] = []

  text(by: Speaker, text: string): void {
    const bare = text.replaceAll(/<thinking>[^]*?<\/thinking>|\s+/g, '')
    if (bare === '') return
    const turn = this.#turn(by)
    const last = turn.at(-1)
    if (last !== undefined && 'text' in last && !('answers' in last)) turn[turn.length - 1] = { text: last.text + bare }
    else turn.push({ text: bare })
  }

  call(id: string, name: string, input: unknown): void {
    this.#calls.push({ id, name, isAnswered: false })
    this.#turn('assistant').push({ call: name, with: typeof input === 'string' ? JSON.parse(input === '' ? '{}' : input) : (input ?? {}) })
  }

  /** By the id, or by the name where a language pairs so. */
  answer(id: string, name: string | null, text: string): void {
    const at = this.#calls.findIndex((call) => !call.isAnswered && (name === null || id !== '' ? call.id === id : call.name === name))
    const call = this.#calls[at]
    if (call !== undefined) call.isAnswered = true
    this.#turn('user').push({ answers: at, text: evenly(text) })
  }

  /** `what`: the media type of bytes, or the address. */
  media(by: Speaker, what: string): void {
    this.#turn(by).push({ media: what })
  }

  facts(tools: AskedFacts['tools']): AskedFacts {
    const [first] = this.#turns
    const system = first?.by === 'system' ? first.said.map((said) => ('text' in said ? said.text : '')).join('') : ''
    // Amid a conversation only some languages have instructions: the others let the user say them.
    const rest = (first?.by === 'system' ? this.#turns.slice(1) : this.#turns).map(({ by, said }) => ({
      by: by === 'assistant' ? ('assistant' as const) : ('user' as const),
      said,
    }))
    return { system, turns: rest, tools }
  }

  #turn(by: Speaker): Said[] {
    const last = this.#turns.at(-1)
    if (last?.by === by) return last.said
    const said: Said[] = []
    this.#turns.push({ by, said })
    return said
  }
}

const READERS: { readonly [language: string]: (body: Wire) => AskedFacts } = {
  'anthropic.messages': (body) => {
    const talk = new Conversation()
    blocks(body['system']).forEach((block) => talk.text('system', text(block['text'])))
    for (const message of list(body['messages'])) anthropicBlocks(talk, speaker(message['role']), blocks(message['content']))
    return talk.facts(
      list(body['tools'])
        .filter((tool) => tool['type'] === undefined || tool['type'] === 'custom')
        .map((tool) => toolOf(tool, tool['input_schema'])),
    )
  },
  'openai.chat': (body) => {
    const talk = new Conversation()
    for (const message of list(body['messages'])) {
      if (message['role'] === 'tool') {
        talk.answer(text(message['tool_call_id']), null, textIn(message['content']))
        continue
      }
      openaiParts(talk, speaker(message['role']), blocks(message['content']))
      for (const call of list(message['tool_calls'])) {
        const said = object(call['function'])
        talk.call(text(call['id']), text(said['name']), said['arguments'])
      }
    }
    const functions = list(body['tools']).filter((tool) => tool['type'] === 'function')
    return talk.facts(functions.map((tool) => toolOf(object(tool['function']), object(tool['function'])['parameters'])))
  },
  'openai.responses': (body) => {
    const talk = new Conversation()
    talk.text('system', text(body['instructions']))
    if (typeof body['input'] === 'string') talk.text('user', body['input'])
    else
      for (const item of list(body['input'])) {
        if (item['type'] === 'function_call') talk.call(text(item['call_id']), text(item['name']), item['arguments'])
        else if (item['type'] === 'function_call_output') {
          talk.answer(text(item['call_id']), null, textIn(item['output']))
          openaiParts(
            talk,
            'user',
            list(item['output']).filter((inner) => inner['type'] !== 'input_text'),
          )
        } else if (item['role'] !== undefined) openaiParts(talk, speaker(item['role']), blocks(item['content']))
      }
    return talk.facts(
      list(body['tools'])
        .filter((tool) => tool['type'] === 'function')
        .map((tool) => toolOf(tool, tool['parameters'])),
    )
  },
  'gemini.generateContent': (body) => {
    const talk = new Conversation()
    for (const part of list(object(body['systemInstruction'])['parts'])) talk.text('system', text(part['text']))
    for (const content of list(body['contents'])) {
      const by = speaker(content['role'] === 'model' ? 'assistant' : 'user')
      for (const part of list(content['parts'])) {
        const call = part['functionCall']
        const answer = part['functionResponse']
        if (isWire(call)) talk.call(text(call['id']), text(call['name']), call['args'])
        else if (isWire(answer)) talk.answer(text(answer['id']), text(answer['name']), responseText(object(answer['response'])))
        else if (isWire(part['inlineData'])) talk.media(by, text(part['inlineData']['mimeType']))
        else if (isWire(part['fileData'])) talk.media(by, text(part['fileData']['fileUri']))
        else if (part['thought'] !== true) talk.text(by, text(part['text']))
      }
    }
    const declared = list(body['tools']).flatMap((tool) => list(tool['functionDeclarations']))
    return talk.facts(declared.map((tool) => toolOf(tool, tool['parametersJsonSchema'] ?? tool['parameters'])))
  },
  'bedrock.converse': (body) => {
    const talk = new Conversation()
    for (const block of list(body['system'])) talk.text('system', text(block['text']))
    for (const message of list(body['messages'])) {
      const by = speaker(message['role'])
      for (const block of list(message['content'])) {
        const use = block['toolUse']
        const result = block['toolResult']
        if (isWire(use)) talk.call(text(use['toolUseId']), text(use['name']), use['input'])
        else if (isWire(result)) talk.answer(text(result['toolUseId']), null, textIn(result['content']))
        else if (isWire(block['image'])) talk.media(by, `image/${text(block['image']['format'])}`)
        else talk.text(by, text(block['text']))
      }
    }
    const specs = list(object(body['toolConfig'])['tools']).map((tool) => object(tool['toolSpec']))
    return talk.facts(specs.map((spec) => toolOf(spec, object(spec['inputSchema'])['json'])))
  },
}

/** @throws for a language that is not read here */
export function askedFacts(api: string, body: unknown): AskedFacts {
  const read = READERS[api]
  if (read === undefined) throw new Error(`No facts are read of ${api}.`)
  return read(object(body))
}

function anthropicBlocks(talk: Conversation, by: Speaker, content: readonly Wire[]): void {
  for (const block of content) {
    if (block['type'] === 'tool_use') talk.call(text(block['id']), text(block['name']), block['input'])
    else if (block['type'] === 'tool_result') {
      talk.answer(text(block['tool_use_id']), null, textIn(block['content']))
      anthropicBlocks(
        talk,
        by,
        list(block['content']).filter((inner) => inner['type'] !== 'text'),
      )
    } else if (block['type'] === 'image' || block['type'] === 'document') {
      const source = object(block['source'])
      // A file that was left with one provider cannot be shown to another.
      if (source['type'] !== 'file') talk.media(by, text(source['url'] ?? source['media_type']))
    } else talk.text(by, text(block['text']))
  }
}

function openaiParts(talk: Conversation, by: Speaker, content: readonly Wire[]): void {
  for (const part of content) {
    const image = isWire(part['image_url']) ? part['image_url']['url'] : part['image_url']
    const file = image ?? part['file_url'] ?? part['file_data'] ?? object(part['file'])['file_data']
    if (file !== undefined) talk.media(by, /^data:([^;]+);/.exec(text(file))?.[1] ?? text(file))
    else talk.text(by, text(part['text']))
  }
}

function toolOf(tool: Wire, schema: unknown): AskedFacts['tools'][number] {
  return { name: text(tool['name']), description: text(tool['description']), schema }
}

function speaker(role: unknown): Speaker {
  return role === 'system' || role === 'developer' ? 'system' : role === 'assistant' ? 'assistant' : 'user'
}

/** Content as a list: a text stands for one block of text. */
function blocks(content: unknown): readonly Wire[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : list(content)
}

/** An answer that is JSON is an object in some languages and its text in others. */
function evenly(said: string): string {
  try {
    return JSON.stringify(JSON.parse(said))
  } catch {
    return said.replaceAll(/\s+/g, '')
  }
}

/** Google wants an object: a text stands under one name in it. */
function responseText(response: Wire): string {
  const said = response['result'] ?? response['output'] ?? response['error']
  return Object.keys(response).length === 1 && typeof said === 'string' ? said : JSON.stringify(response)
}

/** All texts of a tool's answer. */
function textIn(content: unknown): string {
  if (typeof content === 'string') return content
  if (Array.isArray(content)) return content.map(textIn).join('')
  return isWire(content) ? textIn(content['text'] ?? content['json'] ?? '') : ''
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function object(value: unknown): Wire {
  return isWire(value) ? value : {}
}

function list(value: unknown): readonly Wire[] {
  return Array.isArray(value) ? value.filter(isWire) : []
}

function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
