-- A stand-in for supabase_vault. The platform's key is not here: secrets of a dump read as NULL. A secret made here is
-- kept as 'stub:' and its base64, in the same column, so that the table has the platform's shape.
create table secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default decode(replace(gen_random_uuid()::text, '-', ''), 'hex'),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
comment on table secrets is 'Table with encrypted `secret` column for storing sensitive information on disk.';
create unique index secrets_name_idx on secrets (name) where name is not null;
create view decrypted_secrets as
  select id, name, description, secret,
    case when secret like 'stub:%' then convert_from(decode(substr(secret, 6), 'base64'), 'utf8') end as decrypted_secret,
    key_id, nonce, created_at, updated_at
  from secrets;

create function _crypto_aead_det_noncegen() returns bytea language sql as $$
  select decode(replace(gen_random_uuid()::text, '-', ''), 'hex')
$$;
create function _crypto_aead_det_encrypt(
  message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea language sql immutable as $$ select message $$;
create function _crypto_aead_det_decrypt(
  message bytea, additional bytea, key_id bigint, context bytea default 'pgsodium', nonce bytea default null
) returns bytea language sql immutable as $$ select null::bytea $$;
create function create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid language sql security definer set search_path = '' as $$
  insert into vault.secrets (secret, name, description)
  values ('stub:' || replace(encode(convert_to($1, 'utf8'), 'base64'), E'\n', ''), $2, coalesce($3, ''))
  returning id
$$;
create function update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
  new_key_id uuid default null
) returns void language sql security definer set search_path = '' as $$
  update vault.secrets s
  set secret = coalesce('stub:' || replace(encode(convert_to($2, 'utf8'), 'base64'), E'\n', ''), s.secret),
      name = coalesce($3, s.name), description = coalesce($4, s.description), updated_at = now()
  where s.id = $1
$$;

revoke all on all functions in schema vault from public;
do $$ begin
  if to_regrole('postgres') is not null then
    grant usage on schema vault to postgres with grant option;
    grant select, references, delete, truncate on secrets, decrypted_secrets to postgres with grant option;
    grant execute on all functions in schema vault to postgres with grant option;
  end if;
  if to_regrole('service_role') is not null then
    grant usage on schema vault to service_role;
    grant select, delete on secrets, decrypted_secrets to service_role;
    grant execute on all functions in schema vault to service_role;
  end if;
end $$;
select pg_catalog.pg_extension_config_dump('secrets', '');
