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

/** Every role that `preparePlatform` makes, besides the admin role. As in `sql/roles.sql`. */
export const platformRoles: readonly string[] = [
  ...loginRoles,
  'anon',
  'authenticated',
  'service_role',
  'dashboard_user',
  'supabase_realtime_admin',
  'supabase_privileged_role',
  'supabase_superuser',
  'supabase_admin',
  'pgsodium_keyiduser',
  'pgsodium_keyholder',
  'pgsodium_keymaker',
  'pgtle_admin',
]
