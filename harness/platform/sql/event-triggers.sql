-- The platform's event triggers. `issue_…` give roles access to an extension when it is made; `pgrst_…` make the Data
-- API read the schema again. On the platform an extension is made by supabase_admin, whoever asks for it, and so they run
-- as that role; here role postgres makes it, and they are security definers in its place.
create function extensions.grant_pg_cron_access() returns event_trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from pg_event_trigger_ddl_commands() e join pg_extension x on x.oid = e.objid where x.extname = 'pg_cron') then
    grant usage on schema cron to postgres with grant option;
    alter default privileges for user supabase_admin in schema cron grant all on tables to postgres with grant option;
    alter default privileges for user supabase_admin in schema cron grant all on sequences to postgres with grant option;
    alter default privileges for user supabase_admin in schema cron grant all on functions to postgres with grant option;
    grant all on all tables in schema cron to postgres with grant option;
    revoke all on cron.job from postgres;
    grant select on cron.job to postgres with grant option;
  end if;
end $$;
comment on function extensions.grant_pg_cron_access() is 'Grants access to pg_cron';

create function extensions.grant_pg_net_access() returns event_trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from pg_event_trigger_ddl_commands() e join pg_extension x on x.oid = e.objid where x.extname = 'pg_net') then
    grant usage on schema net to supabase_functions_admin, postgres, anon, authenticated, service_role;
    revoke all on function net.http_get(text, jsonb, jsonb, integer) from public;
    revoke all on function net.http_post(text, jsonb, jsonb, jsonb, integer) from public;
    grant execute on function net.http_get(text, jsonb, jsonb, integer), net.http_post(text, jsonb, jsonb, jsonb, integer)
      to supabase_functions_admin, postgres, anon, authenticated, service_role;
  end if;
end $$;
comment on function extensions.grant_pg_net_access() is 'Grants access to pg_net';

create function extensions.grant_pg_graphql_access() returns event_trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from pg_event_trigger_ddl_commands() e where e.object_identity like 'graphql.resolve(%') then
    drop function if exists graphql_public.graphql(text, text, jsonb, jsonb);
    create function graphql_public.graphql(
      "operationName" text default null, query text default null, variables jsonb default null,
      extensions jsonb default null
    ) returns jsonb language sql as 'select graphql.resolve($2, coalesce($3, ''{}''), $1, $4)';
    grant usage on schema graphql, graphql_public to postgres with grant option;
    grant usage on schema graphql, graphql_public to anon, authenticated, service_role;
    grant execute on all functions in schema graphql to postgres, anon, authenticated, service_role;
  end if;
end $$;
comment on function extensions.grant_pg_graphql_access() is 'Grants access to pg_graphql';

create function extensions.set_graphql_placeholder() returns event_trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from pg_event_trigger_dropped_objects() d where d.schema_name = 'graphql_public') then
    create or replace function graphql_public.graphql(
      "operationName" text default null, query text default null, variables jsonb default null,
      extensions jsonb default null
    ) returns jsonb language sql as
      'select jsonb_build_object(''errors'', jsonb_build_array(jsonb_build_object(''message'', ''pg_graphql extension is not enabled.'')))';
  end if;
end $$;
comment on function extensions.set_graphql_placeholder() is 'Reintroduces placeholder function for graphql_public.graphql';

create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql as $$
begin
  if exists (
    select from pg_event_trigger_ddl_commands() e
    where e.schema_name is distinct from 'pg_temp' and e.command_tag in (
      'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
      'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW',
      'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE',
      'CREATE RULE', 'COMMENT')
  ) then
    notify pgrst, 'reload schema';
  end if;
end $$;
create function extensions.pgrst_drop_watch() returns event_trigger language plpgsql as $$
begin
  if exists (
    select from pg_event_trigger_dropped_objects() d
    where not d.is_temporary and d.object_type in (
      'schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'trigger', 'type', 'rule')
  ) then
    notify pgrst, 'reload schema';
  end if;
end $$;

-- What is there while pg_graphql is off, as it is by default.
create function graphql_public.graphql(
  "operationName" text default null, query text default null, variables jsonb default null, extensions jsonb default null
) returns jsonb language sql as
  'select jsonb_build_object(''errors'', jsonb_build_array(jsonb_build_object(''message'', ''pg_graphql extension is not enabled.'')))';

create event trigger issue_pg_cron_access on ddl_command_end when tag in ('CREATE EXTENSION')
  execute function extensions.grant_pg_cron_access();
create event trigger issue_pg_net_access on ddl_command_end when tag in ('CREATE EXTENSION')
  execute function extensions.grant_pg_net_access();
create event trigger issue_pg_graphql_access on ddl_command_end when tag in ('CREATE FUNCTION')
  execute function extensions.grant_pg_graphql_access();
create event trigger issue_graphql_placeholder on sql_drop when tag in ('DROP EXTENSION')
  execute function extensions.set_graphql_placeholder();
create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_drop_watch();
