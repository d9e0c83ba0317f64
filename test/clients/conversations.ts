// Recorded tool loops and structured answers that every client SDK is led through, and what must have reached the provider in each.

import { expect } from 'vitest'
import { textsOf } from '../support/recordings.ts'
import type { Asked, ReplayServer } from '../support/replay-server.ts'
import type { GatewayProcess } from './gateway-process.ts'

export type Stage = { readonly server: ReplayServer; readonly gateway: GatewayProcess }
/** One SDK's tests; the gateway is started once for all of them. */
export type Suite = (stage: () => Stage) => void

export type Talk = {
  /** The place's name in front of the model. */
  readonly provider: string
  /** The recordings that answer, turn by turn. */
  readonly turns: readonly [first: string, second: string]
  /** `calls`: the arguments of each call, in order. */
  readonly tool: { readonly name: string; readonly calls: readonly JsonObject[]; readonly schema: Schema }
  /** Words of the last answer. */
  readonly says: string
}
export type Structured = { readonly provider: string; readonly id: string; readonly schema: Schema; readonly value: JsonObject }
export type Schema = {
  readonly type: 'object'
  readonly properties: { readonly [name: string]: { readonly type: 'string' | 'number' } }
  readonly required: readonly string[]
  readonly additionalProperties: false
}
type JsonObject = { readonly [name: string]: unknown }
/** A place and the API by which it is called. */
export type Api = 'openai chat' | 'openai responses' | 'anthropic' | 'google'

/** What every tool answers: looked for in what the provider is asked next. */
export const TOOL_SAYS = 'the tool says 41.5 °C & "rain"'

const weather = { name: 'weather', calls: [{ latitude: '52.5200', longitude: '13.4050' }], schema: schema('latitude', 'longitude') }

/** Whole answers. */
export const TALKS: { readonly [api in Api]: Talk } = {
  'openai chat': {
    provider: 'openai',
    turns: ['openai-chat-736cf65d3c', 'openai-chat-584654bd55'],
    tool: { name: 'get_weather', calls: [{ location: 'Paris, France' }], schema: schema('location') },
    says: '127 multiplied by 49 is 6223.',
  },
  'openai responses': {
    provider: 'openai',
    turns: ['openai-responses-e60f07e331', 'openai-responses-a239e6c536'],
    tool: { name: 'dice', calls: [{}, {}], schema: schema() },
    says: 'A prime number is a whole number greater than 1',
  },
  anthropic: {
    provider: 'anthropic',
    turns: ['anthropic-messages-a705d625c5', 'anthropic-messages-da728fdddf'],
    tool: weather,
    says: 'Based on the weather information for Berlin',
  },
  google: {
    provider: 'google',
    turns: ['gemini-generateContent-aaa3071544', 'gemini-generateContent-f12305b28b'],
    tool: weather,
    says: 'The current weather in Berlin is 15°C',
  },
}

export const STREAMED_TALKS: { readonly [api in Api]: Talk } = {
  'openai chat': {
    provider: 'openai',
    turns: ['openai-chat-34feed2515', 'openai-chat-6c61fa2a3f'],
    tool: { name: 'calculator', calls: [{ input: '5 * (10 + 2)' }], schema: schema('input') },
    says: 'The current weather in Tokyo is 72°F.',
  },
  'openai responses': {
    provider: 'openai',
    turns: ['openai-responses-e46cab7ef2', 'openai-responses-767e3dd598'],
    tool: { name: 'get_capital', calls: [{ country: 'PotatoLand' }], schema: schema('country') },
    says: 'The capital of PotatoLand is **Potato City**.',
  },
  anthropic: {
    provider: 'anthropic',
    turns: ['anthropic-messages-4d035c8283', 'anthropic-messages-216631bc92'],
    tool: { name: 'echo', calls: [{ message: 'Grüße aus 東京, from the "naïve café"!' }], schema: schema('message') },
    says: 'The current weather in New York state (NY) is 72 degrees Fahrenheit.',
  },
  google: {
    provider: 'google',
    turns: ['gemini-generateContent-5a7fe82eb1', 'gemini-generateContent-6f6aefad19'],
    tool: { name: 'get_country', calls: [{}], schema: schema() },
    says: 'The capital of Mexico is Mexico City.',
  },
}

