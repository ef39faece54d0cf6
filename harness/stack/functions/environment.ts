import type { ApiKeys } from '../keys.ts'

export type EnvironmentFacts = {
  readonly keys: ApiKeys
  /** Of the stack. */
  readonly url: string
  readonly databaseUrl: string
  readonly resendUrl: string
  /** From the config. */
  readonly extra: Readonly<Record<string, string>>
}

/**
 * What an edge function finds in its environment on the platform, pointing at the stack. The machine's own environment is
 * not passed on. `RESEND_API_KEY` may be set by the config; where the mails go may not.
 */
export function functionEnvironment({
  keys,
  url,
  databaseUrl,
  resendUrl,
  extra,
}: EnvironmentFacts): Record<string, string> {
  return {
    RESEND_API_KEY: 're_test_greenlight',
    SB_REGION: 'local',
    SB_EXECUTION_ID: 'greenlight',
    DENO_DEPLOYMENT_ID: 'greenlight',
    ...extra,
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
