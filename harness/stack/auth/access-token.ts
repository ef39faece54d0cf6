import { createHmac } from 'node:crypto'
import { decodeJwt, jwtVerify } from 'jose'
import type { Account, AuthMethod } from './account.ts'

export type TokenFacts = {
  /** `http://127.0.0.1:<port>/auth/v1` */
  readonly issuer: string
  readonly jwtSecret: string
  readonly account: Account
  readonly methods: readonly AuthMethod[]
}

/** The account and the session that an access token was signed for. */
export function subjectOf(accessToken: string): { readonly userId: string; readonly sessionId: string } {
  const { sub, session_id } = decodeJwt(accessToken)
  return { userId: sub ?? '', sessionId: typeof session_id === 'string' ? session_id : '' }
}

/**
 * The same token with all of GoTrue's claims. Policies read them (`auth.jwt() -> 'app_metadata'`, `is_anonymous`,
 * `aal`), and the Auth server that runs here signs only subject, role, e-mail and session.
 */
export function withGotrueClaims(accessToken: string, { issuer, jwtSecret, account, methods }: TokenFacts): string {
  const { sub, aud, exp, iat, role, session_id } = decodeJwt(accessToken)
  const claims = {
    iss: issuer,
    ...(sub === undefined ? {} : { sub }),
    ...(aud === undefined ? {} : { aud }),
    ...(exp === undefined ? {} : { exp }),
    ...(iat === undefined ? {} : { iat }),
    email: account.email,
    phone: account.phone,
    app_metadata: account.appMetadata,
    user_metadata: account.userMetadata,
    role,
    aal: 'aal1',
    amr: methods,
    session_id,
    is_anonymous: account.anonymous,
  }
  // By hand: each login signs two, and a key of Web Crypto is a round trip to another thread.
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims].map(encoded).join('.')
  return `${signed}.${createHmac('sha256', jwtSecret).update(signed).digest('base64url')}`
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** The role of a request's token, when the token is valid. */
export async function roleOf(request: Request, jwtSecret: string): Promise<unknown> {
  const token = request.headers.get('authorization')?.replace(/^bearer\s+/i, '') ?? ''
  return jwtVerify(token, new TextEncoder().encode(jwtSecret), { algorithms: ['HS256'] }).then(
    ({ payload }) => payload.role,
    () => undefined,
  )
}
