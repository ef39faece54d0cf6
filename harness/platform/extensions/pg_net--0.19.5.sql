-- A stand-in for pg_net: requests land in net.http_request_queue and stay there.
do $$ begin
  if to_regnamespace('net') is null then create schema net; end if;
end $$;
create domain net.http_method as text
  check (value ilike 'get' or value ilike 'post' or value ilike 'delete');
create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code integer, headers jsonb, body text);
create type net.http_response_result as (status net.request_status, message text, response net.http_response);
create sequence net.http_request_queue_id_seq;
create unlogged table net.http_request_queue (
  id bigint not null default nextval('net.http_request_queue_id_seq'),
  method net.http_method not null,
  url text not null,
  headers jsonb not null,
  body bytea,
  timeout_milliseconds int not null,
  -- Not of pg_net: the calls that led here, as PG_CONTEXT has them.
  made_by text
);
create function net._note_request() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  get diagnostics new.made_by = pg_context;
  perform pg_notify('greenlight_net', '');
  return new;
end $$;
create trigger note_request before insert on net.http_request_queue for each row execute function net._note_request();
create unlogged table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out bool,
  error_msg text,
  created timestamptz not null default now()
);
create index on net._http_response (created);

create function net._urlencode_string(string character varying) returns text language sql immutable strict as $$
  select string_agg(
    case when c ~ '[A-Za-z0-9_.~-]' then c
         else upper(regexp_replace(encode(convert_to(c, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) end, '' order by o)
  from regexp_split_to_table($1, '') with ordinality as parts (c, o)
$$;
create function net._encode_url_with_params_array(url text, params_array text[]) returns text language sql immutable as $$
  select case when cardinality($2) is null or cardinality($2) = 0 then $1
              else $1 || case when $1 like '%?%' then '&' else '?' end || array_to_string($2, '&') end
$$;
create function net._parameters_of(params jsonb) returns text[] language sql immutable as $$
  select coalesce(array_agg(net._urlencode_string(key) || '=' || net._urlencode_string(value) order by key), '{}')
  from jsonb_each_text(coalesce($1, '{}'))
$$;
create function net.http_get(
  url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds int default 5000
) returns bigint language sql security definer set search_path = net as $$
  insert into net.http_request_queue (method, url, headers, timeout_milliseconds)
  values ('GET', net._encode_url_with_params_array($1, net._parameters_of($2)), coalesce($3, '{}'), $4) returning id
$$;
create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds int default 5000
) returns bigint language sql security definer set search_path = net as $$
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values ('POST', net._encode_url_with_params_array($1, net._parameters_of($3)), coalesce($4, '{}'),
    convert_to($2::text, 'UTF8'), $5) returning id
$$;
create function net.http_delete(
  url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds int default 5000,
  body jsonb default null
) returns bigint language sql security definer set search_path = net as $$
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values ('DELETE', net._encode_url_with_params_array($1, net._parameters_of($2)), coalesce($3, '{}'),
    convert_to($5::text, 'UTF8'), $4) returning id
$$;
create function net._http_collect_response(request_id bigint, async bool default true)
returns net.http_response_result language sql security definer set search_path = net as $$
  select ('PENDING', 'request is pending, and nothing sends it', null)::net.http_response_result
$$;
create function net.http_collect_response(request_id bigint, async bool default true)
returns net.http_response_result language sql as $$ select net._http_collect_response($1, $2) $$;
create function net.worker_restart() returns bool language sql as $$ select true $$;
create function net.check_worker_is_up() returns void language sql as $$ select $$;
create function net.wait_until_running() returns void language sql as $$ select $$;
create function net.wake() returns void language sql as $$ select $$;

grant usage on schema net to public;
grant all on all tables in schema net to public;
revoke all on function net.http_get(text, jsonb, jsonb, int) from public;
revoke all on function net.http_post(text, jsonb, jsonb, jsonb, int) from public;
do $$
declare
  grantee text;
begin
  foreach grantee in array array['supabase_functions_admin', 'postgres', 'anon', 'authenticated', 'service_role'] loop
    continue when to_regrole(grantee) is null;
    execute format('grant usage on schema net to %I', grantee);
    execute format('grant execute on all functions in schema net to %I', grantee);
  end loop;
end $$;
