import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { Finding, RowSet } from '../model/finding.ts'
import type { Expectation } from '../model/verdict.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { provePredicates } from './prove.ts'

let cluster: Cluster
let before: Database
let after: Database
beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatform(before)
  await using owner = await before.connect({ role: 'postgres' })
  await owner.query(`
    create table public.events (id int primary key);
    create table public.tasks (id int, part text, k text, event_id int, title text, primary key (id, part));
    alter table public.tasks enable row level security;
    insert into public.events values (1);
    insert into public.tasks values (1, 'a', 'k', 1, 'kept'), (2, 'a', 'k', 9, 'orphan'), (3, 'b', 'k', null, 'Ada'), (4, 'b', 'k', 8, 'orphan')`)
  after = await before.clone('after')
})
afterAll(() => cluster.stop())

const rows = (ids: readonly (readonly [string, string])[], facts: Partial<RowSet> = {}): RowSet => ({
  side: 'before',
  table: 'public.tasks',
  keyColumns: ['id', 'part'],
  keys: ids,
  complete: true,
  ...facts,
})
const orphans = rows([
  ['2', 'a'],
  ['4', 'b'],
])

async function prove(
  predicate: string,
  set: RowSet | undefined,
  facts: { finding?: Partial<Finding>; timeout?: number } = {},
) {
  const expectation: Expectation = {
    kind: 'data.rows-deleted',
    object: 'public.tasks',
    predicate,
    reason: 'x',
    migration: '206.sql',
    line: 1,
  }
  const finding: Finding = {
    kind: 'data.rows-deleted',
    object: 'public.tasks',
    title: 't',
    evidence: [],
    ...(set ? { rows: set } : {}),
    ...facts.finding,
  }
  const proofs = await provePredicates([expectation], [finding], before, after, { timeout: facts.timeout ?? 5_000 })
  return proofs.map(({ holds, reason }) => reason ?? holds)
}

it.each([
  ['event_id > 1'],
  ['event_id not in (select id from public.events)'],
  ["tasks.k = 'k' and tasks.event_id is not null"],
])('holds when it is true for every row: %s', async (predicate) =>
  expect(await prove(predicate, orphans)).toEqual([true]),
)

it('does not hold when it is false, or not known, for one row', async () => {
  expect(
    await prove(
      'event_id > 1',
      rows([
        ['1', 'a'],
        ['2', 'a'],
      ]),
    ),
  ).toEqual(['it is not true for 1 of 2 rows'])
  expect(
    await prove(
      'event_id > 1',
      rows([
        ['2', 'a'],
        ['3', 'b'],
      ]),
    ),
  ).toEqual(['it is not true for 1 of 2 rows'])
})

it('proves nothing on rows that are not all known, or not found again', async () => {
  expect(await prove('true', rows([['2', 'a']], { complete: false }))).toEqual([
    'only a part of the rows concerned is known',
  ])
  expect(
    await prove(
      'true',
      rows([
        ['2', 'a'],
        ['2', 'b'],
      ]),
    ),
  ).toEqual(['1 of 2 rows were not found again'])
  expect(await prove('true', undefined)).toEqual(['the finding does not name its rows'])
})

it('is asked only of findings that the expectation speaks of', async () => {
  expect(await prove('true', orphans, { finding: { object: 'public.events' } })).toEqual([])
  expect(await prove('true', orphans, { finding: { migration: '205.sql' } })).toEqual([])
  expect(await prove('true', orphans, { finding: { migration: '206.sql' } })).toEqual([true])
})

it.each([
  ['title::int > 0', /^it could not be evaluated: invalid input syntax for type integer: "…"$/],
  ['pg_sleep(30) is null', /timeout/],
  [
    "set_config('transaction_read_only', 'off', false) is not null and pg_read_file('PG_VERSION') is not null",
    /cannot set|permission denied/,
  ],
  ['lo_create(0) > 0', /read-only transaction/],
  ['pg_terminate_backend(pg_backend_pid())', /terminating|permission denied/],
  ['true) or (true', /not one SQL expression/],
])('cannot do harm or tell values: %s', async (predicate, reason) => {
  const [proof] = await prove(predicate, rows([['3', 'b']]), { timeout: 500 })
  expect(proof).toMatch(reason)
})
