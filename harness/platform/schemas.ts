/** Schemas that are the platform's or Postgres' own. What is in none of them, and does not begin with `pg_`, is the app's. */
export const platformSchemas: readonly string[] = [
  '_analytics',
  '_realtime',
  '_supavisor',
  'auth',
  'cron',
  'extensions',
  'graphql',
  'graphql_public',
  'information_schema',
  'net',
  'pgbouncer',
  'pgmq',
  'pgsodium',
  'pgsodium_masks',
  'pgtle',
  'realtime',
  'repack',
  'storage',
  'supabase_functions',
  'supabase_migrations',
  'vault',
]

const listed: ReadonlySet<string> = new Set(platformSchemas)

export function isPlatformSchema(schema: string): boolean {
  return listed.has(schema) || schema.startsWith('pg_')
}
