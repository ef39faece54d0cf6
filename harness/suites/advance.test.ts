import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Connection, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { startStack } from '../stack/stack.ts'
import { advanceDatabase, advanceOf } from './advance.ts'
import { type StackAccess, startControl } from './control.ts'

let cluster: Cluster
let template: Database
let session: Connection
let folder = ''

const app = `
  create extension btree_gist with schema extensions;
  create domain public.moment as timestamptz check (value > '2000-01-01');
  create table public."Odd ""names""" (id int primary key, "When" timestamptz, touched timestamptz default now(), day date,
    naive timestamp, until timestamptz generated always as ("When" at time zone 'UTC' at time zone 'UTC') stored, m public.moment,
    check (touched <= now()), check (day is null or day < 'infinity'));
  create function public.touch() returns trigger language plpgsql as $$ begin new.touched := now(); return new; end $$;
  create trigger touch before update on public."Odd ""names""" for each row execute function public.touch();
  create table public.days (day date primary key, note text);
  create table public.shifts (day date references public.days on delete cascade, hour int, primary key (day, hour));
  create table public.bookings (room int, span tstzrange, exclude using gist (room with =, span with &&));
  create table public.slots (day date, hour int);
  create unique index on public.slots ((day + hour * interval '1 hour'));
  create table public.log (at timestamptz, n int) partition by range (at);
  create table public.log_all partition of public.log default;
  create table public.lists (id int primary key, days date[], moments timestamptz[], open tstzmultirange, off datemultirange);
  insert into public.lists values
    (1, '{2026-01-31,NULL,2026-01-01}', '{2026-01-01 00:00:00+00,infinity}',
      '{[2026-01-01 00:00:00+00,2026-01-02 00:00:00+00),(2026-02-01 00:00:00+00,)}', '{[2026-03-01,2026-03-03)}'),
    (2, '{}', '{}', '{}', '{}'), (3, null, null, null, null), (4, '{{2026-01-01}}', null, null, null);
  create table cron.ran (at timestamptz);
  insert into public."Odd ""names""" values
    (1, '2026-03-08 06:59:59+00', '2026-03-01', '2026-03-08', '2026-03-08 02:30', default, '2026-01-01'),
    (2, 'infinity', '-infinity', null, null, default, null);
  insert into public.days select date '2026-01-01' + n, n::text from generate_series(0, 40) n;
  insert into public.shifts select day, 8 from public.days;
  insert into public.bookings select 1, tstzrange(t, t + interval '1 hour') from generate_series('2026-01-01'::timestamptz, '2026-01-02', '1 hour') t;
  insert into public.bookings values (2, 'empty'), (3, '(,2026-01-01]');
  insert into public.slots select '2026-01-01', hour from generate_series(72, 0, -1) hour;
  insert into public.log values ('2026-01-01', 1);
  create table public.hourly (at timestamptz primary key) partition by range (at);
  create table public.hourly_all partition of public.hourly default;
  insert into public.hourly select t from generate_series('2026-01-01'::timestamptz, '2026-01-02', '1 hour') t;
  insert into cron.ran values ('2026-01-01');
  insert into auth.users (id, aud, role, email, created_at, recovery_sent_at)
    values ('00000000-0000-4000-8000-000000000001', 'authenticated', 'authenticated', 'a@example.com', '2026-01-31', null);`

