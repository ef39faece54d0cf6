-- Who owns the current database and who may create in it. Neither is copied by CREATE DATABASE … TEMPLATE.
-- The owner counts as pg_database_owner, which owns schema public: that is how postgres may create tables there.
do $$
begin
  execute format('alter database %I owner to postgres', current_database());
  execute format('grant all on database %I to postgres, dashboard_user', current_database());
  execute format(
    'grant create on database %I to supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin, supabase_etl_admin',
    current_database());
end $$;
