-- JSON Web Tokens (RFC 7515, HMAC algorithms only) over pgcrypto, with the functions of pgjwt.
create function url_encode(data bytea) returns text language sql immutable strict as $$
  select translate(encode($1, 'base64'), E'+/=\n', '-_')
$$;
create function url_decode(data text) returns bytea language sql immutable strict as $$
  select decode(translate($1, '-_', '+/') || repeat('=', (4 - length($1) % 4) % 4), 'base64')
$$;
-- pgcrypto may live in another schema; while this script runs, the search path holds both.
create function algorithm_sign(signables text, secret text, algorithm text) returns text
language sql immutable set search_path from current as $$
  select @extschema@.url_encode(hmac(
    $1, $2, case $3 when 'HS256' then 'sha256' when 'HS384' then 'sha384' when 'HS512' then 'sha512' end))
$$;
create function sign(payload json, secret text, algorithm text default 'HS256') returns text
language sql immutable as $$
  select signables || '.' || @extschema@.algorithm_sign(signables, $2, $3)
  from (select @extschema@.url_encode(convert_to('{"alg":"' || $3 || '","typ":"JWT"}', 'utf8')) || '.' ||
               @extschema@.url_encode(convert_to($1::text, 'utf8'))) as token (signables)
$$;
create function try_cast_double(inp text) returns double precision language plpgsql immutable as $$
begin
  return inp::double precision;
exception when others then
  return null;
end $$;
create function verify(token text, secret text, algorithm text default 'HS256')
returns table (header json, payload json, valid boolean) language sql immutable as $$
  select body.header, body.payload,
    parts[3] = @extschema@.algorithm_sign(parts[1] || '.' || parts[2], $2, $3)
      and tstzrange(
        to_timestamp(@extschema@.try_cast_double(body.payload ->> 'nbf')),
        to_timestamp(@extschema@.try_cast_double(body.payload ->> 'exp'))) @> current_timestamp
  from (select string_to_array($1, '.')) as split (parts),
    lateral (select convert_from(@extschema@.url_decode(parts[1]), 'utf8')::json,
                    convert_from(@extschema@.url_decode(parts[2]), 'utf8')::json) as body (header, payload)
$$;
