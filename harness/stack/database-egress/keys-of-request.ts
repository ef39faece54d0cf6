import { decodeJwt } from 'jose'
import type { ApiKeys } from '../keys.ts'

/**
 * The headers of a request of the database, with the keys of production exchanged for those of the stack that stand for
 * the same role: they are written into webhooks by the dashboard, and come with the dump.
 */
export function withKeysOfStack(headers: Readonly<Record<string, unknown>>, keys: ApiKeys): Headers {
  const exchanged = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue
    const [, scheme = '', key = value] = /^(bearer\s+)(\S+)$/i.exec(value) ?? []
    const standing = /^(authorization|apikey)$/i.test(name) ? standingFor(key, keys) : undefined
    exchanged.set(name, standing === undefined ? value : `${scheme}${standing}`)
  }
  return exchanged
}

function standingFor(key: string, keys: ApiKeys): string | undefined {
  if (keys.roleOf(key) !== undefined) return undefined
  if (key.startsWith('sb_publishable_')) return keys.publishableKey
  if (key.startsWith('sb_secret_')) return keys.secretKey
  try {
    const { role, sub } = decodeJwt(key)
    if (sub !== undefined) return undefined
    return role === 'service_role' ? keys.serviceKey : role === 'anon' ? keys.anonKey : undefined
  } catch {
    return undefined
  }
}
