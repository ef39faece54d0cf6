/**
 * Schemas whose rows are not the app's to lose, each with the reason why the ledger leaves it out. The rows of `auth` and
 * `storage` are users' data: they are compared like the app's own.
 */
const schemasLeftOut: Readonly<Record<string, string>> = {
  _analytics: 'logs of the platform',
  _realtime: 'settings of the Realtime service',
  _supavisor: 'settings of the pooler',
  cron: 'jobs and their runs; jobs are compared by themselves, and none runs by its schedule here',
  extensions: 'objects of extensions',
  graphql: 'objects of an extension',
  graphql_public: 'objects of an extension',
  information_schema: "Postgres' own",
  net: 'a queue of requests that nobody sends here',
  pgbouncer: 'lookup function of the pooler',
  pgsodium: 'keys of an extension that is a stub here',
  pgsodium_masks: 'objects of an extension',
  pgtle: 'objects of an extension',
  realtime: 'subscriptions and messages that live for a day',
  supabase_functions: 'a log of webhooks',
  supabase_migrations: 'the history, which the run of the migrations itself writes',
  vault: 'secrets of an extension that is a stub here',
}

/** Whether the ledger compares the tables of this schema. */
export function ledgerSchema(schema: string): boolean {
  return !schema.startsWith('pg_') && !Object.hasOwn(schemasLeftOut, schema)
}
