// Stands before a local workerd and tells it when a client has left. Cloudflare's edge ends a request whose client is gone; a workerd of
// one's own notices that only when it next writes, unless the connection is reset: so a close becomes a reset here. Bytes are not looked at.

import { connect, createServer, type Server, type Socket } from 'node:net'

/** Serves `host:port` with what answers at `to` on the loopback. @throws Error when the port is taken */
export function openRelay(host: string, port: number, to: number): Promise<Server> {
  const server = createServer({ noDelay: true }, (client) => {
    const worker = connect({ host: '127.0.0.1', port: to, noDelay: true })
    client.pipe(worker, { end: false })
    worker.pipe(client)
    const leave = (): void => {
      if (!worker.destroyed) reset(worker)
    }
    client.once('end', leave).once('close', leave)
    client.on('error', leave)
    worker.on('error', () => client.destroy())
    worker.once('close', () => client.end())
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 2048 }, () => resolve(server))
  })
}

/** A connection that is not made yet cannot be reset: it is only given up. */
function reset(socket: Socket): void {
  if (socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}
