-- Grants on what the platform's own roles make later in its own schemas.
alter default privileges for role supabase_auth_admin in schema auth grant all on tables to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth grant all on sequences to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth grant all on functions to postgres, dashboard_user;
alter default privileges for role supabase_admin in schema realtime grant all on tables to postgres, dashboard_user;
alter default privileges for role supabase_admin in schema realtime grant all on sequences to postgres, dashboard_user;
alter default privileges for role supabase_admin in schema realtime grant all on functions to postgres, dashboard_user;
do $$
declare
  kind text;
begin
  foreach kind in array array['tables', 'sequences', 'functions'] loop
    execute format('alter default privileges for role postgres in schema storage grant all on %s to postgres, anon, authenticated, service_role', kind);
  end loop;
end $$;
