import type { Connection } from '../database/engine.ts'
import { displayName } from '../database/identifiers.ts'
import type { LockMode } from '../model/migration-run.ts'
import { lockMode } from './lock-modes.ts'

/** The lowest oid of what is not Postgres' own. */
const firstUserOid = 16_384

/** Tables, partitioned and foreign ones, materialised views, views, sequences: what a request names. */
const shown = "('r','p','m','f','v','S')"

/** One relation as it stands: what tells a rewrite (`filenode`) and growth (`bytes`, with indexes and TOAST). */
export type RelationState = {
  readonly oid: number
  readonly name: string
  readonly filenode: number
  readonly bytes: number
  /** `relkind`: `r` for a table. */
  readonly kind: string
}

/**
 * A relation that the session has locked, with all it has written to it in its transaction. `state` is absent when the
 * transaction has dropped it.
 */
export type LockedRelation = {
  readonly oid: number
  readonly state?: RelationState
  readonly modes: readonly LockMode[]
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

export type Held = { readonly relations: readonly LockedRelation[]; readonly wal: number }

const state = `c.oid, n.nspname AS schema, c.relname AS name, c.relfilenode AS filenode, c.relkind AS kind,
  CASE WHEN c.relkind IN ('r','m') THEN coalesce(pg_catalog.pg_total_relation_size(c.oid), 0) ELSE 0 END::float8 AS bytes`

/** Position in the write-ahead log, in bytes. */
const wal = "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::float8"

type StateRow = RelationState & { readonly schema: string }

function relationState({ oid, schema, name, filenode, bytes, kind }: StateRow): RelationState {
  return { oid, name: displayName(schema, name), filenode, bytes, kind }
}

/** Every relation of the database, and the position in the write-ahead log. */
export async function readRelations(
  observer: Connection,
): Promise<{ readonly relations: readonly RelationState[]; readonly wal: number }> {
  const { rows } = await observer.query<StateRow>(
    `SELECT ${state} FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid >= ${firstUserOid} AND c.relkind IN ${shown}`,
  )
  return { relations: rows.map(relationState), wal: await readWal(observer) }
}

export async function readWal(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ wal: number }>(`SELECT ${wal} AS wal`)
  return rows[0]?.wal ?? 0
}

/**
 * What a session holds in its open transaction, asked in that session, since nobody else sees what it has made. Every
 * name is qualified: the migration may have set any search_path.
 */
export async function readHeld(session: Connection): Promise<Held> {
  const { rows } = await session.query<StateRow & LockedRow>(
    `SELECT ${state}, l.relation, l.modes, ${wal} AS wal,
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)::float8 AS inserted,
       pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)::float8 AS updated,
       pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)::float8 AS deleted
     FROM (SELECT relation, pg_catalog.array_agg(mode) AS modes FROM pg_catalog.pg_locks
           WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND relation >= ${firstUserOid} AND granted
             AND database <> 0
           GROUP BY relation) l
     LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid IS NULL OR c.relkind IN ${shown}`,
  )
  const relations = rows.map((row) => ({
    oid: row.relation,
    ...(row.oid === null ? {} : { state: relationState(row) }),
    modes: row.modes.flatMap((mode) => lockMode(mode) ?? []),
    inserted: row.inserted ?? 0,
    updated: row.updated ?? 0,
    deleted: row.deleted ?? 0,
  }))
  return { relations, wal: rows[0]?.wal ?? (await readWal(session)) }
}

/** `oid` and the counts are NULL for a relation that is dropped. */
type LockedRow = {
  readonly relation: number
  readonly modes: readonly string[]
  readonly wal: number
  readonly inserted: number | null
  readonly updated: number | null
  readonly deleted: number | null
}

/** The table locks of another session, as `oid:MODE`. */
export async function readLocksOf(observer: Connection, pid: number): Promise<readonly string[]> {
  const { rows } = await observer.query<{ relation: number; mode: string }>(
    `SELECT relation, mode FROM pg_catalog.pg_locks
     WHERE pid = $1 AND locktype = 'relation' AND relation >= ${firstUserOid} AND granted`,
    [pid],
  )
  return rows.flatMap(({ relation, mode }) => {
    const known = lockMode(mode)
    return known === undefined ? [] : [lockKey(relation, known)]
  })
}

export function lockKey(oid: number, mode: LockMode): string {
  return `${oid}:${mode}`
}
