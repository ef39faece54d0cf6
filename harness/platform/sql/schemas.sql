-- The platform's schemas with their owners, and what each role may see of them.
do $$
declare
  listed record;
begin
  for listed in
    select * from (values
      ('auth', 'supabase_admin'), ('storage', 'supabase_admin'), ('realtime', 'supabase_admin'),
      ('graphql', 'supabase_admin'), ('graphql_public', 'supabase_admin'), ('vault', 'supabase_admin'),
      ('supabase_functions', 'supabase_admin'), ('pgbouncer', 'pgbouncer'),
      ('extensions', 'postgres'), ('supabase_migrations', 'postgres')
    ) as schemas (name, owner)
  loop
    execute format('create schema if not exists %I authorization %I', listed.name, listed.owner);
  end loop;
end $$;

grant usage on schema public to postgres, anon, authenticated, service_role;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to dashboard_user;
grant usage on schema auth to anon, authenticated, service_role, postgres;
grant all on schema auth to supabase_auth_admin, dashboard_user;
grant usage on schema storage to anon, authenticated, service_role;
grant usage on schema storage to postgres with grant option;
grant all on schema storage to supabase_storage_admin, dashboard_user;
grant usage on schema realtime to anon, authenticated, service_role;
grant usage on schema realtime to postgres with grant option;
grant all on schema realtime to supabase_realtime_admin;
grant usage on schema graphql, graphql_public to postgres, anon, authenticated, service_role;
grant usage on schema vault to postgres, service_role;
grant usage on schema supabase_functions to postgres, anon, authenticated, service_role;
grant all on schema supabase_functions to supabase_functions_admin;

create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pg_stat_statements with schema extensions;
create extension if not exists supabase_vault with schema vault;
grant all on all tables in schema extensions to postgres with grant option;
grant all on all functions in schema extensions to postgres with grant option;
grant all on all functions in schema extensions to dashboard_user;

-- Grants on what is made later. The platform took those of role postgres in schema public back in October 2026: a new
-- table is closed to the API until the migration that makes it grants something.
alter default privileges for role supabase_auth_admin in schema auth grant all on tables to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth grant all on sequences to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth grant all on functions to postgres, dashboard_user;
alter default privileges for role supabase_admin in schema extensions grant all on tables to postgres with grant option;
alter default privileges for role supabase_admin in schema extensions grant all on sequences to postgres with grant option;
alter default privileges for role supabase_admin in schema extensions grant all on functions to postgres with grant option;
alter default privileges for role supabase_admin in schema realtime grant all on tables to postgres, dashboard_user;
alter default privileges for role supabase_admin in schema realtime grant all on sequences to postgres, dashboard_user;
alter default privileges for role supabase_admin in schema realtime grant all on functions to postgres, dashboard_user;
do $$
declare
  target record;
  kind text;
begin
  for target in
    select * from (values
      ('supabase_admin', 'public'), ('supabase_admin', 'graphql'), ('supabase_admin', 'graphql_public'),
      ('postgres', 'storage')
    ) as targets (owner, schema)
  loop
    foreach kind in array array['tables', 'sequences', 'functions'] loop
      execute format('alter default privileges for role %I in schema %I grant all on %s to postgres, anon, authenticated, service_role',
        target.owner, target.schema, kind);
    end loop;
  end loop;
end $$;