export const STRUCTURED: { readonly [api in Api]: Structured } = {
  'openai chat': {
    provider: 'openai',
    id: 'openai-chat-30a3c2e495',
    schema: schema('name', 'age:number', 'city'),
    value: { name: 'Alex Smith', age: 29, city: 'San Francisco' },
  },
  'openai responses': {
    provider: 'openai',
    id: 'openai-responses-de9a4b0e87',
    schema: schema('name', 'age:number'),
    value: { name: 'John', age: 15 },
  },
  anthropic: {
    provider: 'anthropic',
    id: 'anthropic-messages-5cc5237abd',
    schema: schema('joke', 'rating:number'),
    value: {
      joke: 'Why did the developer break up with OpenTelemetry? Because they had too many traces of their ex in the logs!',
      rating: 7,
    },
  },
  google: {
    provider: 'google',
    id: 'gemini-generateContent-cfe79caf1b',
    schema: schema('name', 'age:number'),
    value: { name: 'Alice', age: 28 },
  },
}

let conversations = 0

/** A model's name for one more conversation; the replay server counts the turns of each. */
export function modelOf(talk: Talk | Structured): string {
  const ids = 'turns' in talk ? talk.turns.join('_then_') : talk.id
  return `${talk.provider}/rec-${ids}--c${++conversations}`
}

/** What one conversation came to, as its client saw it. */
export type Seen = {
  readonly calls: readonly unknown[]
  readonly text: string
  /** The provider holds the conversation itself, so the second turn brings only what is new. */
  readonly isHeld?: boolean
}

/** Holds a tool loop against its recordings: the client's side, and what the provider was asked in both turns. */
export function expectTalk({ server }: Stage, model: string, talk: Talk, seen: Seen): void {
  expect(seen.calls).toEqual(talk.tool.calls)
  expect(seen.text).toContain(talk.says)
  const asked = askedOf(server, model)
  expect(asked.map(({ id }) => id)).toEqual(talk.turns)
  const [first, second] = asked.map(({ bytes }): unknown => JSON.parse(bytes.toString('utf8')))
  expect(textsOf(first)).toContain(talk.tool.name)
  expect(told(first).some((value) => isSchema(value, talk.tool.schema))).toBe(true)
  expect(told(second).filter((value) => holds(value, TOOL_SAYS))).toHaveLength(talk.tool.calls.length)
  if (seen.isHeld === true) expect(textsOf(second)).not.toContain(talk.tool.name)
  else for (const call of talk.tool.calls) expect(told(second)).toContainEqual(call)
}

/** Holds a structured answer against its recording: the schema must have reached the provider. */
export function expectStructured({ server }: Stage, model: string, { id, schema: wanted, value }: Structured, got: unknown): void {
  expect(got).toEqual(value)
  const [asked, ...more] = askedOf(server, model)
  expect([asked?.id, more.length]).toEqual([id, 0])
  expect(told(JSON.parse(asked?.bytes.toString('utf8') ?? 'null')).some((one) => isSchema(one, wanted))).toBe(true)
}

function askedOf(server: ReplayServer, model: string): readonly Asked[] {
  const asked = server.askedBy(model.slice(model.indexOf('/') + 1))
  expect(asked.flatMap(({ refused }) => refused ?? [])).toEqual([])
  return asked
}

/** Every value in a body, JSON texts opened: arguments are a text in some languages and an object in others. */
function told(value: unknown): readonly unknown[] {
  if (typeof value === 'string') return [value, ...opened(value)]
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(told)]
}

function opened(text: string): readonly unknown[] {
  if (!text.startsWith('{')) return []
  try {
    return told(JSON.parse(text))
  } catch {
    return []
  }
}

/** Tools' answers are told as they are, or as JSON. */
function holds(value: unknown, words: string): boolean {
  return typeof value === 'string' && (value === words || value === JSON.stringify(words))
}

/** SDKs add members to a schema, and Google spells types in capitals; names, types and what is required must be there. */
function isSchema(value: unknown, { properties, required }: Schema): boolean {
  if (typeof value !== 'object' || value === null) return false
  const found = value as { readonly type?: unknown; readonly properties?: unknown; readonly required?: unknown }
  if (String(found.type).toLowerCase() !== 'object') return false
  const typeOf = (property: unknown): string =>
    typeof property === 'object' && property !== null && 'type' in property ? String(property.type).toLowerCase() : ''
  const types = (of: object): unknown => Object.fromEntries(Object.entries(of).map(([name, property]) => [name, typeOf(property)]))
  return (
    JSON.stringify(types(typeof found.properties === 'object' ? (found.properties ?? {}) : {})) === JSON.stringify(types(properties)) &&
    required.every((name) => Array.isArray(found.required) && found.required.includes(name))
  )
}

/** An object of required texts, and numbers where it says so. */
function schema(...members: readonly string[]): Schema {
  const split = members.map((member) => member.split(':'))
  return {
    type: 'object',
    properties: Object.fromEntries(split.map(([name, type]) => [name ?? '', { type: type === 'number' ? 'number' : 'string' }])),
    required: split.map(([name]) => name ?? ''),
    additionalProperties: false,
  }
}
