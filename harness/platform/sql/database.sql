-- Who owns the current database and who may create in it, for one that was just made: a clone has what its original had.
-- The owner counts as pg_database_owner, which owns schema public: that is how postgres may create tables there.
do $$
begin
  if exists (
    select from pg_catalog.pg_database
    where datname = current_database() and (datdba <> current_user::regrole or datacl is not null)
  ) then
    return;
  end if;
  execute format('alter database %I owner to postgres', current_database());
  execute format('grant all on database %I to postgres, dashboard_user', current_database());
  execute format(
    'grant create on database %I to supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin, supabase_etl_admin',
    current_database());
end $$;
