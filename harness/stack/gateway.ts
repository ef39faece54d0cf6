import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { HarnessError, messageOf } from '../errors.ts'
import type { StackBreak } from '../model/stack.ts'
import type { Auth } from './auth/server.ts'
import type { DataApi } from './data-api/postgrest.ts'
import type { Forwarder } from './forward.ts'
import { callFunction } from './functions/call.ts'
import { failure } from './functions/failure.ts'
import type { Functions } from './functions/functions.ts'
import type { ApiKeys } from './keys.ts'
import type { LazyPart } from './lazy-part.ts'
import type { MailService } from './mailbox/mail-service.ts'
import { mailboxRoutes } from './mailbox/routes.ts'

export type GatewayParts = {
  readonly keys: ApiKeys
  readonly dataApi: LazyPart<DataApi>
  readonly auth: LazyPart<Auth>
  /** `undefined` when the stack has no functions folder. */
  readonly functions: Functions | undefined
  readonly mail: MailService
  readonly forwarder: Forwarder
  /** The stack's clock, which the functions follow. */
  readonly now: () => Date
  readonly onFailure: (error: HarnessError) => void
  /** Told of a request that broke off within a part, unless who sent it gave it up, and of a part that took too long to start. */
  readonly onBreak: (broken: Omit<StackBreak, 'at'>) => void
}

/** Routes of GoTrue that a browser opens from a link, without a key. */
const openAuthRoutes = /^\/auth\/v1\/(verify|callback|authorize|\.well-known\/.*)$/

/**
 * The one address of a stack, with the routes, keys and CORS answers of the platform's gateway. A part that cannot
 * start answers 503 with the reason.
 */
export function makeGateway(parts: GatewayParts): Hono {
  const { keys } = parts
  const app = new Hono()
  const crossOrigin = cors({
    origin: '*',
    allowMethods: ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS'],
    exposeHeaders: [
      'Content-Range',
      'Content-Location',
      'Content-Profile',
      'Location',
      'Preference-Applied',
      'Range-Unit',
      'X-Total-Count',
      'Link',
      'X-Supabase-Api-Version',
    ],
    maxAge: 3600,
  })
  app.use('/rest/v1/*', crossOrigin)
  app.use('/auth/v1/*', crossOrigin)

  app.all('/rest/v1/*', requireKey(keys), (c) =>
    starting(c, parts, async () => {
      const { upstream } = await parts.dataApi.get()
      return parts.forwarder.send(c.req.raw, {
        upstream,
        path: pathAfter(c, '/rest/v1') || '/',
        headers: upstreamHeaders(c, keys),
      })
    }),
  )

  app.use('/auth/v1/*', async (c, next) => (openAuthRoutes.test(c.req.path) ? next() : requireKey(keys)(c, next)))
  app.all('/auth/v1/*', (c) =>
    starting(c, parts, async () => {
      const auth = await parts.auth.get()
      return auth.fetch(new Request(c.req.raw, { headers: upstreamHeaders(c, keys) }))
    }),
  )

  const calls = functionCalls(parts)
  app.all('/functions/v1/:name/*', (c) => starting(c, parts, () => calls(c)))
  app.all('/functions/v1/:name', (c) => starting(c, parts, () => calls(c)))

  app.route('/mailbox', mailboxRoutes({ service: parts.mail, keys }))

  app.all('*', (c) =>
    c.json({ message: `no Route matched with those values: ${c.req.path} is not part of this stack` }, 404),
  )
  return app
}

/** Calls are numbered by function, so that what is logged of one can be told from another. */
function functionCalls(parts: GatewayParts): (c: Context) => Promise<Response> {
  const numbers = new Map<string, number>()
  return (c) => {
    const name = c.req.param('name') ?? ''
    const number = (numbers.get(name) ?? 0) + 1
    numbers.set(name, number)
    const headers = new Headers(c.req.raw.headers)
    forwardedFor(headers)
    return callFunction(
      c.req.raw,
      { name, id: `${name}#${number}`, path: pathAfter(c, '/functions/v1'), headers },
      { ...parts, clockOffset: () => offsetOf(parts.now) },
    )
  }
}

/** Milliseconds between the stack's clock and the machine's; asking takes time itself, so that one or two are none. */
function offsetOf(now: () => Date): number {
  const offset = now().getTime() - Date.now()
  return Math.abs(offset) <= 2 ? 0 : offset
}

/** Answers 401 as the platform does, unless the request has one of the stack's keys. */
function requireKey(keys: ApiKeys) {
  return async (c: Context, next: () => Promise<void>) => {
    const key = c.req.header('apikey') ?? c.req.query('apikey')
    if (key === undefined) {
      return c.json(
        { message: 'No API key found in request', hint: 'No `apikey` request header or url param was found.' },
        401,
      )
    }
    if (keys.roleOf(key) === undefined) {
      return c.json(
        { message: 'Invalid API key', hint: 'Double check your Supabase `anon` or `service_role` API key.' },
        401,
      )
    }
    return next()
  }
}

/** The request's headers with opaque keys turned into the tokens that the parts understand. */
function upstreamHeaders(c: Context, keys: ApiKeys): Headers {
  const headers = new Headers(c.req.raw.headers)
  const authorization = headers.get('authorization')
  const bearer = authorization?.replace(/^bearer\s+/i, '')
  const token = authorization === null ? keys.jwtOf(headers.get('apikey') ?? '') : keys.jwtOf(bearer ?? '')
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  forwardedFor(headers)
  return headers
}

function forwardedFor(headers: Headers): void {
  headers.set('x-forwarded-host', headers.get('host') ?? '')
  headers.set('x-forwarded-proto', 'http')
}

/** Path and query after a prefix; the key is no parameter of the part behind. */
function pathAfter(c: Context, prefix: string): string {
  const url = new URL(c.req.url)
  if (!url.searchParams.has('apikey')) return url.pathname.slice(prefix.length) + url.search
  url.searchParams.delete('apikey')
  return url.pathname.slice(prefix.length) + url.search
}

async function starting(
  c: Context,
  { onFailure, onBreak }: GatewayParts,
  work: () => Promise<Response>,
): Promise<Response> {
  const breaks = (error: unknown) => onBreak({ path: routeOf(c.req.path), message: withoutQuotes(messageOf(error)) })
  try {
    return await work()
  } catch (error) {
    if (error instanceof HarnessError) {
      onFailure(error)
      // The machine was too slow for it; one that ends by itself may do so for what the app made of its database.
      if (error.facts.timedOut === true) breaks(error)
      return failure(503, error.code === 'function.unloadable' ? 'BOOT_ERROR' : error.code, error.message)
    }
    if (!c.req.raw.signal.aborted) breaks(error)
    return c.json(
      { code: 'stack.failed', message: `The part behind ${c.req.path} broke off: ${messageOf(error)}` },
      502,
    )
  }
}

/** The table, function or step that a path leads to; what follows may be an address or a key. */
function routeOf(path: string): string {
  return path.match(/^\/(rest\/v1\/(rpc\/)?|auth\/v1\/(admin\/)?|functions\/v1\/)[^/]*/)?.[0] ?? '/'
}

/** The first line of a message; what it quotes may be a value. */
function withoutQuotes(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/"[^"]*("|$)|'[^']*('|$)/g, '"…"')
}
