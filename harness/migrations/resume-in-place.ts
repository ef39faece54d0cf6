import { randomBytes } from 'node:crypto'
import type { Connection, Database } from '../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../database/identifiers.ts'
import type { MigrationFile, Statement } from '../model/migration-run.ts'
import { type Ask, type DatabaseState, readState } from './database-state.ts'
import { recordApplied } from './history.ts'
import { takeRowCounts } from './row-counts.ts'
import { runFile } from './run-file.ts'
import { openSession } from './session.ts'
import { plainSql, transactionControl } from './statement-kind.ts'
import { planTransactions } from './transactions.ts'

export type InPlace = {
  readonly record: boolean
  /** Tables whose rows are read. */
  readonly tables: readonly string[]
  readonly like: DatabaseState
  readonly statementTimeout: number
  readonly signal?: AbortSignal | undefined
}

/** What running the file again would lead to, and how many rows it wrote on its way. */
export type Resumed = { readonly state: DatabaseState; readonly rowsWritten: number }

/**
 * What a file does in its own transactions it may do as well in one that is taken back, so that no clone is needed to see
 * where it leads. Not so what Postgres does not run in one, what holds until the end of its own transaction, and what
 * asks for a transaction of another kind.
 */
export function fitsOneTransaction(file: MigrationFile): boolean {
  return file.statements.every(({ sql, standalone }) => {
    const plain = plainSql(sql)
    if (/^set local (lock|statement)_timeout\b/.test(plain)) return true
    if (standalone || /^(set (transaction|constraints|session)|savepoint|release|rollback)\b/.test(plain)) return false
    // In bodies, too: what a function sets may hold until the end of the transaction.
    if (/\bon\s+commit\s+(drop|delete)\b|\bset_config\s*\(|\bset\s+local\b/i.test(sql)) return false
    return transactionControl(sql) !== 'begin' || /^(begin|start transaction)( work| transaction)?$/.test(plain)
  })
}

/**
 * Runs the whole file in one transaction, reads what the database holds then, and takes all of it back; sequences, which
 * do not go back, are put back. `undefined` where it does not run like that: only a clone tells what becomes of it then.
 */
export async function resumeInPlace(
  database: Database,
  file: MigrationFile,
  { record, tables, like, statementTimeout, signal }: InPlace,
): Promise<Resumed | undefined> {
  await using admin = await database.connect({ applicationName: 'greenlight sweep' })
  if (database.cluster.serverVersionNum >= 170_000) await admin.query('SET event_triggers = off')
  const sequences = await sequencesOf(admin)
  const schema = await makeReader(admin)
  let resumed: Resumed | undefined
  try {
    await using session = await openSession(database, { statementTimeout, signal })
    await runFile(session, inOneTransaction(file), {
      async record({ connection }) {
        await recordApplied(connection, file, record)
        const written = await takeRowCounts(connection)
        const rowsWritten = written.reduce((sum, { inserted, updated }) => sum + inserted + updated, 0)
        resumed = { state: await readState(askThrough(connection, schema), tables, like), rowsWritten }
        throw new Error('taken back')
      },
    })
  } finally {
    await admin.query(`DROP SCHEMA ${schema} CASCADE`)
    await putBack(admin, sequences)
  }
  return resumed
}

/** Where a transaction of the file's ends, what is deferred until then is checked. */
function inOneTransaction(file: MigrationFile): MigrationFile {
  const { units } = planTransactions(file)
  const statements = units.flatMap((unit) => {
    const own = unit.statements.filter(({ sql }) => transactionControl(sql) === undefined)
    const last = own.at(-1)
    return last ? [...own, { ...last, sql: checkNow } satisfies Statement] : []
  })
  return { ...file, statements }
}

const checkNow = 'SET CONSTRAINTS ALL IMMEDIATE'

/** The session of a migration is no superuser's, and may have changed its settings: a function reads in its place. */
async function makeReader(admin: Connection): Promise<string> {
  const schema = quoteIdentifier(`greenlight_${randomBytes(8).toString('hex')}`)
  const settings = ['TimeZone', 'DateStyle', 'IntervalStyle', 'extra_float_digits', 'bytea_output', 'lc_monetary']
  await admin.query(
    `CREATE SCHEMA ${schema};
     CREATE FUNCTION ${schema}.read(question text) RETURNS json LANGUAGE plpgsql SECURITY DEFINER
       SET search_path = '' SET quote_all_identifiers = off ${settings.map((name) => `SET ${name} FROM CURRENT`).join(' ')}
       AS 'DECLARE answer json; BEGIN EXECUTE format(''SELECT json_agg(a) FROM (%s) a'', question) INTO answer; RETURN answer; END';
     REVOKE ALL ON FUNCTION ${schema}.read(text) FROM PUBLIC;
     GRANT USAGE ON SCHEMA ${schema} TO postgres;
     GRANT EXECUTE ON FUNCTION ${schema}.read(text) TO postgres`,
  )
  return schema
}

function askThrough(connection: Connection, schema: string): Ask {
  return async <Row extends object>(question: string) => {
    const { rows } = await connection.query<{ answer: Row[] | null }>(`SELECT ${schema}.read($1) AS answer`, [question])
    return rows[0]?.answer ?? []
  }
}

type Sequence = { readonly name: string; readonly last: string; readonly called: boolean }

async function sequencesOf(admin: Connection): Promise<readonly Sequence[]> {
  const { rows: names } = await admin.query<{ name: string }>(
    "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'S' AND relpersistence <> 't'",
  )
  if (names.length === 0) return []
  const each = names.map(
    ({ name }) => `SELECT ${quoteLiteral(name)} AS name, last_value::text AS last, is_called AS called FROM ${name}`,
  )
  return (await admin.query<Sequence>(each.join(' UNION ALL '))).rows
}

async function putBack(admin: Connection, was: readonly Sequence[]): Promise<void> {
  const now = new Map((await sequencesOf(admin)).map((sequence) => [sequence.name, sequence]))
  for (const { name, last, called } of was) {
    const { last: moved, called: calledNow } = now.get(name) ?? {}
    if (moved !== last || calledNow !== called)
      await admin.query('SELECT setval($1::regclass, $2::bigint, $3)', [name, last, called])
  }
}
