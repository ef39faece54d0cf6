import { DatabaseError, type Pool } from 'pg'
import { z } from 'zod'
import { roleOf, subjectOf, withGotrueClaims } from './access-token.ts'
import { type AccountReference, findAccount, openSession } from './account.ts'
import { answerAdmin } from './admin.ts'
import { type AuthStep, type Refusal, refusalFor } from './admission.ts'

export type AuthFrontOptions = {
  /** The Auth server proper. */
  readonly server: (request: Request) => Promise<Response>
  readonly pool: Pool
  readonly issuer: string
  readonly jwtSecret: string
  /** Hears of a database that refuses what is asked of it. */
  readonly onLine: (line: string) => void
}

const answerWithSession = z.looseObject({ access_token: z.string(), user: z.looseObject({}) })

/**
 * What stands before the Auth server, so that a client sees what GoTrue would do: accounts that are banned or softly
 * deleted are refused, verification types of newer clients are understood, tokens carry GoTrue's claims, and a failing
 * database is told in GoTrue's words.
 */
export function authFront({
  server,
  pool,
  issuer,
  jwtSecret,
  onLine,
}: AuthFrontOptions): (request: Request) => Promise<Response> {
  const sign = async (accessToken: string, method: string | undefined): Promise<string> => {
    const { userId, sessionId } = subjectOf(accessToken)
    const facts = await openSession(pool, { userId, sessionId, method })
    return facts === undefined ? accessToken : withGotrueClaims(accessToken, { issuer, jwtSecret, ...facts })
  }

  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url)
    if (url.pathname.startsWith('/auth/v1/admin/')) return answerAdmin(request, await roleOf(request, jwtSecret), pool)
    const body = await readBody(request)
    const call = readCall(url, request, body)
    if (call.account !== undefined) {
      const account = await findAccount(pool, call.account)
      const refusal = account && refusalFor(account, call.step)
      if (refusal !== undefined) return refuse(refusal)
    }
    const given = await server(rebuilt(request, url, body))
    if (given.status >= 500) return gotrueFailure(url.pathname)
    const location = given.headers.get('location')
    if (location !== null) return redirected(given, location, (token) => sign(token, call.method))
    if (!given.ok || !given.headers.get('content-type')?.includes('json')) return given
    const parsed = answerWithSession.safeParse(await given.clone().json())
    if (!parsed.success) return given
    const session = parsed.data
    const headers = new Headers(given.headers)
    headers.delete('content-length')
    return Response.json(
      { ...session, access_token: await sign(session.access_token, call.method) },
      { status: given.status, headers },
    )
  }

  return async (request) => {
    try {
      return await answer(request)
    } catch (error) {
      // What this front may not read, GoTrue may not either.
      if (!(error instanceof DatabaseError) || error.code === undefined) throw error
      onLine(`Auth failed: ${error.code}: ${error.message}`)
      return gotrueFailure(new URL(request.url).pathname)
    }
  }
}

type Call = {
  readonly step: AuthStep
  readonly account?: AccountReference /** Of a session that this call opens. */
  readonly method?: string
}
type Body = Record<string, unknown> | undefined

function readCall(url: URL, request: Request, body: Body): Call {
  const text = (name: string) => (typeof body?.[name] === 'string' ? body[name] : undefined)
  switch (url.pathname) {
    case '/auth/v1/token': {
      const refreshToken = text('refresh_token')
      if (url.searchParams.get('grant_type') === 'refresh_token') {
        return {
          step: 'refresh',
          ...(refreshToken === undefined ? {} : { account: { by: 'refresh-token', value: refreshToken } }),
        }
      }
      const email = text('email')
      return {
        step: 'password',
        method: 'password',
        ...(email === undefined ? {} : { account: { by: 'email', value: email } }),
      }
    }
    case '/auth/v1/otp':
    case '/auth/v1/magiclink': {
      const email = text('email')
      return { step: 'link', ...(email === undefined ? {} : { account: { by: 'email', value: email } }) }
    }
    case '/auth/v1/signup':
      return { step: 'password', method: 'password' }
    case '/auth/v1/verify': {
      const hash = text('token_hash') ?? url.searchParams.get('token') ?? undefined
      const email = text('email')
      if (hash !== undefined) return { step: 'verify', method: 'otp', account: { by: 'token-hash', value: hash } }
      return {
        step: 'verify',
        method: 'otp',
        ...(email === undefined ? {} : { account: { by: 'email', value: email } }),
      }
    }
    default: {
      const token = request.headers.get('authorization')?.replace(/^bearer /i, '')
      try {
        return { step: 'authenticated', account: { by: 'id', value: subjectOf(token ?? '').userId } }
      } catch {
        return { step: 'authenticated' }
      }
    }
  }
}

/** `email` covers sign-up and magic link, as of GoTrue 2.6; the server tries both tokens for a magic link. */
const verificationTypes: Readonly<Record<string, string>> = { email: 'magiclink', invite: 'signup' }

function rebuilt(request: Request, url: URL, body: Body): Request {
  if (url.pathname === '/auth/v1/verify' && request.method === 'GET') {
    const type = url.searchParams.get('type') ?? ''
    if (verificationTypes[type] !== undefined) url.searchParams.set('type', verificationTypes[type])
    return new Request(url, request)
  }
  if (body === undefined) return request
  const type = typeof body.type === 'string' ? verificationTypes[body.type] : undefined
  const sent = url.pathname === '/auth/v1/verify' && type !== undefined ? { ...body, type } : body
  const headers = new Headers(request.headers)
  headers.delete('content-length')
  return new Request(request.url, { method: request.method, headers, body: JSON.stringify(sent) })
}

/** The body when it is a JSON object; anything else is left in the request for the server to refuse. */
async function readBody(request: Request): Promise<Body> {
  if (request.body === null) return undefined
  try {
    const parsed: unknown = await request.clone().json()
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined
  } catch {
    return undefined
  }
}

async function redirected(
  answer: Response,
  location: string,
  sign: (token: string) => Promise<string>,
): Promise<Response> {
  const [target = '', fragment = ''] = location.split('#')
  const parameters = new URLSearchParams(fragment)
  const token = parameters.get('access_token')
  if (token === null) return answer
  parameters.set('access_token', await sign(token))
  const headers = new Headers(answer.headers)
  headers.set('location', `${target}#${parameters}`)
  return new Response(null, { status: answer.status, headers })
}

function refuse({ status, errorCode, message }: Refusal): Response {
  return Response.json(
    { code: status, error_code: errorCode, msg: message },
    { status, headers: { 'x-sb-error-code': errorCode } },
  )
}

/** A broken trigger or table shows up as one of these. */
function gotrueFailure(path: string): Response {
  const messages: Readonly<Record<string, string>> = {
    '/auth/v1/signup': 'Database error saving new user',
    '/auth/v1/token': 'Database error granting user',
  }
  const msg = messages[path] ?? 'Unexpected failure, please check server logs for more information'
  return Response.json({ code: 500, error_code: 'unexpected_failure', msg }, { status: 500 })
}
