import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { apiZone, compareZones, takeZones } from './zones.ts'

let cluster: Cluster
let before: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await using session = await before.connect()
  await session.query(`create role authenticator; create role anon; create role authenticated; create role reporter;
    create table public.notes (id int, at timestamp default now(), seen timestamptz default now(), due date)`)
})
afterAll(() => cluster?.stop())

/** Settings belong to the server, so each test takes its own back. */
async function rehearse(sql: string, undo: string) {
  const was = await takeZones(before)
  await using after = await before.clone('after')
  await using session = await after.connect()
  await session.query(sql)
  try {
    const pending = [
      { name: '201_first.sql', sql: 'select 1' },
      { name: '202_zone.sql', sql },
    ]
    return compareZones(was, await takeZones(after), { before: 'before', after: 'after' }, pending)
  } finally {
    await session.query(undo)
  }
}

test.each([
  ['the role that requests log in as', "alter role authenticator set timezone = 'America/New_York'", 'authenticator'],
  ['a role that requests take on', "alter role anon set time zone 'Asia/Kolkata'", 'anon'],
  ['production, by its name', "alter database postgres set timezone to 'Pacific/Auckland'", 'postgres'],
  [
    'the database at hand',
    "do $$ begin execute 'alter database after set timezone = ''Asia/Tokyo'''; end $$",
    'postgres',
  ],
])('another time zone for %s blocks, and is named', async (_, sql, object) => {
  const undo = object === 'postgres' ? 'alter database postgres reset timezone' : `alter role ${object} reset timezone`
  const { findings, checks } = await rehearse(sql, undo)
  expect(findings).toMatchObject([{ kind: 'date.shifted', object, migration: '202_zone.sql' }])
  expect(findings[0]?.evidence).toEqual(
    expect.arrayContaining([
      '2 columns have a date or a time without a zone.',
      'Written by the new clock, by their default: public.notes(at).',
    ]),
  )
  expect(checks[0]?.status).toBe('failed')
})

test.each([
  [
    'another name of UTC',
    "alter role authenticator set timezone = 'Etc/UTC'",
    'alter role authenticator reset timezone',
  ],
  [
    'a role that is not the app’s',
    "alter role reporter set timezone = 'Asia/Tokyo'",
    'alter role reporter reset timezone',
  ],
  ['another setting', "alter role anon set statement_timeout = '3s'", 'alter role anon reset statement_timeout'],
])('%s is no other clock', async (_, sql, undo) => {
  const { findings, checks } = await rehearse(sql, undo)
  expect(findings).toEqual([])
  expect(checks).toMatchObject([{ id: 'dates.zones', status: 'passed', required: true }])
})

test('the zone of requests is that of their role, else of the database, else of the platform', () => {
  const zone = (...settings: { role?: string; database?: string; zone: string }[]) => apiZone({ settings }, 'before')
  expect(zone()).toBe('UTC')
  expect(zone({ database: 'before', zone: 'Asia/Tokyo' }, { database: 'other', zone: 'Asia/Kolkata' })).toBe(
    'Asia/Tokyo',
  )
  expect(zone({ database: 'before', zone: 'Asia/Tokyo' }, { role: 'authenticator', zone: 'Asia/Kolkata' })).toBe(
    'Asia/Kolkata',
  )
})
