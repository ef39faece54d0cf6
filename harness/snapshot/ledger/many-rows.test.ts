import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { Finding } from '../../model/finding.ts'
import { compareLedger } from './compare-ledger.ts'

const rows = 20_000

describe('the row ledger over many rows', () => {
  let cluster: Cluster
  let before: Database
  let after: Database
  let findings: readonly Finding[]
  const progress: string[] = []
  const of = (table: string) => findings.filter((finding) => finding.object === `public.${table}`)

  beforeAll(async () => {
    cluster = await startTestCluster()
    before = await cluster.createDatabase('before')
    {
      await using connection = await before.connect()
      const make = (
        name: string,
      ) => `CREATE TABLE ${name} (id int, a text, b text, n int, updated_at timestamptz DEFAULT '2026-01-01');
        INSERT INTO ${name} SELECT g, md5(g::text), 'b' || g % 100, g % 7 FROM generate_series(1, ${rows}) g;`
      await connection.query(`${['scattered', 'whole', 'untouched', 'keyless', 'rewritten'].map(make).join('')}
        ALTER TABLE scattered ADD PRIMARY KEY (id); ALTER TABLE whole ADD PRIMARY KEY (id); ALTER TABLE rewritten ADD PRIMARY KEY (id)`)
    }
    after = await before.clone('after')
    {
      await using connection = await after.connect()
      await connection.query(`UPDATE scattered SET a = 'lost' WHERE id % 100 = 1; UPDATE scattered SET n = NULL WHERE id % 1000 = 2;
        DELETE FROM scattered WHERE id % 300 = 0; INSERT INTO scattered SELECT g, 'new' FROM generate_series(${rows + 1}, ${rows + 321}) g`)
      await connection.query(`UPDATE whole SET a = 'x' || id, updated_at = now()`)
      await connection.query(
        `DELETE FROM keyless WHERE id <= 7000; INSERT INTO keyless SELECT g FROM generate_series(-50, -1) g`,
      )
      await connection.query(
        'ALTER TABLE rewritten ALTER n TYPE bigint; CLUSTER rewritten USING rewritten_pkey; UPDATE rewritten SET n = n',
      )
    }
    const result = await compareLedger(before, after, {
      onProgress: ({ done, of: all, table }) => progress.push(`${done}/${all} ${table}`),
    })
    findings = result.findings
  })
  afterAll(() => cluster?.stop())

  it('finds each of many scattered differences', () => {
    expect(
      of('scattered').map((finding) => [finding.kind, finding.columns?.join() ?? '', finding.rows?.keys.length]),
    ).toEqual([
      ['data.rows-deleted', '', 66],
      ['data.values-changed', 'a', 200],
      ['data.values-changed', 'n', 20],
      ['data.rows-inserted', '', 321],
    ])
    expect(of('scattered')[1]?.rows?.keys.slice(0, 3)).toEqual([['1'], ['101'], ['201']])
    expect(of('scattered')[1]?.evidence[1]).toMatch(/^id: 1, 101, .* … and 180 more$/)
  })

  it('counts all rows when all changed, and says that it names only some', () => {
    const [changed] = of('whole')
    expect(changed?.title).toBe('20,000 rows of public.whole lost their value in column a.')
    expect(of('whole')).toHaveLength(1)
    expect(changed?.rows).toMatchObject({ complete: false })
    expect(changed?.rows?.keys).toHaveLength(10_000)
  })

  it('counts rows without a key beyond what it holds back to match', () => {
    expect(of('keyless').map((finding) => finding.title)).toEqual([
      '7,000 rows of public.keyless were deleted.',
      '50 rows of public.keyless were added.',
    ])
  })

  it('says nothing of a table that is as it was, or that only lies elsewhere', () => {
    expect([...of('untouched'), ...of('rewritten')]).toEqual([])
  })

  it('tells its progress by table', () => {
    expect(progress).toHaveLength(5)
    expect(progress[4]).toMatch(/^5\/5 public\./)
  })

  it('finds the same in the same order every time, with any number of jobs', async () => {
    expect((await compareLedger(before, after, { jobs: 3 })).findings).toEqual(findings)
  })

  it('stops when it is told to, and leaves no session behind', async () => {
    const abort = new AbortController()
    const running = compareLedger(before, after, { signal: abort.signal, onProgress: () => abort.abort() })
    await expect(running).rejects.toMatchObject({ code: 'aborted' })
    await using connection = await before.connect()
    await expect
      .poll(async () => {
        const { rows } = await connection.query(
          "SELECT FROM pg_stat_activity WHERE application_name = 'greenlight ledger'",
        )
        return rows.length
      })
      .toBe(0)
  })

  it('calls nothing compared not run, rather than passed', async () => {
    await using nothing = await cluster.createDatabase('nothing')
    const [none] = (await compareLedger(nothing, nothing)).checks
    expect(none).toMatchObject({ id: 'data.ledger', status: 'not run', required: true })
    {
      await using connection = await nothing.connect()
      await connection.query('CREATE TABLE empty (id int PRIMARY KEY)')
    }
    const [empty] = (await compareLedger(nothing, nothing)).checks
    expect(empty).toMatchObject({ status: 'not run', reason: expect.stringContaining('schema alone') })
  })
})
