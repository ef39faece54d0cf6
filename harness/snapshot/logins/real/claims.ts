import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'

/** Claims that differ at every login, or with the port of the stack. */
const fleeting: ReadonlySet<string> = new Set(['iss', 'iat', 'exp', 'nbf', 'auth_time', 'session_id', 'jti'])

/** A hash of each claim by its path; of `amr` the methods without their times and order. Keys that may be personal are not named. */
export function claimsOf(accessToken: string): Map<string, string> {
  const claims = new Map<string, string>()
  for (const [name, value] of Object.entries(decodeJwt(accessToken))) {
    if (fleeting.has(name)) continue
    if (name === 'amr' && Array.isArray(value)) claims.set(name, hash(value.map(methodOf).toSorted()))
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, part] of Object.entries(value)) {
        claims.set(/^\w{1,40}$/.test(key) ? `${name}.${key}` : name, hash(part))
      }
    } else claims.set(name, hash(value))
  }
  return claims
}

/** Paths at which two tokens differ, sorted. */
export function differingClaims(was: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...was.keys(), ...is.keys()])
  return [...paths].filter((path) => was.get(path) !== is.get(path)).toSorted()
}

function methodOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'method' in entry ? entry.method : entry
}

function hash(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('base64url')
}

/** JSON with the keys of objects in order: jsonb keeps an order of its own. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
        : part,
    ) ?? 'undefined'
  )
}
