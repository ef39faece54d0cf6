import type { Connection } from '../database/engine.ts'
import { qualified, quoteIdentifier, quoteLiteral } from '../database/identifiers.ts'

/** Questions to the rows that a proposal rests on. Answers are counts, and values only where they are names. */
export type Ask = {
  /** Rows whose column holds the id of a user, of all that hold a value. */
  users(table: string, column: string): Promise<{ readonly of: number; readonly users: number }>
  /** Up to eight values of a text column that look like identifiers; nothing where one does not, or there are more. */
  names(table: string, column: string): Promise<readonly string[]>
  /** Whether members of a resource read all rows of it, and strangers none. */
  shared(question: SharedQuestion): Promise<SharedAnswer>
}

export type SharedQuestion = {
  readonly table: string
  readonly column: string
  readonly resource: { readonly table: string; readonly key: string; readonly owner: string }
  readonly membership: {
    readonly table: string
    readonly user: string
    readonly resource: string
    readonly role: string
  }
  readonly weakest: string
}

export type SharedAnswer = {
  readonly tried: number
  /** Resources of which the member read every row. */
  readonly whole: number
  /** Resources of which a stranger read a row. */
  readonly leaked: number
  readonly failed: boolean
}

const tries = 5

/** Asks over one session that may take on other roles; it leaves nothing behind. */
export function asking(session: Connection): Ask {
  return {
    async users(table, column) {
      const name = quoteIdentifier(column)
      const { rows } = await session.query<{ of: number; users: number }>(
        `select count(*)::float8 as "of", count(u.id)::float8 as users from ${sqlName(table)} t left join auth.users u on u.id::text = t.${name}::text where t.${name} is not null`,
      )
      return rows[0] ?? { of: 0, users: 0 }
    },
    async names(table, column) {
      const { rows } = await session.query<{ value: string }>(
        `select distinct ${quoteIdentifier(column)}::text collate "C" as value from ${sqlName(table)} where ${quoteIdentifier(column)} is not null order by 1 limit 9`,
      )
      const values = rows.map(({ value }) => value)
      return values.length <= 8 && values.every((value) => /^[a-z][a-z0-9_ -]{1,30}$/i.test(value)) ? values : []
    },
    shared: (question) => trySharing(session, question),
  }
}

async function trySharing(session: Connection, question: SharedQuestion): Promise<SharedAnswer> {
  const { table, column, resource, membership, weakest } = question
  const role = `m.${quoteIdentifier(membership.role)}::text`
  const member = `m.${quoteIdentifier(membership.user)}::text`
  const of = (side: string, name: string) => `${side}.${quoteIdentifier(name)}::text`
  const { rows } = await session.query<{ resource: string; member: string; stranger: string | null; rows: number }>(
    `select ${of('r', resource.key)} as resource, min(${member}) as member,
       (select u.id::text from auth.users u where u.id::text <> ${of('r', resource.owner)} and not exists (
          select from ${sqlName(membership.table)} x where ${of('x', membership.resource)} = ${of('r', resource.key)} and ${of('x', membership.user)} = u.id::text)
        order by u.id limit 1) as stranger,
       (select count(*)::float8 from ${sqlName(table)} t where ${of('t', column)} = ${of('r', resource.key)}) as rows
     from ${sqlName(resource.table)} r join ${sqlName(membership.table)} m on ${of('m', membership.resource)} = ${of('r', resource.key)}
     where ${role} = ${quoteLiteral(weakest)} and ${member} <> coalesce(${of('r', resource.owner)}, '')
       and exists (select from ${sqlName(table)} t where ${of('t', column)} = ${of('r', resource.key)})
     group by 1, r.${quoteIdentifier(resource.key)}, r.${quoteIdentifier(resource.owner)} order by 1 limit ${tries}`,
  )
  let whole = 0
  let leaked = 0
  try {
    for (const one of rows) {
      const seen = await seenBy(session, one.member, table, column, one.resource)
      if (seen === one.rows) whole++
      if (one.stranger !== null && (await seenBy(session, one.stranger, table, column, one.resource)) > 0) leaked++
    }
  } catch {
    // A policy that fails or takes too long says no more than that it cannot be told.
    return { tried: rows.length, whole, leaked, failed: true }
  }
  return { tried: rows.length, whole, leaked, failed: false }
}

async function seenBy(session: Connection, user: string, table: string, column: string, key: string): Promise<number> {
  const claims = JSON.stringify({ sub: user, role: 'authenticated', aud: 'authenticated' })
  await session.query('begin read only')
  try {
    await session.query(
      `select set_config('request.jwt.claims', $1, true), set_config('request.jwt.claim.sub', $2, true), set_config('statement_timeout', '3s', true)`,
      [claims, user],
    )
    await session.query('set local role authenticated')
    const { rows } = await session.query<{ rows: number }>(
      `select count(*)::float8 as rows from ${sqlName(table)} where ${quoteIdentifier(column)}::text = $1`,
      [key],
    )
    return rows[0]?.rows ?? 0
  } finally {
    await session.query('rollback')
  }
}

function sqlName(table: string): string {
  const dot = table.indexOf('.')
  return qualified(table.slice(0, dot), table.slice(dot + 1))
}
