import type { Connection, Database } from '../../database/engine.ts'
import { displayName } from '../../database/identifiers.ts'
import { throwIfAborted } from '../../errors.ts'
import { type ApiFacts, takeApi } from './api-facts.ts'
import { extractFacts, type Facts } from './delta.ts'

export type SchemaFacts = {
  readonly facts: Facts
  /** Oids of relations by `schema.name`: a clone keeps them, so a renamed one is known again. */
  readonly relations: ReadonlyMap<string, number>
  readonly api: ApiFacts
}

/** Reads the schema and what of it the Data API offers. Both sides can be read at the same time. Throws `aborted`. */
export async function takeSchema(
  database: Database,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<SchemaFacts> {
  throwIfAborted(options.signal, `reading the schema of ${database.name}`)
  const [facts, [relations, api]] = await Promise.all([extractFacts(database), takeRest(database)])
  throwIfAborted(options.signal, `reading the schema of ${database.name}`)
  return { facts, relations, api }
}

/** Only what the Data API offers: a small part of `takeSchema`. Throws `aborted`. */
export async function takeApiAlone(
  database: Database,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ApiFacts> {
  throwIfAborted(options.signal, `reading the API of ${database.name}`)
  await using connection = await database.connect({ readOnly: true, applicationName: 'greenlight schema' })
  return await takeApi(connection)
}

async function takeRest(database: Database): Promise<[SchemaFacts['relations'], ApiFacts]> {
  await using connection = await database.connect({ readOnly: true, applicationName: 'greenlight schema' })
  return [await takeRelations(connection), await takeApi(connection)]
}

async function takeRelations(connection: Connection): Promise<SchemaFacts['relations']> {
  const { rows } = await connection.query<{ schema: string; name: string; oid: string }>(
    `SELECT n.nspname AS schema, c.relname AS name, c.oid::text AS oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%'`,
  )
  return new Map(rows.map((row) => [displayName(row.schema, row.name), Number(row.oid)]))
}