beforeAll(async () => {
  cluster = await startTestCluster()
  template = await cluster.createDatabase('aging')
  await preparePlatformSchemas(template)
  {
    await using admin = await template.connect()
    await admin.query("create schema if not exists cron; set timezone = 'UTC'")
    await admin.query(app)
  }
  session = await template.connect()
  folder = await mkdtemp(join(tmpdir(), 'advance-'))
})
afterAll(async () => {
  await session?.end()
  await cluster?.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('how far an interval reaches, on the calendar in UTC', () => {
  test.each([
    ['3 days', '2026-11-24T10:00:00Z', 72, 3],
    ['36 hours', '2026-11-24T10:00:00Z', 36, 1],
    ['36 hours', '2026-11-24T13:00:00Z', 36, 2],
    ['1 month', '2026-01-31T10:00:00Z', 28 * 24, 28],
    ['1 month', '2028-01-31T10:00:00Z', 29 * 24, 29],
    ['1 month', '2026-02-28T10:00:00Z', 28 * 24, 28],
    ['1 year', '2028-02-29T00:00:00Z', 365 * 24, 365],
    // New York and Berlin change their clocks on these days; UTC does not.
    ['1 day', '2026-03-08T05:00:00Z', 24, 1],
    ['1 day', '2026-10-25T00:30:00Z', 24, 1],
  ])('%s from %s', async (interval, from, hours, days) => {
    await session.query("set timezone = 'America/New_York'")
    expect(await advanceOf(session, interval, new Date(from))).toEqual({ milliseconds: hours * 3_600_000, days })
  })

  test.each(['a while', '', '-1 day', '0'])('%j is refused', async (interval) => {
    await expect(advanceOf(session, interval, new Date())).rejects.toMatchObject({ code: 'usage.invalid' })
  })
})

describe('a database that time passed in', () => {
  test('is older by so much in every date and timestamp of the app and of auth; keys and checks hold', async () => {
    await using database = await aging('aged')
    await advanceDatabase(database, '3 days')
    await using aged = await database.connect()
    await aged.query("set timezone = 'UTC'; set datestyle = 'ISO'")
    const rows = async (sql: string) => (await aged.query({ text: sql, rowMode: 'array' })).rows.flat()
    expect(
      await rows(
        `select id, "When"::text, touched::text, day::text, naive::text, until::text, m::text from public."Odd ""names""" order by id`,
      ),
    ).toEqual([
      ...[1, '2026-03-05 06:59:59+00', '2026-02-26 00:00:00+00', '2026-03-05', '2026-03-05 02:30:00'],
      ...['2026-03-05 06:59:59+00', '2025-12-29 00:00:00+00'],
      ...[2, 'infinity', '-infinity', null, null, 'infinity', null],
    ])
    expect(await rows('select min(day)::text, max(day)::text, count(*)::int from public.days')).toEqual([
      '2025-12-29',
      '2026-02-07',
      41,
    ])
    expect(await rows('select count(*)::int from public.shifts join public.days using (day)')).toEqual([41])
    expect(await rows('select min(lower(span))::text, count(*)::int from public.bookings where room = 1')).toEqual([
      '2025-12-29 00:00:00+00',
      25,
    ])
    expect(await rows('select span::text from public.bookings where room > 1 order by room')).toEqual([
      'empty',
      '(,"2025-12-29 00:00:00+00"]',
    ])
    expect(await rows('select at::text from public.log')).toEqual(['2025-12-29 00:00:00+00'])
    expect(await rows('select min(at)::text, count(*)::int from public.hourly')).toEqual(['2025-12-29 00:00:00+00', 25])
    expect(await rows('select created_at::text, recovery_sent_at from auth.users')).toEqual([
      '2026-01-28 00:00:00+00',
      null,
    ])
    expect(await rows('select days::text, moments::text, open::text, off::text from public.lists order by id')).toEqual(
      [
        ...['{2026-01-28,NULL,2025-12-29}', '{"2025-12-29 00:00:00+00",infinity}'],
        '{["2025-12-29 00:00:00+00","2025-12-30 00:00:00+00"),("2026-01-29 00:00:00+00",)}',
        '{[2026-02-26,2026-02-28)}',
        ...['{}', '{}', '{}', '{}'],
        ...[null, null, null, null],
        ...['{{2026-01-01}}', null, null, null],
      ],
    )
    // What the platform keeps for itself stays.
    expect(await rows('select at::text from cron.ran')).toEqual(['2026-01-01 00:00:00+00'])
  })

  test('two half days make a day for dates without a time', async () => {
    await using database = await aging('halves')
    const first = await advanceDatabase(database, '12 hours')
    const second = await advanceDatabase(database, '12 hours', first.milliseconds)
    expect(first.days + second.days).toBe(1)
  })

  test('says which table’s rule forbids it, and is left as it was', async () => {
    await using database = await aging('refused')
    await expect(advanceDatabase(database, '30 years')).rejects.toMatchObject({
      code: 'database.failed',
      message: expect.stringMatching(/30 years: public.Odd "names": .*moment/),
    })
    await using asBefore = await database.connect()
    expect((await asBefore.query('select max(day)::text as day from public.days')).rows).toEqual([
      { day: '2026-02-10' },
    ])
  })
})

test('database, edge function and mailbox agree on the time, before and after it was advanced', async () => {
  await mkdir(join(folder, 'clock'))
  await writeFile(
    join(folder, 'clock/index.ts'),
    'let calls = 0\nDeno.serve(() => Response.json({ now: Date.now(), made: new Date(), calls: ++calls }))\n',
  )
  const database = await aging('agreed')
  await using control = await startControl(async () => ({
    ...(await startStack(database, { functions: folder, mailAccount: { rateLimit: 0 } })),
    database,
  }))
  const door = (path: string, body?: unknown) =>
    fetch(`${control.url}/stacks/${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${control.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).then(read)
  const stack: StackAccess = await door('after')
  const headers = { apikey: stack.serviceKey, authorization: `Bearer ${stack.serviceKey}` }
  const clock = async () => read(await fetch(`${stack.url}/functions/v1/clock`, { headers }))
  const send = () =>
    fetch(`${stack.url}/mailbox/resend/emails`, {
      method: 'POST',
      headers: { authorization: 'Bearer re_test', 'idempotency-key': 'daily' },
      body: JSON.stringify({ from: 'a@planner.app', to: 'delivered@resend.dev', subject: 'due', text: 'due' }),
    })
  const mails = async (): Promise<{ at: string }[]> => read(await fetch(`${stack.url}/mailbox/mails`, { headers }))
  await using admin = await database.connect()
  await admin.query('insert into public.log values (now(), 2)')
  /** Ages in days: of the row by the database's clock and by the function's, and of the mail by the function's. */
  const ages = async () => {
    const day = 86_400_000
    const { now, made, calls } = await clock()
    const { rows } = await admin.query(
      'select at, now() - at as age, extract(epoch from now() - at)::float8 as seconds from public.log where n = 2',
    )
    const [mail] = await mails()
    const span = [rows[0].seconds * 1000, now - rows[0].at.getTime(), Date.parse(made) - Date.parse(mail?.at ?? '')]
    return { days: span.map((milliseconds) => Math.round((milliseconds / day) * 100) / 100), calls }
  }
  await send()
  await send()
  expect(await ages()).toEqual({ days: [0, 0, 0], calls: 1 })
  expect((await ages()).calls).toBe(2)
  expect(await door(`${stack.id}/advance`, { interval: '3 days' })).toEqual({ milliseconds: 259_200_000, days: 3 })
  expect(await ages()).toEqual({ days: [3, 3, 3], calls: 1 })
  // Resend keeps a key for a day.
  expect(await mails()).toHaveLength(1)
  await send()
  expect(await mails()).toHaveLength(2)
  expect(await door(`${stack.id}/advance`, { interval: 'later' })).toMatchObject({
    message: expect.stringContaining('advance("later")'),
  })
})

const read = async (response: Response) => JSON.parse(await response.text())

async function aging(name: string): Promise<Database> {
  await session.end().catch(() => {})
  const database = await template.clone(name)
  session = await template.connect()
  return database
}
