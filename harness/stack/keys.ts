import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'

export type ApiRole = 'anon' | 'service_role'

/** The keys of one stack, made at random when it starts. */
export type ApiKeys = {
  readonly jwtSecret: string
  /** JWTs, as projects made before 2025 have them. */
  readonly anonKey: string
  readonly serviceKey: string
  /** Opaque keys, as newer projects have them. */
  readonly publishableKey: string
  readonly secretKey: string
  /** The role of a key of this stack; `undefined` for anything else. */
  roleOf(key: string): ApiRole | undefined
  /** The JWT that stands for an opaque key; `undefined` for anything else. */
  jwtOf(key: string): string | undefined
}

const tenYears = 10 * 365 * 86_400

export async function makeKeys(): Promise<ApiKeys> {
  const jwtSecret = randomBytes(32).toString('base64url')
  // The real clock, whatever the stack's is: the Data API refuses tokens of the future.
  const issuedAt = Math.floor(Date.now() / 1000)
  const sign = (role: ApiRole) =>
    new SignJWT({ iss: 'supabase', ref: 'greenlight', role })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + tenYears)
      .sign(new TextEncoder().encode(jwtSecret))
  const [anonKey, serviceKey] = await Promise.all([sign('anon'), sign('service_role')])
  const publishableKey = `sb_publishable_${randomBytes(24).toString('base64url')}`
  const secretKey = `sb_secret_${randomBytes(24).toString('base64url')}`
  const roles = new Map<string, ApiRole>([
    [anonKey, 'anon'],
    [publishableKey, 'anon'],
    [serviceKey, 'service_role'],
    [secretKey, 'service_role'],
  ])
  const jwts = new Map([
    [publishableKey, anonKey],
    [secretKey, serviceKey],
  ])
  return {
    jwtSecret,
    anonKey,
    serviceKey,
    publishableKey,
    secretKey,
    roleOf: (key) => roles.get(key),
    jwtOf: (key) => jwts.get(key),
  }
}
