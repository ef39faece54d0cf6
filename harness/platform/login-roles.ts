/** Roles of the platform that may log in, besides the admin role. `preparePlatform` gives each the cluster's password. */
export const loginRoles: readonly string[] = [
  'authenticator',
  'pgbouncer',
  'postgres',
  'supabase_auth_admin',
  'supabase_etl_admin',
  'supabase_functions_admin',
  'supabase_read_only_user',
  'supabase_replication_admin',
  'supabase_storage_admin',
]
