import { describe, expect, from, needs, quoted, type SuiteFixtures, test } from '#suite'

const withResource = needs('resource')

/** Rows read of each table through the Data API. */
const rowsPerTable = 8
/** Session time zones in which a moment is told: whole and half hours, both hemispheres' summer times. */
const zones = ['UTC', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland']

/** A table of schema public whose rows one column names, and its columns with a moment in time. */
type Dated = {
  readonly table: string
  readonly key: string
  readonly columns: readonly { readonly name: string; readonly type: 'timestamptz' | 'timestamp' | 'date' }[]
}

describe('dates', () => {
  test('the Data API tells the dates that are stored, as JavaScript reads them', async ({
    db,
    seed,
    service,
    skip,
  }) => {
    const tables = await datedTables(db)
    if (tables.length === 0) return skip('not configured: no table of schema public has a key and a date')
    for (const dated of tables) {
      const { table, key, columns } = dated
      const stored = await sampled(dated, db, seed)
      const { data, error } = await from(service, table)
        .select([key, ...columns.map(({ name }) => name)].map((name) => `"${name.replaceAll('"', '\\"')}"`).join(','))
        .in(
          key,
          stored.map(({ id }) => id),
        )
      // Not granted to the service's role, or of a name that a query cannot say: nobody reads it this way.
      if (error !== null) continue
      const answered = new Map(rowsOf(data).map((row) => [String(row[key]), row]))
      for (const { id, moments } of stored) {
        const row = answered.get(id)
        expect(row !== undefined, `${table}: the row ${id} is answered`).toBe(true)
        for (const [at, { name, type }] of columns.entries()) {
          const told = row?.[name]
          const moment = moments[at] ?? null
          if (moment === null) expect(told === null, `${table}(${name}) of ${id} is empty`).toBe(true)
          else {
            expect(hasZone(told) === (type === 'timestamptz'), `${table}(${name}) of ${id} has a zone or not`).toBe(
              true,
            )
            const same = parsed(told) === Math.floor(Number(moment) * 1000)
            expect(same, `${table}(${name}) of ${id} is the stored moment`).toBe(true)
          }
        }
      }
    }
  })

  withResource(
    'a moment survives the way through the Data API and back, in each time zone',
    async ({ app, db, seed, service, skip }) => {
      const { table, key, startsAt, endsAt } = app.resource
      if (startsAt === undefined) return skip('not configured: contracts.resource.startsAt')
      const [row] = await db.query<{ id: string }>(
        `select ${quoted(key)}::text as id from ${quoted(table)} order by md5(${quoted(key)}::text || $1) limit 1`,
        [String(seed)],
      )
      if (row === undefined) return skip(`not configured: ${table} has no row to write to`)
      const zoned = await isZoned(db, table, startsAt)
      const refused: string[] = []
      let written = 0
      for (const moment of [
        // New York: the hour that is left out, the hour that comes twice, once each way.
        '2026-03-08T03:30:00-04:00',
        '2026-11-01T01:30:00-04:00',
        '2026-11-01T01:30:00-05:00',
        // Auckland the same, Europe's repeated hour, a half hour, the last instant of a year, a fraction.
        '2026-09-27T03:30:00+13:00',
        '2026-04-05T02:30:00+12:00',
        '2026-10-25T02:30:00+01:00',
        '2026-02-28T23:59:00+05:30',
        '2026-12-31T23:59:59.999Z',
        '1900-01-01T00:00:00Z',
        '9999-12-31T23:59:59Z',
      ]) {
        const at = Date.parse(moment)
        const value = zoned ? moment : new Date(at).toISOString().replace('Z', '')
        const values = { [startsAt]: value, ...(endsAt === undefined ? {} : { [endsAt]: null }) }
        const { data, error } = await from(service, table)
          .update(values as never)
          .eq(key, row.id)
          .select('*')
        // A rule of the app's own, such as no events before 2020: the other moments tell as much.
        if (error !== null) {
          refused.push(error.code)
          continue
        }
        written += 1
        expect(parsed(rowsOf(data)[0]?.[startsAt]), moment).toBe(at)
        for (const zone of zones) {
          const read = await from(service, table).select('*').eq(key, row.id).setHeader('Prefer', `timezone=${zone}`)
          expect(read.error?.code, 'SQLSTATE of the query').toBeUndefined()
          const told = rowsOf(read.data)[0]?.[startsAt]
          // An offset with seconds, as of 1900, or the year 10000: JavaScript reads no such text, whatever the migrations do.
          if (/^\d{5}|[+-]\d\d:\d\d:\d\d$/.test(String(told))) continue
          expect(parsed(told), `${moment} read in ${zone}`).toBe(at)
        }
      }
      expect(written, `moments written; SQLSTATEs of the others: ${refused.join(', ')}`).toBeGreaterThan(0)
    },
  )
})

const rowsOf = (data: unknown) => (data ?? []) as Record<string, unknown>[]
const hasZone = (told: unknown) => /(Z|[+-]\d\d(:?\d\d)?)$/.test(String(told).replace(/^-?\d{4,6}-\d\d-\d\d$/, ''))

/** As JavaScript reads it; a time without a zone in that of the platform. */
function parsed(told: unknown): number {
  const text = String(told)
  return Date.parse(text.includes('T') && !hasZone(text) ? `${text}Z` : text)
}

/** Whether the rows came, went or moved is for the harness to tell: this looks at one side only. */
function datedTables(db: SuiteFixtures['db']): Promise<Dated[]> {
  return db.query<Dated>(
    `select 'public.' || c.relname as table, k.name as key,
       json_agg(json_build_object('name', a.attname, 'type', a.type) order by a.attname) as columns
     from pg_class c
     join lateral (select min(x.attname) as name from pg_index i join pg_attribute x on x.attrelid = i.indrelid and x.attnum = any (i.indkey)
       where i.indrelid = c.oid and i.indisprimary having count(*) = 1) k on true
     join (select attrelid, attname, case atttypid when 'timestamptz'::regtype then 'timestamptz' when 'timestamp'::regtype then 'timestamp' else 'date' end as type
       from pg_attribute where attnum > 0 and not attisdropped
         and atttypid in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)) a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname !~ '\\.'
     group by c.relname, k.name order by c.relname limit 200`,
  )
}

/** `moments` in seconds since 1970, as text, to the microsecond; only rows whose dates JavaScript can read. */
function sampled(
  dated: Dated,
  db: SuiteFixtures['db'],
  seed: number,
): Promise<{ id: string; moments: (string | null)[] }[]> {
  const { table, key, columns } = dated
  const names = columns.map(({ name }) => `t.${identifier(name)}`)
  return db.query(
    `select t.${identifier(key)}::text as id, array[${names.map((name) => `extract(epoch from ${name})::text`).join(', ')}] as moments
     from ${quoted(table)} t
     where ${names.map((name) => `(${name} is null or ${name} between '0001-01-01' and '9999-12-31')`).join(' and ')}
     order by num_nulls(${names.join(', ')}), md5(t.${identifier(key)}::text || $1) limit ${rowsPerTable}`,
    [String(seed)],
  )
}

async function isZoned(db: SuiteFixtures['db'], table: string, column: string): Promise<boolean> {
  const [found] = await db.query<{ zoned: boolean }>(
    `select atttypid = 'timestamptz'::regtype as zoned from pg_attribute where attrelid = $1::regclass and attname = $2`,
    [quoted(table), column],
  )
  return found?.zoned ?? true
}

const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`
