// Tools and the choice among them in a Responses request. Tools that only this language knows stay native.

import type { JsonObject, Tool, ToolChoice } from '../../core/canonical.ts'
import {
  expectObject,
  expectText,
  malformed,
  optionalBoolean,
  optionalList,
  optionalSchema,
  optionalText,
} from '../openai-chat/expecting.ts'
import type { Note } from '../openai-chat/message-reading.ts'
import { isObject } from '../openai-chat/wire.ts'
import { OPENAI_RESPONSES } from './wire.ts'

export function readTools(request: JsonObject, note: Note): readonly Tool[] {
  return (optionalList(request, 'tools') ?? []).map((item, i): Tool => {
    const at = `tools[${i}]`
    const tool = expectObject(item, at)
    if (expectText(tool, 'type', `${at}.type`) !== 'function') return { kind: 'native', dialect: OPENAI_RESPONSES, value: tool }
    const description = optionalText(tool, 'description', `${at}.description`)
    const strict = optionalBoolean(tool, 'strict', `${at}.strict`)
    if (tool['defer_loading'] === true) note(`${at}.defer_loading`, true)
    return {
      kind: 'function',
      name: expectText(tool, 'name', `${at}.name`),
      ...(description === undefined ? {} : { description }),
      // A function without parameters takes none.
      schema: optionalSchema(tool, 'parameters', `${at}.parameters`) ?? '{"type":"object","properties":{}}',
      ...(strict === undefined ? {} : { strict }),
    }
  })
}

export function readToolChoice(request: JsonObject, note: Note): ToolChoice | undefined {
  const choice = request['tool_choice']
  if (choice === undefined || choice === null) return undefined
  if (typeof choice === 'string') return { kind: modeOf(choice) }
  if (!isObject(choice)) throw malformed('tool_choice', 'a string or an object')
  switch (expectText(choice, 'type', 'tool_choice.type')) {
    case 'function':
      return { kind: 'one', name: expectText(choice, 'name', 'tool_choice.name') }
    case 'allowed_tools': {
      const kind = modeOf(optionalText(choice, 'mode', 'tool_choice.mode') ?? 'auto')
      const tools = optionalList(choice, 'tools', 'tool_choice.tools') ?? []
      const only = tools.length === 1 && isObject(tools[0]) && tools[0]['type'] === 'function' ? tools[0]['name'] : undefined
      if (kind === 'any' && typeof only === 'string') return { kind: 'one', name: only }
      note('tool_choice.tools', tools)
      return { kind }
    }
    default:
      note('tool_choice', choice) // a custom or a provider's own tool
      return undefined
  }
}

function modeOf(word: string): 'auto' | 'none' | 'any' {
  if (word === 'auto' || word === 'none') return word
  if (word === 'required') return 'any'
  throw malformed('tool_choice', 'auto, none, required, or the name of a function')
}
