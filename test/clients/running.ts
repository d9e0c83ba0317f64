// A replay server and a gateway in front of it, for all tests of a file.

import { afterAll, beforeAll } from 'vitest'
import { startReplayServer, type ReplayServer } from '../support/replay-server.ts'
import { startGateway, type GatewayProcess } from './gateway-process.ts'

export type Running = { readonly server: ReplayServer; readonly gateway: GatewayProcess }

/** Call it at the top of a file; what it gives may be used inside tests. */
export function running(): Running {
  let server: ReplayServer | null = null
  let gateway: GatewayProcess | null = null
  beforeAll(async () => {
    server = await startReplayServer()
    gateway = await startGateway(server.origin)
  }, 120_000)
  afterAll(async () => {
    await gateway?.stop()
    await server?.close()
  }, 20_000)
  return {
    get server() {
      return started(server)
    },
    get gateway() {
      return started(gateway)
    },
  }
}

function started<Part>(part: Part | null): Part {
  if (part === null) throw new Error('It is not started yet: use it inside a test.')
  return part
}
