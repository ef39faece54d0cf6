-- Grants in schemas that everybody uses: on what the extensions made, and on what is made later. The platform took those
-- of role postgres in schema public back in October 2026: a new table is closed to the API until the migration that makes
-- it grants something. Run it when what production has is there already: whatever is made after it is open.
grant all on all tables in schema extensions to postgres with grant option;
grant all on all functions in schema extensions to postgres with grant option;
grant all on all functions in schema extensions to dashboard_user;

alter default privileges for role supabase_admin in schema extensions grant all on tables to postgres with grant option;
alter default privileges for role supabase_admin in schema extensions grant all on sequences to postgres with grant option;
alter default privileges for role supabase_admin in schema extensions grant all on functions to postgres with grant option;
do $$
declare
  target text;
  kind text;
begin
  foreach target in array array['public', 'graphql', 'graphql_public'] loop
    foreach kind in array array['tables', 'sequences', 'functions'] loop
      execute format('alter default privileges for role supabase_admin in schema %I grant all on %s to postgres, anon, authenticated, service_role',
        target, kind);
    end loop;
  end loop;
end $$;
