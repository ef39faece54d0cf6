import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cloner } from '../clones.ts'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { applyMigrations } from '../migrations/apply.ts'
import { splitSql } from '../migrations/split.ts'
import type { Finding } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { compareAccess } from '../snapshot/access/compare.ts'
import { takeAccessDifferences } from '../snapshot/access/differences.ts'
import { takeAccess } from '../snapshot/access/take.ts'
import { compareDates } from '../snapshot/dates/compare-dates.ts'
import { pickIdentities } from '../snapshot/identities.ts'
import { compareLedger } from '../snapshot/ledger/compare-ledger.ts'
import { attribute } from './attribute.ts'

const { signal } = new AbortController()
const clone = cloner()
let cluster: Cluster
let before: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await using session = await before.connect({ role: 'postgres' })
  await session.query(`
    create table public.notes (id int primary key, body text, updated_at timestamptz, place text default 'home');
    insert into public.notes select n, 'note ' || n, now() from generate_series(1, 50) n;
    alter table public.notes enable row level security;
    grant select on public.notes to anon, authenticated;
    create policy "some" on public.notes for select to anon using (id <= 10);
    analyze public.notes;`)
})
afterAll(() => cluster.stop())

function file(name: string, sql: string): MigrationFile {
  const { statements } = splitSql(sql)
  return { name, path: `/migrations/${name}`, version: name.slice(0, 3), sql, sha256: name, statements }
}

/** Findings of data and access with the names that attribution gives them, and the migrations of each. */
async function causes(...files: MigrationFile[]): Promise<{ findings: Finding[]; named: string[] }> {
  await using after = await clone(before)
  const run = await applyMigrations(after, files, { signal })
  expect(run.migrations.map(({ status }) => status)).toEqual(files.map(() => 'applied'))
  const identities = await pickIdentities(before, { seed: 1 })
  const access = await takeAccess(before, identities, { signal })
  const is = await takeAccess(after, identities, { signal, like: access })
  const differences = await takeAccessDifferences({ database: before, facts: access }, { database: after, facts: is })
  const findings = [
    ...(await compareLedger(before, after, { signal })).findings,
    ...(await compareDates(before, after, { signal })).findings,
    ...compareAccess(access, is, differences).findings,
  ]
  const found = await attribute(findings, {
    before,
    after,
    pending: files,
    applied: run.migrations,
    access,
    record: true,
    clone,
    signal,
  })
  // That nobody in the sample tries a policy is no migration's harm.
  const harm = found.filter(({ kind }) => kind !== 'access.policy-unexercised')
  return { findings: found, named: harm.map(({ kind, migration }) => `${kind} ${migration ?? '-'}`).sort() }
}

const harmless = (number: number) =>
  file(`${number}_note_${number}.sql`, `comment on table public.notes is 'seen by ${number}';`)

