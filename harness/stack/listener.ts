import { once } from 'node:events'
import type { Server } from 'node:http'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'

export type Listener = {
  readonly port: number
  readonly url: string
  close(): Promise<void>
}

/** Answers a request; `bindings` are what Node knows of it. */
export type Handler = (request: Request, bindings?: Partial<HttpBindings>) => Response | Promise<Response>

/** Serves on 127.0.0.1 alone, on a port that the system chooses. The handler may be set once the address is known. */
export async function listen(handler: () => Handler): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: (request, bindings) => handler()(request, bindings as HttpBindings),
  }) as Server
  // Whoever keeps a connection may use it at any time. Node would close it after five idle seconds, and a request that
  // comes at that very moment is lost: a function would fail for nothing.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
