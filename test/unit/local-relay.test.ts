import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { openRelay } from '../../scripts/local/relay.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

/** A worker that answers each piece with itself, and tells how its connections end. */
async function started(answer: boolean): Promise<{ readonly port: number; readonly ends: Promise<string> }> {
  let ended: (how: string) => void = () => undefined
  const ends = new Promise<string>((resolve) => {
    ended = resolve
  })
  const worker = createServer((socket) => {
    socket.on('data', (bytes) => void (answer && socket.write(bytes)))
    socket.once('error', (error) => ended('code' in error ? String(error.code) : error.message))
    socket.once('end', () => ended('end'))
  })
  await new Promise<void>((resolve) => void worker.listen(0, '127.0.0.1', resolve))
  const relay = await openRelay('127.0.0.1', 0, (worker.address() as AddressInfo).port)
  open.push(worker, relay)
  return { port: (relay.address() as AddressInfo).port, ends }
}

describe('the relay before a local workerd', () => {
  it('passes bytes both ways', async () => {
    const { port } = await started(true)
    const client = connect(port, '127.0.0.1')
    const sent = Buffer.alloc(300_000, 'x')
    client.write(sent)
    let got = 0
    for await (const piece of client) {
      got += (piece as Buffer).length
      if (got >= sent.length) break
    }
    expect(got).toBe(sent.length)
  })

  it('resets the connection of a client that closes while it waits', async () => {
    const { port, ends } = await started(false)
    const client = connect(port, '127.0.0.1')
    client.write('asked')
    await new Promise((resolve) => setTimeout(resolve, 50))
    client.destroy()
    expect(await ends).toBe('ECONNRESET')
  })

  it('says that the port is taken', async () => {
    const { port } = await started(true)
    await expect(openRelay('127.0.0.1', port, 1)).rejects.toThrow(/EADDRINUSE/)
  })
})
