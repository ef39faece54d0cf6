import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { SignJWT } from 'jose'
import type { StackAccess } from '../harness/suites/control.ts'
import type { User } from './context.ts'

export function newClient(url: string, key: string, token?: string): SupabaseClient {
  return createClient(url, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    ...(token === undefined ? {} : { global: { headers: { Authorization: `Bearer ${token}` } } }),
  })
}

/** By a token as Auth would sign it. */
export async function actingAs(
  user: User,
  { url, anonKey, jwtSecret }: Pick<StackAccess, 'url' | 'anonKey' | 'jwtSecret'>,
  expires = '1h',
): Promise<SupabaseClient> {
  const token = await new SignJWT({
    role: 'authenticated',
    aal: 'aal1',
    is_anonymous: false,
    app_metadata: {},
    user_metadata: {},
    ...(user.email ? { email: user.email } : {}),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(user.id)
    .setAudience('authenticated')
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(jwtSecret))
  return newClient(url, anonKey, token)
}
