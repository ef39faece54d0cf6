-- A stand-in for pgvector: columns, functions and rows load. Nothing is computed, and there is no hnsw or ivfflat.
create type vector;
create function vector_in(cstring) returns vector language internal immutable strict parallel safe as 'textin';
create function vector_out(vector) returns cstring language internal immutable strict parallel safe as 'textout';
create function vector_typmod_in(cstring[]) returns integer language internal immutable strict parallel safe as 'varchartypmodin';
create function vector_typmod_out(integer) returns cstring language internal immutable strict parallel safe as 'varchartypmodout';
create type vector (
  input = vector_in, output = vector_out, typmod_in = vector_typmod_in, typmod_out = vector_typmod_out,
  internallength = variable, storage = external
);
create type halfvec;
create function halfvec_in(cstring) returns halfvec language internal immutable strict parallel safe as 'textin';
create function halfvec_out(halfvec) returns cstring language internal immutable strict parallel safe as 'textout';
create function halfvec_typmod_in(cstring[]) returns integer language internal immutable strict parallel safe as 'varchartypmodin';
create function halfvec_typmod_out(integer) returns cstring language internal immutable strict parallel safe as 'varchartypmodout';
create type halfvec (
  input = halfvec_in, output = halfvec_out, typmod_in = halfvec_typmod_in, typmod_out = halfvec_typmod_out,
  internallength = variable, storage = external
);
create type sparsevec;
create function sparsevec_in(cstring) returns sparsevec language internal immutable strict parallel safe as 'textin';
create function sparsevec_out(sparsevec) returns cstring language internal immutable strict parallel safe as 'textout';
create function sparsevec_typmod_in(cstring[]) returns integer language internal immutable strict parallel safe as 'varchartypmodin';
create function sparsevec_typmod_out(integer) returns cstring language internal immutable strict parallel safe as 'varchartypmodout';
create type sparsevec (
  input = sparsevec_in, output = sparsevec_out, typmod_in = sparsevec_typmod_in, typmod_out = sparsevec_typmod_out,
  internallength = variable, storage = external
);
create function vector(vector, integer, boolean) returns vector language sql immutable strict parallel safe as $$ select $1 $$;
create cast (vector as vector) with function vector(vector, integer, boolean) as implicit;
create function l2_distance(vector, vector) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function inner_product(vector, vector) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function cosine_distance(vector, vector) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function l1_distance(vector, vector) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function vector_negative_inner_product(vector, vector) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create operator <-> (leftarg = vector, rightarg = vector, function = l2_distance, commutator = '<->');
create operator <#> (leftarg = vector, rightarg = vector, function = vector_negative_inner_product, commutator = '<#>');
create operator <=> (leftarg = vector, rightarg = vector, function = cosine_distance, commutator = '<=>');
create operator <+> (leftarg = vector, rightarg = vector, function = l1_distance, commutator = '<+>');
create function halfvec(halfvec, integer, boolean) returns halfvec language sql immutable strict parallel safe as $$ select $1 $$;
create cast (halfvec as halfvec) with function halfvec(halfvec, integer, boolean) as implicit;
create function l2_distance(halfvec, halfvec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function inner_product(halfvec, halfvec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function cosine_distance(halfvec, halfvec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function l1_distance(halfvec, halfvec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function halfvec_negative_inner_product(halfvec, halfvec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create operator <-> (leftarg = halfvec, rightarg = halfvec, function = l2_distance, commutator = '<->');
create operator <#> (leftarg = halfvec, rightarg = halfvec, function = halfvec_negative_inner_product, commutator = '<#>');
create operator <=> (leftarg = halfvec, rightarg = halfvec, function = cosine_distance, commutator = '<=>');
create operator <+> (leftarg = halfvec, rightarg = halfvec, function = l1_distance, commutator = '<+>');
create function sparsevec(sparsevec, integer, boolean) returns sparsevec language sql immutable strict parallel safe as $$ select $1 $$;
create cast (sparsevec as sparsevec) with function sparsevec(sparsevec, integer, boolean) as implicit;
create function l2_distance(sparsevec, sparsevec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function inner_product(sparsevec, sparsevec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function cosine_distance(sparsevec, sparsevec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function l1_distance(sparsevec, sparsevec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create function sparsevec_negative_inner_product(sparsevec, sparsevec) returns double precision language sql immutable strict parallel safe as $$ select null::double precision $$;
create operator <-> (leftarg = sparsevec, rightarg = sparsevec, function = l2_distance, commutator = '<->');
create operator <#> (leftarg = sparsevec, rightarg = sparsevec, function = sparsevec_negative_inner_product, commutator = '<#>');
create operator <=> (leftarg = sparsevec, rightarg = sparsevec, function = cosine_distance, commutator = '<=>');
create operator <+> (leftarg = sparsevec, rightarg = sparsevec, function = l1_distance, commutator = '<+>');
create function vector_dims(vector) returns integer language sql immutable strict parallel safe as $$
  select cardinality(string_to_array(btrim($1::text, '[]'), ','))
$$;
create function vector_norm(vector) returns double precision language sql immutable strict parallel safe as $$
  select null::double precision
$$;
create function array_to_vector(real[], integer, boolean) returns vector language sql immutable strict parallel safe as $$
  select ('[' || array_to_string($1, ',') || ']')::vector
$$;
create function vector_to_float4(vector, integer, boolean) returns real[] language sql immutable strict parallel safe as $$
  select string_to_array(btrim($1::text, '[]'), ',')::real[]
$$;
create cast (real[] as vector) with function array_to_vector(real[], integer, boolean) as assignment;
create cast (vector as real[]) with function vector_to_float4(vector, integer, boolean) as implicit;
