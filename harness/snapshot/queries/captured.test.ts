import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { administer, makeProject, plannerContracts } from '../access/test-project.ts'
import { type Identity, pickIdentities } from '../identities.ts'
import { type CapturedQuery, columnsOf, showText } from './captured.ts'
import { compareQueries } from './compare.ts'

let cluster: Cluster
let before: Database
let identities: Identity[]

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 20 })
  await administer(
    before,
    `create table public.logs (id bigint primary key, level text, user_id uuid, at timestamptz, body text);
     insert into public.logs select n, 'level ' || n % 3000, (select id from auth.users order by id limit 1 offset n % 20),
       timestamptz '2026-01-01' + n * interval '1 minute', repeat('x', 300) from generate_series(1, 6000) n;
     create index logs_level on public.logs (level);
     create function public.note(text) returns text language sql volatile as 'select $1';
     grant select on public.logs to authenticated, service_role`,
  )
  identities = (await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 2 })).slice(1)
})
afterAll(() => cluster.stop())

async function rehearse(sql: string, captured: readonly CapturedQuery[]) {
  await using one = await before.clone('one')
  await using two = await before.clone('two')
  await administer(two, sql)
  const { findings, checks } = await compareQueries(one, two, identities, { seed: 1, captured })
  return { findings, check: checks.find(({ id }) => id === 'performance.captured') }
}

const byLevel = { query: 'select id, body from public.logs where level = $1 limit $2', role: 'authenticated' }

describe('the queries of a capture', () => {
  test('are asked with values that their columns hold, and told when they cost more', async () => {
    const { findings, check } = await rehearse('drop index public.logs_level', [byLevel])
    expect(check).toMatchObject({ status: 'passed', numbers: { asked: 1, notAsked: 0 } })
    const found = findings.find(({ object }) => object.startsWith('captured query'))
    expect(found).toMatchObject({ kind: 'query.costlier' })
    expect(found?.evidence).toEqual(
      expect.arrayContaining([byLevel.query, 'logs is read whole now', 'no longer used: index logs_level']),
    )
    expect(findings.find(({ kind }) => kind === 'index.dropped')).toMatchObject({ object: 'public.logs' })
    // The value that was asked with stays out.
    expect(JSON.stringify(findings)).not.toMatch(/level \d/)
  })

  test('are no finding when another index serves them as well', async () => {
    const { findings } = await rehearse(
      'create index logs_by_level on public.logs (level, at); drop index public.logs_level',
      [byLevel],
    )
    expect(findings).toEqual([])
  })

  test('that are answered no more are a regression; of a person at a console, a warning', async () => {
    const sql = 'alter table public.logs rename body to content'
    expect((await rehearse(sql, [byLevel])).findings).toMatchObject([
      { kind: 'feature.regressed', object: expect.stringMatching(/^captured query [0-9a-f]{8}$/) },
    ])
    const byHand = { ...byLevel, role: 'postgres' }
    expect((await rehearse(sql, [byHand])).findings).toMatchObject([{ severity: 'warning' }])
  })

  test('that write, call what may write, or cannot be understood are left out, each with its reason', async () => {
    const { findings, check } = await rehearse('select 1', [
      byLevel,
      {
        query: `WITH pgrst_source AS (SELECT "public"."logs".* FROM "public"."logs" WHERE "public"."logs"."user_id" = $1 AND "public"."logs"."at" > $2 LIMIT $3 OFFSET $4) SELECT $5::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), $6) AS body, nullif(current_setting($7, $8), $9) AS response_headers FROM ( SELECT * FROM pgrst_source ) _postgrest_t`,
        role: 'authenticated',
      },
      {
        query: 'select count(*) from auth.users where id = any ($1) and created_at > now() - interval $2',
        role: 'supabase_auth_admin',
      },
      { query: 'select set_config($1, $2, $3)', role: 'authenticated' },
      { query: 'select public.note($1)', role: 'authenticated' },
      { query: 'update public.logs set body = $1', role: 'service_role' },
      { query: 'with gone as (delete from public.logs returning *) select * from gone', role: 'service_role' },
      { query: 'select * from public.logs for update', role: 'service_role' },
      { query: 'select * from public.nothing', role: 'authenticated' },
      { query: 'select 1', role: 'nobody_here' },
    ])
    expect(findings).toEqual([])
    expect(check?.numbers).toEqual({ asked: 3, notAsked: 7 })
    for (const reason of [
      '2 because it writes',
      'it calls set_config, which',
      'it calls note, which',
      'it cannot be prepared before the migrations (SQLSTATE 42P01)',
      'it fails before the migrations (SQLSTATE ',
      'nobody here is nobody_here',
    ]) {
      expect(check?.summary).toContain(reason)
    }
  })

  test('no capture, no check; one of which nothing can be asked is not run', async () => {
    expect((await rehearse('select 1', [])).check).toBeUndefined()
    const write = { query: 'delete from public.logs where id = $1', role: 'authenticated' }
    expect((await rehearse('select 1', [write])).check).toMatchObject({ status: 'not run' })
  })
})

test('columns are read from the conditions of a plan, whatever stands around them', () => {
  const scan = { Schema: 'public', 'Relation Name': 'Tasks', Alias: 't' }
  const plan = {
    Plans: [
      { ...scan, Filter: '((t.level)::text = $1)', 'Index Cond': '((t."User" = $2) AND (t.at > ($3)::timestamptz))' },
      { ...scan, Alias: 'u', Filter: '((u.id = ANY ($4)) AND ($5 <= u.at) AND (x.id = $6))' },
    ],
  }
  const found = [...columnsOf(plan)].map(([number, { table, column }]) => `${number} ${table}.${column}`)
  expect(found.sort()).toEqual(['1 Tasks.level', '2 Tasks.User', '3 Tasks.at', '4 Tasks.id', '5 Tasks.at'])
})

test('a number that was left in a text is not shown, names and places are', () => {
  expect(showText({ query: 'select  a1 from "t 22" where phone = 4930123456 and b = $12' })).toBe(
    'select a1 from "t 22" where phone = … and b = $12',
  )
})
