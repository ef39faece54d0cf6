import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { compareStorage, reckoned, suspects } from './compare.ts'
import { writeAnew } from './rewrite.ts'
import { refreshStatistics, type StoredTable, takeStorage } from './take.ts'

let cluster: Cluster
let before: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await using session = await before.connect()
  // 12 MB with its index, and 1 MB.
  await session.query(
    `create table public.answers (id bigint primary key, state text, body text);
     insert into public.answers select n, case n % 50 when 0 then 'closed' else 'open' end, repeat('x', 250) from generate_series(1, 36000) n;
     create table public.notes (id bigint primary key, body text);
     insert into public.notes select n, repeat('x', 250) from generate_series(1, 3000) n`,
  )
})
afterAll(() => cluster.stop())

async function rehearse(sql: string) {
  await using was = await before.clone('was')
  await using is = await before.clone('is')
  {
    await using session = await is.connect()
    for (const statement of sql.split(';')) await session.query(statement)
  }
  await using old = await was.connect()
  await using now = await is.connect()
  for (const session of [old, now]) await refreshStatistics(session)
  const stored = { before: await takeStorage(old), after: await takeStorage(now) }
  const { findings, checks } = compareStorage(stored.before, stored.after, await writeAnew(now, stored, undefined))
  // Advice is SQL that runs, whatever the names.
  for (const { fix = '' } of findings) {
    for (const [statement] of fix.matchAll(/(vacuum \(|reindex )[^;]+;/g)) await now.query(statement)
  }
  return { findings, checks, told: findings.map(({ kind, object }) => `${kind} ${object}`) }
}

describe('what tables take on both sides', () => {
  test('an UPDATE of every row of a large table leaves as much room behind as the rows take', async () => {
    const { told, findings, checks } = await rehearse(`update public.answers set state = 'open'`)
    expect(told).toEqual(['storage.bloat public.answers'])
    expect(findings[0]?.title).toMatch(
      /^public\.answers takes 2\d\.\d MB after the migrations for rows that need 1[12]\.\d MB: /,
    )
    expect(findings[0]?.evidence).toContain('36,000 rows')
    expect(findings[0]?.fix).toMatch(/: vacuum \(full, analyze\) "public"\."answers";$/)
    expect(checks).toMatchObject([{ status: 'passed', numbers: { tables: 2, tablesWithRoomLeft: 1 } }])
  })

  test('rows that are deleted all over a table leave their room behind', async () => {
    expect((await rehearse('delete from public.answers where id % 10 <> 0')).told).toEqual([
      'storage.bloat public.answers',
    ])
  })

  test('rows that come and go leave their place in an index behind, though the table is as small as before', async () => {
    const { told, findings } = await rehearse(
      `create index notes_body on public.notes (body, id);
       insert into public.notes select -n, md5(n::text) || repeat('y', 250) from generate_series(1, 40000) n;
       delete from public.notes where id < 0`,
    )
    expect(told).toEqual(['storage.bloat public.notes'])
    expect(findings[0]?.evidence.join()).toMatch(/index notes_body: 2\d\.\d MB, of which 1\d\.\d MB hold nothing/)
    expect(findings[0]?.evidence.join()).not.toContain('rows: ')
  })

  test('the advice about a table with an odd name is SQL that runs', async () => {
    const odd = 'public."All ""Answers"""'
    const { told, findings } = await rehearse(
      `alter table public.answers rename to "All ""Answers"""; update ${odd} set state = 'open'`,
    )
    expect(told).toEqual([`storage.bloat ${odd}`])
    expect(findings[0]?.fix).toMatch(/: vacuum \(full, analyze\) "public"\."All ""Answers""";$/)
  })

  test.each([
    ['a column with a default', `alter table public.answers add column rank int not null default 0`],
    ['an UPDATE of the few rows that need it', `update public.answers set state = 'open' where state <> 'open'`],
    ['a backfill of a small table', `update public.notes set body = 'filled'`],
    ['rows that are deleted at the end', 'delete from public.answers where id > 3600'],
    ['a table that is written anew', 'alter table public.answers alter column id type numeric'],
    ['a small index', 'create index on public.notes (body)'],
  ])('%s is no finding', async (_, sql) => {
    expect((await rehearse(sql)).told).toEqual([])
  })

  test('a table that grew by its rows, or that is new and large, is told as information', async () => {
    const grown = await rehearse(
      `insert into public.answers select n + 40000, 'open', repeat('x', 250) from generate_series(1, 36000) n`,
    )
    expect(grown.told).toEqual(['storage.grown public.answers'])
    expect(grown.findings[0]?.title).toMatch(/^public\.answers takes 1\d\.\d MB more on disk: /)
    const made = await rehearse('create table public.copies as select * from public.answers')
    expect(made.findings).toMatchObject([
      { kind: 'storage.grown', object: 'public.copies', title: expect.stringMatching(/^The new table public\.copies/) },
    ])
  })
})

describe('a table that is too large to be written anew', () => {
  const table = (rows: number, bytes: number): StoredTable => ({
    oid: 1,
    object: 'public.big',
    sql: '"public"."big"',
    schema: 'public',
    rows,
    bytes,
    toastBytes: 0,
    indexes: [],
  })

  test('is reckoned by what its rows took before', () => {
    const [old, now] = [table(1_000, 2e9), table(1_000, 4e9)]
    expect(suspects([old], [now])).toEqual([now])
    const compact = reckoned(now, [old])
    expect(compact).toMatchObject({ estimated: true, table: { bytes: 2e9 } })
    const { findings } = compareStorage([old], [now], new Map(compact ? [[1, compact]] : []))
    expect(findings).toMatchObject([{ kind: 'storage.bloat', title: expect.stringContaining('about 2.0 GB') }])
    expect(suspects([old], [table(2_000, 4e9)])).toEqual([])
  })

  test('and a single index in it is told to be built again', () => {
    const index = { oid: 2, name: 'big_key', definition: '', enforces: true, servesReference: false }
    const [full, empty] = [
      { ...index, bytes: 1e8 },
      { ...index, bytes: 3e8 },
    ]
    const [old, now] = [table(1_000, 2e9), table(1_000, 2e9)].map((one, n) => ({ ...one, indexes: [n ? empty : full] }))
    if (!old || !now) throw new Error('There are two.')
    expect(suspects([old], [now])).toEqual([now])
    const compact = new Map([[1, { table: old, estimated: true }]])
    expect(compareStorage([old], [now], compact).findings).toMatchObject([
      { kind: 'storage.bloat', fix: 'Run after the deploy: reindex index concurrently "public"."big_key";' },
    ])
    expect(compareStorage([old], [old], compact).findings).toEqual([])
    const odd = { ...now, indexes: now.indexes.map((one) => ({ ...one, name: 'Big "key"' })) }
    expect(compareStorage([old], [odd], compact).findings[0]?.fix).toMatch(/concurrently "public"\."Big ""key""";$/)
  })
})
