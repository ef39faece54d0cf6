-- The roles of the platform, their memberships and settings. Needs a superuser; may be run again at any time.
-- Login roles get their password from the caller.
do $$
declare
  platform_role record;
begin
  for platform_role in
    select * from (values
      ('postgres',                   'login inherit nosuperuser createdb createrole replication bypassrls'),
      ('anon',                       'nologin inherit'),
      ('authenticated',              'nologin inherit'),
      ('service_role',               'nologin inherit bypassrls'),
      ('authenticator',              'login noinherit'),
      ('dashboard_user',             'nologin inherit createdb createrole replication'),
      ('pgbouncer',                  'login inherit'),
      ('supabase_auth_admin',        'login noinherit nocreaterole'),
      ('supabase_storage_admin',     'login noinherit createrole'),
      ('supabase_functions_admin',   'login noinherit createrole'),
      ('supabase_realtime_admin',    'nologin noinherit'),
      ('supabase_replication_admin', 'login inherit replication'),
      ('supabase_read_only_user',    'login inherit bypassrls'),
      ('supabase_etl_admin',         'login inherit replication bypassrls'),
      ('supabase_privileged_role',   'nologin inherit'),
      ('supabase_superuser',         'nologin inherit'),
      ('pgsodium_keyiduser',         'nologin inherit'),
      ('pgsodium_keyholder',         'nologin inherit'),
      ('pgsodium_keymaker',          'nologin inherit'),
      ('pgtle_admin',                'nologin inherit')
    ) as listed (name, attributes)
  loop
    if not exists (select from pg_roles where rolname = platform_role.name) then
      execute format('create role %I with %s', platform_role.name, platform_role.attributes);
    elsif platform_role.name <> session_user then
      execute format('alter role %I with %s', platform_role.name, platform_role.attributes);
    end if;
  end loop;
  -- Owns what the platform itself made. On most engines it is the role that runs this.
  if not exists (select from pg_roles where rolname = 'supabase_admin') then
    create role supabase_admin with login superuser createdb createrole replication bypassrls;
  end if;
end $$;

-- A plain GRANT takes INHERIT from the member's own attribute, so one spelling serves every server version.
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres;
grant authenticator to supabase_storage_admin;
grant supabase_privileged_role to postgres, supabase_etl_admin;
grant supabase_realtime_admin to postgres;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
grant pg_monitor, pg_read_all_data to supabase_etl_admin, supabase_read_only_user;
grant pgsodium_keyiduser to pgsodium_keyholder;
grant pgsodium_keyiduser, pgsodium_keyholder to pgsodium_keymaker;
do $$
begin
  if current_setting('server_version_num')::int >= 160000 then
    grant pg_create_subscription to postgres;
    grant anon, authenticated, service_role, authenticator to postgres with admin option;
  end if;
end $$;
-- postgres is no member of supabase_auth_admin and supabase_storage_admin: a migration that alters their tables must
-- fail here as it does in production.

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = 60000;
alter role supabase_storage_admin set search_path = storage;
alter role supabase_functions_admin set search_path = supabase_functions;
alter role supabase_read_only_user set default_transaction_read_only = on;
-- The platform preloads safeupdate and supautils; a plain server has neither, and every login would fail.
alter role authenticator reset session_preload_libraries;
alter role postgres reset session_preload_libraries;

-- The platform lets postgres change these through supautils.
grant set on parameter session_replication_role, log_lock_waits, log_min_messages, track_io_timing to postgres;
