-- A stand-in for pg_cron: same tables and functions, but nothing reads the jobs.
do $$ begin
  if to_regnamespace('cron') is null then create schema cron; end if;
end $$;
create sequence cron.jobid_seq;
create sequence cron.runid_seq;
create table cron.job (
  jobid bigint primary key default pg_catalog.nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport int not null default pg_catalog.inet_server_port(),
  database text not null default pg_catalog.current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);
create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default pg_catalog.nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

create function cron.schedule(schedule text, command text) returns bigint
language sql security definer set search_path = '' as $$
  insert into cron.job (schedule, command, nodeport, username)
  values ($1, $2, coalesce(inet_server_port(), 5432), session_user) returning jobid
$$;
create function cron.schedule(job_name text, schedule text, command text) returns bigint
language sql security definer set search_path = '' as $$
  insert into cron.job (jobname, schedule, command, nodeport, username)
  values ($1, $2, $3, coalesce(inet_server_port(), 5432), session_user)
  on conflict (jobname, username) do update set schedule = excluded.schedule, command = excluded.command
  returning jobid
$$;
create function cron.schedule_in_database(
  job_name text, schedule text, command text, database text, username text default null, active boolean default true
) returns bigint language sql security definer set search_path = '' as $$
  insert into cron.job (jobname, schedule, command, nodeport, database, username, active)
  values ($1, $2, $3, coalesce(inet_server_port(), 5432), $4, coalesce($5, session_user), $6)
  on conflict (jobname, username) do update
    set schedule = excluded.schedule, command = excluded.command, database = excluded.database, active = excluded.active
  returning jobid
$$;
create function cron.alter_job(
  job_id bigint, schedule text default null, command text default null, database text default null,
  username text default null, active boolean default null
) returns void language sql security definer set search_path = '' as $$
  update cron.job j
  set schedule = coalesce($2, j.schedule), command = coalesce($3, j.command), database = coalesce($4, j.database),
      username = coalesce($5, j.username), active = coalesce($6, j.active)
  where j.jobid = $1
$$;
create function cron.unschedule(job_id bigint) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  delete from cron.job where jobid = $1;
  if not found then raise exception 'could not find valid entry for job ''%''', $1; end if;
  return true;
end $$;
create function cron.unschedule(job_name text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  delete from cron.job where jobname = $1 and username = session_user;
  if not found then raise exception 'could not find valid entry for job ''%''', $1; end if;
  return true;
end $$;
create function cron.job_cache_invalidate() returns trigger language plpgsql as $$ begin return null; end $$;

grant usage on schema cron to public;
grant select on cron.job, cron.job_run_details to public;
grant delete on cron.job_run_details to public;
do $$ begin
  if to_regrole('postgres') is not null then
    grant usage on schema cron to postgres with grant option;
    grant all on cron.job_run_details to postgres with grant option;
    grant select on cron.job to postgres with grant option;
    grant all on all sequences in schema cron to postgres with grant option;
    grant execute on all functions in schema cron to postgres with grant option;
  end if;
end $$;
select pg_catalog.pg_extension_config_dump('cron.job', '');
select pg_catalog.pg_extension_config_dump('cron.jobid_seq', '');
