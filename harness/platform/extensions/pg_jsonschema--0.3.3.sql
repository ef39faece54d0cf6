-- A stand-in for pg_jsonschema. NULL means "unknown": a CHECK constraint accepts it, a WHERE clause does not.
create function json_matches_schema(schema json, instance json) returns bool
language sql immutable as $$ select null::bool $$;
create function jsonb_matches_schema(schema json, instance jsonb) returns bool
language sql immutable as $$ select null::bool $$;
create function jsonschema_is_valid(schema json) returns bool language sql immutable as $$ select null::bool $$;
create function jsonschema_validation_errors(schema json, instance json) returns text[]
language sql immutable as $$ select null::text[] $$;
