import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { compareDates } from './compare-dates.ts'
import { type DateCase, dateCases } from './test-cases.ts'

describe('dates compared', () => {
  const entries: readonly (readonly [string, DateCase])[] = Object.entries(dateCases)
  let cluster: Cluster
  let before: Database
  let after: Database
  let findings: readonly Finding[]
  let check: Check | undefined

  beforeAll(async () => {
    cluster = await startTestCluster()
    before = await cluster.createDatabase('before')
    await run(before, (one) => one.before)
    after = await before.clone('after')
    await run(after, (one) => one.migration)
    const compared = await compareDates(before, after, { jobs: 2 })
    findings = compared.findings
    check = compared.checks[0]
  })
  afterAll(() => cluster?.stop())

  it.each(entries.map(([name], index) => [name, index] as const))('%s', (_, index) => {
    const schema = `case${index}.`
    const own = findings.filter(({ object }) => object.startsWith(schema)).map((finding) => told(finding, schema))
    expect(own.sort()).toEqual(entries[index]?.[1].findings)
  })

  it('fails its check with the numbers, and passes it where nothing moved', async () => {
    expect(check).toMatchObject({ id: 'dates.instants', status: 'failed', required: true })
    expect(check?.numbers?.columnsShifted).toBe(findings.length)
    expect(check?.summary).toContain('no date for JavaScript')
    const same = await compareDates(before, before)
    expect(same.findings).toEqual([])
    expect(same.checks[0]).toMatchObject({ status: 'passed', summary: expect.stringContaining('none moved') })
  })

  it('tells the spans, the types, the zone, the keys and how to do it right', () => {
    const [finding] = findings.filter(({ object }) => object === 'case0.events')
    expect(finding?.evidence).toEqual([
      '1,480 rows by +04:00, 20 rows by +05:00.',
      '1,500 rows have a value there; 1,500 differ.',
      "The column's type changed from timestamp without time zone to timestamp with time zone.",
      'A time without a zone was read in UTC, the zone in which the Data API tells it.',
      expect.stringMatching(/^id: (\d+, ){19}\d+ … and 1,480 more$/),
    ])
    expect(finding?.fix).toBe(
      "alter table case0.events alter column starts_at type timestamptz using starts_at at time zone 'UTC';",
    )
  })

  it('reads times without a zone in the zone of the Data API', async () => {
    const { findings: own, checks } = await compareDates(before, after, { zone: 'America/New_York' })
    expect(own.filter(({ object }) => object === 'case0.events')).toEqual([])
    expect(checks[0]?.summary).toContain('America/New_York')
    const moved = own.find(({ object }) => object === 'case1.events')
    expect(moved?.title).toBe('1,480 rows moved by −04:00 and 20 rows by −05:00 in column starts_at of case1.events.')
  })
})

async function run(database: Database, sql: (one: DateCase) => string): Promise<void> {
  await using connection = await database.connect()
  for (const [index, [name, one]] of Object.entries<DateCase>(dateCases).entries()) {
    try {
      await connection.query(`CREATE SCHEMA IF NOT EXISTS case${index}; SET search_path = case${index}`)
      await connection.query(`SET TimeZone = 'UTC'; ${sql(one)}`)
    } catch (cause) {
      throw new Error(`The SQL of "${name}" fails.`, { cause })
    }
  }
}

function told({ object, columns, title }: Finding, schema: string): string {
  const table = object.slice(schema.length)
  const said = title.replaceAll(schema, '').replace(` in column ${columns?.[0]} of ${table}.`, '').replace(/\.$/, '')
  return `${table}(${columns?.join(', ')}): ${said}`
}
