/** What a stub in `extensions/` does not do, as a sentence for the reader of a report. Keys are extension names. */
export const stubNotes: Readonly<Record<string, string>> = {
  pg_cron: 'Jobs are kept in cron.job; no job ever runs.',
  pg_graphql: 'graphql.resolve() answers an error to every query.',
  pg_jsonschema:
    'json_matches_schema() and jsonb_matches_schema() return NULL, so such CHECK constraints accept everything.',
  pg_net: 'Requests wait in net.http_request_queue; none is ever sent.',
  pgjwt: 'sign() and verify() are rewritten over pgcrypto: HS256, HS384 and HS512.',
  pgsodium: 'Keys are kept; nothing is encrypted or decrypted.',
  supabase_vault: 'Secrets of the dump read as NULL in vault.decrypted_secrets; secrets made here are kept readable.',
  vector: 'Values are kept as text, distances are NULL, and hnsw and ivfflat indexes cannot be made.',
}

/** The comment of every stub's control file begins with this; an extension of the server itself never does. */
export const stubCommentPrefix = 'STUB of '
