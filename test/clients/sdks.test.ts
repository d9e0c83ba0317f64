// The clients that people use, against one running gateway: each at a place of its own language and at places of others.

import { afterAll, beforeAll } from 'vitest'
import { startReplayServer } from '../support/replay-server.ts'
import type { Stage, Suite } from './conversations.ts'
import { startGateway } from './gateway-process.ts'
import { aiSuite } from './sdks/ai.ts'
import { anthropicSuite } from './sdks/anthropic.ts'
import { googleGenaiSuite } from './sdks/google-genai.ts'
import { langchainSuite } from './sdks/langchain.ts'
import { openaiAgentsSuite } from './sdks/openai-agents.ts'
import { openaiSuite } from './sdks/openai.ts'
import { openrouterSuite } from './sdks/openrouter.ts'

const SUITES: readonly Suite[] = [
  openaiSuite,
  anthropicSuite,
  googleGenaiSuite,
  aiSuite,
  openrouterSuite,
  langchainSuite,
  openaiAgentsSuite,
]

let stage: Stage | null = null
const running = (): Stage => {
  if (stage === null) throw new Error('The gateway is not up yet.')
  return stage
}

beforeAll(async () => {
  const server = await startReplayServer()
  try {
    stage = { server, gateway: await startGateway(server.origin) }
  } catch (error) {
    await server.close()
    throw error
  }
}, 120_000)
afterAll(async () => {
  await stage?.gateway.stop()
  await stage?.server.close()
}, 20_000)

for (const suite of SUITES) suite(running)
