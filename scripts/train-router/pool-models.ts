// Which models the built-in pools choose between: of each line in a short hand list the newest that the catalogue has, and a few that were measured.

import { createCatalogue, type Catalogue } from '../../src/catalogue/index.ts'
import { kinOf } from '../../src/routing/choosing/model-kin.ts'

/** Maker, brand and tier (or size) as model-kin.ts reads them of a name. */
const LINES: readonly (readonly [maker: string, brand: string, tier: number, size?: number])[] = [
  ['openai', 'gpt', 0],
  ['openai', 'gpt', -1],
  ['openai', 'gpt', -2],
  ['openai', 'gpt oss', 0, 120],
  ['anthropic', 'claude', 1],
  ['anthropic', 'claude', 0],
  ['anthropic', 'claude', -1],
  ['google', 'gemini', 0],
  ['google', 'gemini', -1],
  ['google', 'gemini', -2],
  ['x-ai', 'grok', 0],
  ['deepseek', 'deepseek', 0],
  ['deepseek', 'deepseek', -1],
  ['qwen', 'qwen', 1],
  ['qwen', 'qwen', 0],
  ['qwen', 'qwen', -1],
  ['z-ai', 'glm', 0],
  ['moonshotai', 'kimi', 0],
  ['mistralai', 'mistral', 0],
  ['mistralai', 'mistral', -1],
  ['minimax', 'minimax', 0],
]

/** Kept beside their successors because they were measured, and are served. */
const MEASURED: readonly string[] = ['openai/gpt-5', 'google/gemini-2.5-pro', 'google/gemini-2.5-flash']

/** Chat with tools, priced, with no end in sight. */
export function isWorthChoosing(name: string, catalogue: Catalogue): boolean {
  const entries = catalogue.servedBy(name)
  return (
    entries.some(
      ({ mode, price, abilities }) => mode === 'chat' && abilities.has('tools') && price !== null && price.input > 0 && price.output > 0,
    ) && entries.every(({ deprecatedOn }) => deprecatedOn === undefined)
  )
}

/** In the order of the lists. */
export function poolModels(): readonly string[] {
  const catalogue = createCatalogue(null)
  const names = new Set(
    [...catalogue.list()].flatMap(({ openrouterId }) => (openrouterId === undefined || openrouterId.startsWith('~') ? [] : [openrouterId])),
  )
  const fit = [...names].filter((name) => !/:|-(fast|turbo)$/.test(name) && isWorthChoosing(name, catalogue)).sort()
  const chosen = LINES.map(([maker, brand, tier, size]) => {
    let best: { name: string; version: number } | null = null
    for (const name of fit) {
      const kin = kinOf(name)
      if (kin.maker !== maker || kin.brand !== brand || kin.role !== '' || (size === undefined ? kin.tier !== tier : kin.size !== size))
        continue
      // Of one version the shorter name: without a stage or a packaging.
      const isNewer =
        best === null || (kin.version ?? 0) > best.version || ((kin.version ?? 0) === best.version && name.length < best.name.length)
      if (isNewer) best = { name, version: kin.version ?? 0 }
    }
    if (best === null) throw new Error(`The catalogue has no model of the line ${maker} ${brand} ${tier}`)
    return best.name
  })
  return [...new Set([...chosen, ...MEASURED])]
}