describe('the migration behind a finding', () => {
  test('is found for dates that moved, where no row counts as changed', async () => {
    const culprit = file('303_shift.sql', "update public.notes set updated_at = updated_at - interval '5 hours';")
    const { named } = await causes(harmless(301), harmless(302), culprit)
    expect(named).toEqual(['data.rows-touched 303_shift.sql', 'date.shifted 303_shift.sql'])
  })

  test('is found among many by halving', async () => {
    const culprit = file('305_delete.sql', 'delete from public.notes where id > 40;')
    const { named } = await causes(harmless(301), harmless(302), harmless(303), harmless(304), culprit, harmless(306))
    expect(named).toEqual(['data.rows-deleted 305_delete.sql'])
  })

  test('is found for what users see, too', async () => {
    const culprit = file('302_open.sql', 'create policy "all" on public.notes for select to anon using (true);')
    const { named } = await causes(harmless(301), culprit, harmless(303))
    expect(named).toEqual(['access.rows-gained 302_open.sql'])
  })

  test('is named once for each of two, so that one cannot hide behind what the other declares', async () => {
    const { findings, named } = await causes(
      file('301_delete.sql', 'delete from public.notes where id > 40;'),
      harmless(302),
      file(
        '303_truncate.sql',
        'create temp table kept as table public.notes; truncate public.notes; insert into public.notes select * from kept where id > 5;',
      ),
    )
    expect(named).toEqual(['data.rows-deleted 301_delete.sql', 'data.rows-deleted 303_truncate.sql'])
    expect(findings[0]?.evidence[0]).toContain('301_delete.sql and 303_truncate.sql')
  })

  test('is not who merely wrote to the same table', async () => {
    const { named } = await causes(
      file('301_touch.sql', 'update public.notes set updated_at = now() where id = 1;'),
      file('302_change.sql', "update public.notes set body = 'gone' where id = 2;"),
    )
    expect(named).toContain('data.values-changed 302_change.sql')
    expect(named).not.toContain('data.values-changed 301_touch.sql')
  })

  test('is for each column who changed it, whatever another one does to the same table', async () => {
    const { findings } = await causes(
      file('301_body.sql', "update public.notes set body = 'gone' where id <= 20;"),
      harmless(302),
      file('303_place.sql', "update public.notes set place = 'away' where id <= 30;"),
    )
    const told = findings
      .filter(({ kind }) => kind === 'data.values-changed')
      .map(({ columns, migration }) => `${columns?.join()} ${migration}`)
    expect(told).toEqual(['body 301_body.sql', 'place 303_place.sql'])
  })

  test('is also who changes a column that is called otherwise by then', async () => {
    const { findings } = await causes(
      file('301_body.sql', "update public.notes set body = 'gone' where id <= 20;"),
      file('302_rename.sql', 'alter table public.notes rename column body to content;'),
      file('303_content.sql', "update public.notes set content = 'lost' where id > 40;"),
    )
    const told = findings.filter(({ kind }) => kind === 'data.values-changed').map(({ migration }) => migration)
    expect(told).toEqual(['301_body.sql', '303_content.sql'])
  })

  test('is the one that narrows, not a later one that writes the same policies anew', async () => {
    const { named } = await causes(
      harmless(301),
      file('302_narrow.sql', 'alter policy "some" on public.notes using (id <= 4);'),
      file(
        '303_rewrite.sql',
        'drop policy "some" on public.notes; create policy "few" on public.notes for select to anon using (id < 5); alter table public.notes add column extra int;',
      ),
    )
    expect(named).toEqual(['access.rows-lost 302_narrow.sql'])
  })

  test('is the one that opens, where a later one takes only a part of it back', async () => {
    const { named } = await causes(
      file('301_open.sql', 'create policy "all" on public.notes for select to anon using (true);'),
      harmless(302),
      file('303_less.sql', 'alter policy "all" on public.notes using (id <= 20);'),
    )
    expect(named).toEqual(['access.rows-gained 301_open.sql'])
  })

  test('is nobody, where a later one takes all of it back: what the deploy ends with counts', async () => {
    const open = file('301_open.sql', 'create policy "all" on public.notes for select to anon using (true);')
    const close = file('302_close.sql', 'drop policy "all" on public.notes;')
    expect((await causes(open, close, harmless(303))).named).toEqual([])
  })

  describe('where one is done, undone and done again', () => {
    const opens = (number: number, rows = 'true') =>
      file(`${number}_open.sql`, `create policy "all" on public.notes for select to anon using (${rows});`)
    const closes = (number: number) => file(`${number}_close.sql`, 'drop policy "all" on public.notes;')

    test('is the one that did it last: the first had it taken back', async () => {
      expect((await causes(opens(301), closes(302), opens(303))).named).toEqual(['access.rows-gained 303_open.sql'])
      const { named } = await causes(harmless(301), opens(302), harmless(303), closes(304), opens(305), harmless(306))
      expect(named).toEqual(['access.rows-gained 305_open.sql'])
    })

    test('is both, where a part of what the first did was left', async () => {
      const { findings, named } = await causes(
        opens(301),
        file('302_less.sql', 'alter policy "all" on public.notes using (id <= 20);'),
        file('303_more.sql', 'alter policy "all" on public.notes using (true);'),
      )
      expect(named).toEqual(['access.rows-gained 301_open.sql', 'access.rows-gained 303_more.sql'])
      expect(findings.find(({ kind }) => kind === 'access.rows-gained')?.evidence[0]).toBe(
        'by 301_open.sql and 303_more.sql',
      )
    })

    test('is the last of those that delete the same rows', async () => {
      const { named } = await causes(
        file('301_delete.sql', 'delete from public.notes where id > 40;'),
        file('302_restore.sql', "insert into public.notes select n, 'note ' || n from generate_series(41, 50) n;"),
        file('303_delete.sql', 'delete from public.notes where id > 40;'),
      )
      expect(named).toEqual(['data.rows-deleted 303_delete.sql'])
    })
  })

  test('is not who does something else and undoes it', async () => {
    const opened = await causes(
      file('301_open.sql', 'create policy "more" on public.notes for select to anon using (id <= 20);'),
      file('302_all.sql', 'create policy "all" on public.notes for select to anon using (true);'),
      file('303_less.sql', 'drop policy "all" on public.notes;'),
    )
    expect(opened.named).toEqual(['access.rows-gained 301_open.sql'])
    const deleted = await causes(
      file('301_delete.sql', 'delete from public.notes where id > 40;'),
      file('302_more.sql', "insert into public.notes select n, 'x', now() from generate_series(60, 70) n;"),
      file('303_less.sql', 'delete from public.notes where id >= 60;'),
    )
    expect(deleted.named).toEqual(['data.rows-deleted 301_delete.sql'])
    const changed = await causes(
      file('301_change.sql', "update public.notes set body = 'gone' where id <= 10;"),
      file('302_other.sql', "update public.notes set body = 'other' where id in (5, 20);"),
      file(
        '303_back.sql',
        "update public.notes set body = case id when 5 then 'gone' else 'note 20' end where id in (5, 20);",
      ),
    )
    expect(changed.named).toEqual(['data.values-changed 301_change.sql'])
  })

  test('is found although a migration makes a role, which the whole cluster has by then', async () => {
    const { named } = await causes(
      file('301_role.sql', '-- who reads along\ncreate role auditor; grant select on public.notes to auditor;'),
      file('302_delete.sql', 'delete from public.notes where id > 40;'),
      harmless(303),
    )
    expect(named).toEqual(['data.rows-deleted 302_delete.sql'])
  })

  test('of rows that were added is told by the rows each one wrote', async () => {
    const { named } = await causes(
      harmless(301),
      file('302_add.sql', "insert into public.notes values (51, 'new', now());"),
    )
    expect(named).toEqual(['data.rows-inserted 302_add.sql'])
  })
})
