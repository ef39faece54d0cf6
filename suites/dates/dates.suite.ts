import { describe, expect, from, needs, quoted, type SuiteFixtures } from '#suite'

const test = needs('resource')

/** A table whose rows hang on a resource, and its columns with a moment in time. */
type Dated = { table: string; key: string; resource: string; columns: string[] }

/** Rows for each column; resources that they are taken from. */
const rowsPerColumn = 8
const resources = 40

describe('dates', () => {
  test('every moment of sampled rows is the same before and after', async ({ app, db, seed, observe }) => {
    let looked = 0
    for (const dated of await datedTables(app, db)) {
      for (const column of dated.columns) {
        const rows = await sampled({ ...dated, columns: [column] }, app, db, seed)
        for (const { id, moments } of rows) observe(`${dated.table}(${column}) of ${id}`, moments[0])
        looked += rows.length
      }
    }
    expect(looked, 'moments looked at').toBeGreaterThan(0)
  })

  test('the Data API tells the moment that is stored, with its zone', async ({ app, db, seed, service }) => {
    const { table, key } = app.resource
    const [dated] = await datedTables(app, db)
    expect(dated?.table, 'the table of the resource').toBe(table)
    if (dated === undefined) return
    const stored = await sampled(dated, app, db, seed)
    const { data, error } = await from(service, table)
      .select('*')
      .in(
        key,
        stored.map(({ id }) => id),
      )
    expect(error?.code, 'SQLSTATE of the query').toBeUndefined()
    const answered = new Map((data ?? []).map((row: Record<string, unknown>) => [String(row[key]), row]))
    for (const { id, moments } of stored) {
      for (const [at, column] of dated.columns.entries()) {
        const told = answered.get(id)?.[column]
        if (moments[at] === null) expect(told === null, `${column} of ${id} is empty`).toBe(true)
        else {
          expect(/(Z|[+-]\d\d:?\d\d)$/.test(String(told)), `${column} of ${id} has a zone`).toBe(true)
          const same = Date.parse(String(told)) === Math.floor(Number(moments[at]) * 1000)
          expect(same, `${column} of ${id} is the stored moment`).toBe(true)
        }
      }
    }
  })

  test('a moment survives the way through the Data API and back', async ({ app, db, seed, service, skip }) => {
    const { table, key, startsAt, endsAt } = app.resource
    if (startsAt === undefined) return skip('not configured: contracts.resource.startsAt')
    const [first] = await sampled({ table, key, resource: key, columns: [startsAt] }, app, db, seed + 1)
    expect(first, 'a row to write to').toBeDefined()
    if (first === undefined) return
    // Right after Europe's clocks go forward, in the hour that they repeat, and the last instant of a year.
    for (const moment of ['2026-03-29T03:30:00+02:00', '2026-10-25T02:30:00+01:00', '2026-12-31T23:59:59.999Z']) {
      const row = { [startsAt]: moment, ...(endsAt === undefined ? {} : { [endsAt]: null }) }
      const { data, error } = await from(service, table)
        .update(row as never)
        .eq(key, first.id)
        .select('*')
      expect(error?.code, 'SQLSTATE of the update').toBeUndefined()
      expect(Date.parse(String((data?.[0] as Record<string, unknown> | undefined)?.[startsAt])), moment).toBe(
        Date.parse(moment),
      )
    }
  })
})

/**
 * The tables of the contracts, the resource's first. Rows are taken by their resource, and owners' roles left out, so
 * that orphans which a migration clears away and roles which it adds do not look like moved dates; columns that a
 * migration adds, or that a trigger keeps (updated_at), neither. Whether rows came or went is the ledger's to judge.
 */
async function datedTables(app: SuiteFixtures['app'], db: SuiteFixtures['db']): Promise<Dated[]> {
  const { resource, membership, shared = [] } = app
  const tables = [
    ...(resource === undefined ? [] : [{ table: resource.table, resource: resource.key }]),
    ...(membership === undefined ? [] : [{ table: membership.table, resource: membership.resource }]),
    ...shared,
  ]
  const dated: Dated[] = []
  for (const { table, resource: column } of tables) {
    const [found] = await db.query<{ key: string | null; columns: string[] | null }>(
      `select
         (select case count(*) when 1 then min(a.attname) end from pg_index i
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
          where i.indrelid = $1::regclass and i.indisprimary) as key,
         (select array_agg(attname::text order by attname) from pg_attribute
          where attrelid = $1::regclass and attnum > 0 and not attisdropped and not atthasmissing
            and atttypid in ('timestamptz'::regtype, 'timestamp'::regtype) and attname !~ '^(updated|modified)_') as columns`,
      [quoted(table)],
    )
    if (found?.key && found.columns) dated.push({ table, resource: column, key: found.key, columns: found.columns })
  }
  return dated
}

/** `moments` in seconds since 1970, as text, to the microsecond. */
function sampled(
  { table, key, resource: column, columns }: Dated,
  { resource, membership }: SuiteFixtures['app'],
  db: SuiteFixtures['db'],
  seed: number,
): Promise<{ id: string; moments: (string | null)[] }[]> {
  if (resource === undefined) return Promise.resolve([])
  const added =
    membership?.table === table ? `and t.${quoted(membership.role)}::text <> ${literal(membership.ownerRole)}` : ''
  return db.query(
    `with resources as (
       select ${quoted(resource.key)} as key from ${quoted(resource.table)}
       order by md5(${quoted(resource.key)}::text || $1) limit ${resources}
     )
     select t.${quoted(key)}::text as id,
       array[${columns.map((name) => `extract(epoch from t.${quoted(name)})::text`).join(', ')}] as moments
     from ${quoted(table)} t join resources r on r.key = t.${quoted(column)}
     where num_nonnulls(${columns.map((name) => `t.${quoted(name)}`).join(', ')}) > 0 ${added}
     order by md5(t.${quoted(key)}::text || $1) limit ${rowsPerColumn}`,
    [String(seed)],
  )
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
