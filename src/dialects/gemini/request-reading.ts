// A generateContent body of a client → the canonical form: tools, and the top-level members; turns and settings have files of their own.

import type { ChatRequest, JsonObject, JsonValue, Tool } from '../../core/canonical.ts'
import { rawPaths } from '../../core/json-raw.ts'
import type { ClientBody } from '../contract.ts'
import { isObjectText } from './part-wire.ts'
import { jsonSchemaOf } from './schema-reading.ts'
import { readSettings, readToolChoice } from './settings-reading.ts'
import type { Leftovers } from './spelling.ts'
import { besides, malformed, objectAt, optionalList, optionalText, said, snakeOf } from './spelling.ts'
import { readSystem, readTurns } from './turn-reading.ts'
import { DIALECT } from './wire.ts'

/** Read below, or the gateway's own business. */
const UNDERSTOOD = ['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig']
const EMPTY_SCHEMA = '{"type":"object","properties":{}}'

/** Lists may be written without their brackets, and members in either spelling. */
export const REQUEST_RAW = rawPaths(
  ...['contents.*.parts.*', 'contents.*.parts', 'contents.parts.*', 'contents.parts', 'contents.*'].flatMap((part) => [
    ...spelled(`${part}.`, 'functionCall').map((path) => `${path}.args`),
    ...spelled(`${part}.`, 'functionResponse').map((path) => `${path}.response`),
  ]),
  ...['tools.*.', 'tools.'].flatMap((tool) =>
    spelled(tool, 'functionDeclarations').flatMap((list) =>
      [`${list}.*.`, `${list}.`].flatMap((one) => [`${one}parameters`, ...spelled(one, 'parametersJsonSchema')]),
    ),
  ),
  ...spelled('', 'generationConfig').flatMap((config) => [
    ...spelled(`${config}.`, 'responseSchema'),
    ...spelled(`${config}.`, 'responseJsonSchema'),
  ]),
)

function spelled(before: string, name: string): readonly string[] {
  return [before + name, before + snakeOf(name)]
}

/** @throws GatewayError `request-malformed`, `request-unsupported` */
export function readRequest(body: ClientBody): ChatRequest {
  const request = body.parsed(REQUEST_RAW)
  const left: Leftovers = Object.create(null) as Leftovers
  const turns = [...readSystem(said(request, 'systemInstruction'), left), ...readTurns(said(request, 'contents'), left)]
  const tools = readTools(request, left)
  const toolChoice = readToolChoice(request, left)
  const settings = readSettings(request, left)
  for (const [name, value] of besides(request, UNDERSTOOD)) if (!isEmpty(value)) left[name] = value
  return {
    turns,
    tools,
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...settings,
    extras: { dialect: DIALECT, fields: { ...left } },
  }
}

function isEmpty(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Functions first, as the writer has them; what else an entry holds are tools that Google runs. */
function readTools(request: JsonObject, left: Leftovers): readonly Tool[] {
  const functions: Tool[] = []
  const natives: Tool[] = []
  for (const [i, item] of (optionalList(request, 'tools', '') ?? []).entries()) {
    const at = `tools[${i}]`
    const tool = objectAt(item, at)
    for (const [n, made] of (optionalList(tool, 'functionDeclarations', `${at}.`) ?? []).entries()) {
      const madeAt = `${at}.functionDeclarations[${n}]`
      functions.push(readFunction(objectAt(made, madeAt), madeAt, left))
    }
    const rest = besides(tool, ['functionDeclarations'])
    if (rest.length > 0) natives.push({ kind: 'native', dialect: DIALECT, value: Object.fromEntries(rest) })
  }
  return [...functions, ...natives]
}

function readFunction(made: JsonObject, at: string, left: Leftovers): Tool {
  const name = optionalText(made, 'name', `${at}.`)
  if (name === undefined || name === '') throw malformed(`${at}.name`, 'the name of a function')
  for (const [other, value] of besides(made, ['name', 'description', 'parameters', 'parametersJsonSchema'])) left[`${at}.${other}`] = value
  const description = optionalText(made, 'description', `${at}.`)
  return { kind: 'function', name, ...(description === undefined ? {} : { description }), schema: readSchema(made, at) }
}

/** JSON Schema as it stands, or Gemini's own kind of schema made into it. A function without parameters takes none. */
function readSchema(made: JsonObject, at: string): string {
  for (const name of ['parametersJsonSchema', 'parameters'] as const) {
    const text = said(made, name)
    if (text === undefined) continue
    if (typeof text !== 'string' || !isObjectText(text)) throw malformed(`${at}.${name}`, 'a schema object')
    return name === 'parameters' ? jsonSchemaOf(text) : text
  }
  return EMPTY_SCHEMA
}
