import { randomUUID } from 'node:crypto'
import type { ApiKeys } from '../keys.ts'

export type EnvironmentFacts = {
  /** Of the function. */
  readonly name: string
  readonly keys: ApiKeys
  /** Of the stack. */
  readonly url: string
  readonly databaseUrl: string
  readonly resendUrl: string
  /** The project's own secrets. */
  readonly secrets: Readonly<Record<string, string>>
  /** What a suite changed of them; `null`: taken away. */
  readonly changed?: Readonly<Record<string, string | null>>
}

/**
 * What an edge function finds in its environment on the platform, pointing at the stack. The machine's own environment is
 * not passed on. `RESEND_API_KEY` may be set by the project; where the mails go may not. The set of public keys is empty:
 * this stack signs with a shared secret, as projects do that were not moved to signing keys.
 */
export function functionEnvironment({
  name,
  keys,
  url,
  databaseUrl,
  resendUrl,
  secrets,
  changed = {},
}: EnvironmentFacts): Record<string, string> {
  const own = Object.entries({ RESEND_API_KEY: 're_test_greenlight', ...secrets, ...changed })
  return {
    ...Object.fromEntries(own.filter((entry): entry is [string, string] => entry[1] !== null)),
    SB_REGION: 'local',
    SB_EXECUTION_ID: randomUUID(),
    DENO_DEPLOYMENT_ID: `greenlight_${name}_1`,
    SUPABASE_URL: url,
    SUPABASE_DB_URL: databaseUrl,
    SUPABASE_ANON_KEY: keys.anonKey,
    SUPABASE_SERVICE_ROLE_KEY: keys.serviceKey,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: keys.publishableKey }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys.secretKey }),
    SUPABASE_JWKS: JSON.stringify({ keys: [] }),
    RESEND_BASE_URL: resendUrl,
  }
}
