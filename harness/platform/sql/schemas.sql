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
