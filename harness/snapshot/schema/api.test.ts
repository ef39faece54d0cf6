import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { Finding } from '../../model/finding.ts'
import { compareApi } from './api.ts'
import { type ApiCase, apiCases } from './api-cases.ts'
import { type ApiFacts, takeApi } from './api-facts.ts'

const entries: readonly (readonly [string, ApiCase])[] = Object.entries(apiCases)
const named = (sql: string, index: number) => sql.replaceAll(/\$(?!x\$)(?=[a-zA-Z])/g, `c${index}_`)

describe('what the API offers', () => {
  let cluster: Cluster
  let before: ApiFacts
  let after: ApiFacts
  let findings: readonly Finding[]

  beforeAll(async () => {
    cluster = await startTestCluster()
    const database = await cluster.createDatabase('before')
    {
      await using session = await database.connect()
      await session.query(`CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role; CREATE SCHEMA private;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role`)
    }
    await run(database, ({ before }) => before)
    const clone = await database.clone('after')
    await run(clone, ({ migration }) => migration)
    ;[before, after] = await Promise.all([take(database), take(clone)])
    findings = compareApi(before, after).findings
  })
  afterAll(() => cluster?.stop())

  it.each(entries.map(([name], index) => [name, index] as const))('%s', (_, index) => {
    const prefix = `c${index}_`
    const own = findings.filter(({ object }) => object.includes(prefix))
    expect(own.map((finding) => told(finding).replaceAll(prefix, '$')).sort()).toEqual(entries[index]?.[1].findings)
  })

  it('tells in words why a call fails, an insert is refused, an embed is ambiguous', () => {
    const said = findings
      .flatMap(({ title, evidence }) => [title, ...evidence])
      .map((text) => text.replaceAll(/c\d+_/g, ''))
    expect(said).toEqual(
      expect.arrayContaining([
        'anon: public.f(a): more than one function takes it, and the Data API does not choose: public.f(a) or public.f(a, b?).',
        'anon: public.f(a): argument a: it takes less: uuid instead of text.',
        'anon: public.f(a) answers with a JSON value instead of an array.',
        'Clients of column days of public.tasks meet another type: it is told as string instead of integer.',
        'public.pets and public.people cannot be read together any more without naming the foreign key: 2 link them.',
        'The type public.mood no longer has the value "bad": clients that send or compare with it fail.',
      ]),
    )
  })

  it('finds nothing where nothing changed, and says what it looked at', () => {
    const { findings: none, check } = compareApi(after, after)
    expect(none).toEqual([])
    expect(check).toMatchObject({ id: 'features.api', status: 'passed', required: true })
    const nothing = { relations: [], functions: [], links: [] }
    expect(compareApi(nothing, nothing).check.summary).toBe(
      'The Data API offers no table, view or function of schema public.',
    )
  })
})

async function take(database: Database): Promise<ApiFacts> {
  await using session = await database.connect({ readOnly: true })
  return await takeApi(session)
}

async function run(database: Database, sql: (one: ApiCase) => string): Promise<void> {
  await using session = await database.connect()
  for (const [index, [name, one]] of entries.entries()) {
    try {
      await session.query(named(sql(one), index))
    } catch (cause) {
      throw new Error(`The SQL of "${name}" fails.`, { cause })
    }
  }
}

function told({ kind, object, columns }: Finding): string {
  return `${kind.replace('feature.api-', '')} ${object.replace('public.', '')}${columns ? `(${columns.join(', ')})` : ''}`
}
