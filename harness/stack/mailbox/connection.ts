import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'

/** What Node's server hands along with a request; absent when a request is made in memory. */
export type NodeBindings = { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse }

/** Breaks the connection in the middle: the caller sees a reset and no answer. */
export function breakConnection(c: Context): Response {
  const { incoming } = (c.env ?? {}) as NodeBindings
  if (incoming === undefined) return c.body(null, 502)
  const { socket } = incoming
  if ('resetAndDestroy' in socket) socket.resetAndDestroy()
  else incoming.destroy()
  return new Response(null, { headers: RESPONSE_ALREADY_SENT.headers })
}
