import pg from 'pg'
import type { AccessCommand, AccessTable } from '../harness/model/config.ts'
import { type Actor, type Cast, filledRow, type Session } from './actors.ts'
import { quoted } from './names.ts'
import { insertSql, type Row, rowFor } from './rows.ts'

/** What came of a command: how many of `of` rows it reached, or the SQLSTATE that ended it. */
export type Outcome = { readonly rows: number; readonly of: number; readonly code?: string }

/**
 * Tries one command on the rows of the cast's resource, with the role and the claims that the Data API would set. What
 * it did is undone; the session stays as it was.
 */
export async function tried(
  session: Session,
  entry: AccessTable,
  command: AccessCommand,
  cast: Cast,
  actor: Actor,
): Promise<Outcome> {
  const { table, person, user } = entry
  const t = quoted(table)
  const own = user ?? person
  const others =
    own === undefined || actor.id === undefined
      ? 'true'
      : `t.${quoted(own)}::text is distinct from ${literal(actor.id)}`
  const where = `${belonging(entry, cast)} and ${others}`
  const [truth] = await session.query<{ rows: number }>(`select count(*)::int as rows from ${t} t where ${where}`)
  const of = command === 'insert' ? 1 : (truth?.rows ?? 0)
  const column = command === 'update' ? await updatable(session, table, actor) : undefined
  const row = command === 'insert' ? await rowFor(session, table, newRow(entry, cast, actor)) : {}
  await session.query('savepoint cell')
  try {
    await actAs(session, actor)
    if (command === 'select') {
      const [seen] = await session.query<{ rows: number }>(`select count(*)::int as rows from ${t} t where ${where}`)
      return { rows: seen?.rows ?? 0, of }
    }
    if (command === 'update' && column === undefined) return { rows: 0, of, code: '42501' }
    const changed = {
      insert: insertSql(table, row),
      update: `update ${t} t set ${column} = ${column} where ${where}`,
      delete: `delete from ${t} t where ${where}`,
    }[command]
    const [done] = await session.query<{ rows: number }>(
      `with changed as (${changed} returning 1) select count(*)::int as rows from changed`,
      command === 'insert' ? [JSON.stringify([row])] : [],
    )
    return { rows: done?.rows ?? 0, of }
  } catch (error) {
    const code: unknown = Object(error).code
    if (typeof code !== 'string') throw error
    // A constraint is looked at after the policies: they had let it through.
    return code.startsWith('23') ? { rows: of, of } : { rows: 0, of, code }
  } finally {
    await session.query('rollback to savepoint cell')
  }
}

/** Takes the role and the claims of the actor, as the Data API would, until the transaction or savepoint ends. */
async function actAs(session: Session, { id, email }: Actor): Promise<void> {
  const role = id === undefined ? 'anon' : 'authenticated'
  const claims = {
    role,
    ...(id === undefined ? {} : { sub: id, aud: role, aal: 'aal1', is_anonymous: false }),
    ...(email === undefined ? {} : { email }),
  }
  await session.query(
    `select set_config('request.jwt.claims', $1, true), set_config('request.jwt.claim.sub', $2, true), set_config('role', $3, true)`,
    [JSON.stringify(claims), id ?? '', role],
  )
}

/** The first column that the actor's role may set. */
async function updatable(session: Session, table: string, { id }: Actor): Promise<string | undefined> {
  const [found] = await session.query<{ name: string }>(
    `select attname::text as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attidentity <> 'a'
       and has_column_privilege($2, attrelid, attnum, 'update')
     order by attnum limit 1`,
    [quoted(table), id === undefined ? 'anon' : 'authenticated'],
  )
  return found === undefined ? undefined : quoted(found.name)
}

/** Which rows of a table `t` belong to the resource of the cast. */
function belonging({ resource, person }: AccessTable, cast: Cast): string {
  if (resource !== undefined) return `t.${quoted(resource)} = ${literal(cast.resource)}`
  return person === undefined ? 'true' : `t.${quoted(person)} in (${cast.people.map(literal).join(', ')})`
}

function newRow({ resource, user, insert = {} }: AccessTable, cast: Cast, actor: Actor): Row {
  return {
    ...(resource === undefined ? {} : { [resource]: cast.resource }),
    ...(user === undefined ? {} : { [user]: actor.id ?? cast.newcomer }),
    ...filledRow(insert, { resource: cast.resource, actor, newcomer: cast.newcomer }),
  }
}

/**
 * Makes sure that there is a row to try with: by somebody who is none of the actors, where rows have an author. Without
 * effect where the table does not take one. Writes, as `castOf` does.
 */
export async function ensureRow(session: Session, entry: AccessTable, cast: Cast): Promise<void> {
  const { table, person, user } = entry
  const distinct = user === undefined ? '*' : `distinct t.${quoted(user)}`
  const [found] = await session.query<{ rows: number }>(
    `select count(${distinct})::int as rows from ${quoted(table)} t where ${belonging(entry, cast)}`,
  )
  if (person !== undefined || (found?.rows ?? 0) >= (user === undefined ? 1 : 2)) return
  const row = await rowFor(session, table, newRow(entry, cast, { is: 'newcomer', id: cast.newcomer }))
  await session.query('savepoint row')
  await session.query(insertSql(table, row), [JSON.stringify([row])]).catch(async (error: unknown) => {
    if (typeof Object(error).code !== 'string') throw error
    await session.query('rollback to savepoint row')
  })
}

function literal(text: string): string {
  return pg.escapeLiteral(text)
}
