import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

/** Where a part of the stack listens: a socket in a private folder, or a loopback port. */
export type Upstream = { readonly socketPath: string } | { readonly port: number }

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
])

export type Forwarder = {
  /** Sends a request on, under another path, and answers with what comes back; both bodies are streamed. */
  send(
    request: Request,
    target: { readonly upstream: Upstream; readonly path: string; readonly headers: Headers },
  ): Promise<Response>
  close(): void
}

export function makeForwarder(): Forwarder {
  // PostgREST closes what was idle for 30 seconds: a connection is given up before, not while it is used again.
  const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 15_000 })
  return {
    send(request, { upstream, path, headers }) {
      return new Promise((resolve, reject) => {
        const outgoing = httpRequest({
          agent,
          ...upstream,
          host: '127.0.0.1',
          method: request.method,
          path,
          headers: Object.fromEntries([...headers].filter(([name]) => !hopByHop.has(name))),
          signal: request.signal,
        })
        outgoing.once('response', (incoming) => resolve(asResponse(incoming, request.method)))
        // For good: a broken connection is told once more after the answer has begun.
        outgoing.on('error', reject)
        if (request.body === null) outgoing.end()
        else
          Readable.fromWeb(request.body as ReadableStream)
            .on('error', reject)
            .pipe(outgoing)
      })
    },
    close: () => agent.destroy(),
  }
}

function asResponse(incoming: IncomingMessage, method: string): Response {
  const headers = new Headers()
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    const name = incoming.rawHeaders[i] ?? ''
    if (!hopByHop.has(name.toLowerCase())) headers.append(name, incoming.rawHeaders[i + 1] ?? '')
  }
  const status = incoming.statusCode ?? 502
  const empty = method === 'HEAD' || status === 204 || status === 304
  if (empty) incoming.resume()
  return new Response(empty ? null : (Readable.toWeb(incoming) as globalThis.ReadableStream), { status, headers })
}
