-- A stand-in for pg_graphql: the functions are there, every query answers an error.
create sequence graphql.seq_schema_version as int cycle;
create function graphql._internal_resolve(
  "query" text, "variables" jsonb default '{}', "operationName" text default null, "extensions" jsonb default null
) returns jsonb language sql as $$
  select jsonb_build_object('errors', jsonb_build_array(
    jsonb_build_object('message', 'pg_graphql is a stub here and answers no query.')))
$$;
create function graphql.resolve(
  "query" text, "variables" jsonb default '{}', "operationName" text default null, "extensions" jsonb default null
) returns jsonb language sql as $$ select graphql._internal_resolve($1, $2, $3, $4) $$;
create function graphql.get_schema_version() returns int language sql security definer as $$
  select last_value::int from graphql.seq_schema_version
$$;
create function graphql.increment_schema_version() returns event_trigger language plpgsql security definer as $$
begin
  perform nextval('graphql.seq_schema_version');
end $$;
create function graphql.comment_directive(comment_ text) returns jsonb language sql immutable as $$ select '{}'::jsonb $$;
create function graphql.exception(message text) returns text language plpgsql as $$
begin
  raise exception using errcode = '22000', message = message;
end $$;
-- The platform adds this wrapper when the extension is made; it counts as a member, so a dump does not carry it.
do $$ begin
  if to_regnamespace('graphql_public') is not null
     and to_regprocedure('graphql_public.graphql(text, text, jsonb, jsonb)') is null then
    create function graphql_public.graphql(
      "operationName" text default null, query text default null, variables jsonb default null,
      extensions jsonb default null
    ) returns jsonb language sql as 'select graphql.resolve($2, coalesce($3, ''{}''), $1, $4)';
  end if;
end $$;
do $$
declare
  grantee text;
begin
  foreach grantee in array array['postgres', 'anon', 'authenticated', 'service_role'] loop
    continue when to_regrole(grantee) is null;
    execute format('grant usage on schema graphql to %I', grantee);
    execute format('grant all on all sequences in schema graphql to %I', grantee);
    execute format('grant execute on all functions in schema graphql to %I', grantee);
  end loop;
end $$;
