-- A stand-in for pgsodium, for dumps of older projects: its key table and types, without any cryptography.
create type key_status as enum ('default', 'valid', 'invalid', 'expired');
create type key_type as enum (
  'aead-ietf', 'aead-det', 'hmacsha512', 'hmacsha256', 'auth', 'shorthash', 'generichash', 'kdf', 'secretbox',
  'secretstream', 'stream_xchacha20');
create sequence key_key_id_seq;
create table key (
  id uuid primary key default gen_random_uuid(),
  status key_status default 'valid',
  created timestamptz not null default current_timestamp,
  expires timestamptz,
  key_type key_type,
  key_id bigint default nextval('pgsodium.key_key_id_seq'),
  key_context bytea default '\x7067736f6469756d' check (length(key_context) = 8),
  name text unique,
  associated_data text default 'associated',
  raw_key bytea,
  raw_key_nonce bytea,
  parent_key uuid references key (id),
  comment text,
  user_data text
);
create view valid_key as
  select id, name, status, key_type, key_id, key_context, created, expires, associated_data
  from key
  where status in ('valid', 'default') and (expires is null or expires > now());
create function crypto_aead_det_noncegen() returns bytea language sql as $$
  select decode(replace(gen_random_uuid()::text, '-', ''), 'hex')
$$;
create function crypto_aead_det_decrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)
returns bytea language sql stable as $$ select null::bytea $$;
select pg_catalog.pg_extension_config_dump('key', '');
