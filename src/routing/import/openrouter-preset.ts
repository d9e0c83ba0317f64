// An OpenRouter preset (as its API answers it, or its config alone) as a route of the name that its clients use: `@preset/slug`.

import type { RouteDocument, RouteSaid, StrategySaid } from '../document-shape.ts'
import { list, loose, Notes, text, type Imported } from './imported.ts'

const SORTS: ReadonlyMap<string, StrategySaid> = new Map<string, StrategySaid>([
  ['price', 'cheapest'],
  ['throughput', { name: 'fastest', measure: 'throughput' }],
  ['latency', { name: 'fastest', measure: 'first-content' }],
])

const PROMPTS: readonly string[] = ['system_prompt', 'systemPrompt', 'system']

/** `slug`: where the preset does not say its own. Never throws: what is not understood is in the notes. */
export function importPreset(preset: unknown, slug: string): Imported {
  const notes = new Notes()
  const data = loose(loose(preset)['data'] ?? preset)
  const version = loose(data['designated_version'] ?? data['designatedVersion'] ?? data)
  const config = loose(version['config'] ?? version)
  const { model, models, provider } = config
  const names = [model, ...list(models)].flatMap((one) => text(one) ?? []).map((one) => notes.name(one, 'config.model'))
  if (names.length === 0) notes.add('config.model', 'is missing: name one in targets')
  for (const prompt of PROMPTS)
    if (text(version[prompt]) !== null || text(config[prompt]) !== null)
      notes.add(prompt, 'is part of the conversation, which routes do not change: clients must send it')
  const parameters = Object.entries(config).filter(
    ([member]) => !PROMPTS.includes(member) && !['model', 'models', 'provider', 'route'].includes(member),
  )
  const defaults = notes.members(Object.fromEntries(parameters), 'config')
  const wanted = loose(provider)
  const sort = text(wanted['sort']) ?? text(loose(wanted['sort'])['by'])
  const strategy = sort === null ? undefined : SORTS.get(sort)
  for (const member of Object.keys(wanted))
    if (member !== 'sort' || strategy === undefined)
      notes.add(`config.provider.${member}`, 'cannot be said of a route: name the places as targets (place/model), or let clients send it')
  const document: RouteDocument = {
    routes: [
      {
        name: `@preset/${notes.name(text(data['slug']) ?? slug, 'slug')}`,
        ...(strategy === undefined ? {} : { strategy }),
        targets: names.length === 0 ? [] : [...new Set(names)],
        ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
      } satisfies RouteSaid,
    ],
  }
  return { document, notes: notes.all }
}
