import { decodeProtectedHeader, jwtVerify } from 'jose'
import type { ApiKeys } from '../keys.ts'
import { failure } from './failure.ts'

/**
 * The platform's answer to a call without a valid token, or `undefined` when the call may pass. `OPTIONS` always may; an
 * opaque key is good in the header `apikey`, where the gateway makes a token of it, and not as a bearer alone.
 * Codes: https://supabase.com/docs/guides/functions/error-codes
 */
export async function refuseUnverified(request: Request, keys: ApiKeys): Promise<Response | undefined> {
  if (request.method === 'OPTIONS') return undefined
  const authorization = request.headers.get('authorization')
  const apikey = request.headers.get('apikey') ?? ''
  const minted = keys.roleOf(apikey) === undefined ? undefined : (keys.jwtOf(apikey) ?? apikey)
  if (authorization === null && minted === undefined) return refusal('NO_AUTH_HEADER', 'Missing authorization header')
  const bearer = /^bearer\s+(\S+)$/i.exec(authorization?.trim() ?? '')?.[1]
  const token = bearer === undefined || bearer.startsWith('sb_') ? minted : bearer
  const algorithm = token === undefined ? undefined : algorithmOf(token)
  if (token === undefined || algorithm === undefined) return refusal('INVALID_JWT_FORMAT', 'Invalid JWT format')
  // The stack has no public keys, so that no token signed with one can be its own.
  if (algorithm === 'ES256' || algorithm === 'RS256') return refusal('ASYMMETRIC_JWT', 'Invalid JWT')
  if (algorithm !== 'HS256') return refusal('UNSUPPORTED_TOKEN_ALGORITHM', `Unsupported JWT algorithm ${algorithm}`)
  try {
    await jwtVerify(token, new TextEncoder().encode(keys.jwtSecret), { algorithms: ['HS256'] })
    return undefined
  } catch {
    return refusal('LEGACY_JWT', 'Invalid JWT')
  }
}

function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg || undefined
  } catch {
    return undefined
  }
}

function refusal(code: string, message: string): Response {
  return failure(401, `UNAUTHORIZED_${code}`, message, { msg: message })
}
