import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { compareAccess } from './compare.ts'
import { takeAccessDifferences } from './differences.ts'
import { setsOf } from './facts.ts'
import { rowParts } from './row-sample.ts'
import { takeAccess } from './take.ts'
import { migrate } from './test-project.ts'
import { type AccessProject, accessProject } from './test-rehearsal.ts'

let cluster: Cluster
let project: AccessProject

beforeAll(async () => {
  cluster = await startTestCluster()
  const before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  project = await accessProject(before, 'select 1')
})
afterAll(() => cluster.stop())

describe('what a finding says', () => {
  test('a finding counts rows and users, names no address, and can be repeated as it stands', async () => {
    const sql = `alter policy "own profile" on public.profiles using (true); alter policy "edit own profile" on public.profiles using (true) with check (true);
      create policy wipe on public.tasks for delete to authenticated using (true); create policy fill on public.vendors for insert to authenticated with check (true)`
    const { findings } = await project.rehearse(sql)
    const gained = findings.find(({ kind }) => kind === 'access.rows-gained')
    expect(gained?.title).toMatch(
      /^Authenticated users gained 39 rows of public.profiles \(12 of 12 sampled users\)\.$/,
    )
    await using after = await project.before.clone('after')
    await migrate(after, sql)
    await using session = await after.connect()
    const repeats = findings.flatMap(({ evidence }) => evidence.filter((line) => line.startsWith('To repeat: ')))
    expect(repeats.length).toBeGreaterThanOrEqual(4)
    const results: unknown[] = []
    for (const repeat of repeats) results.push(await session.query(repeat.slice('To repeat: '.length)))
    expect(JSON.stringify(results)).toContain('"count":"39"')
    expect(JSON.stringify(results)).toContain('"command":"DELETE","rowCount":120')
  })

  test('who is concerned is said by what they have in common', async () => {
    const { findings } = await project.rehearse(
      `alter policy "members read chat" on public.chat_messages using (public.event_role_of(event_id) in ('admin', 'editor') or public.is_event_owner(event_id))`,
    )
    expect(findings.find(({ kind }) => kind === 'access.rows-lost')?.title).toMatch(
      /^Viewers of an event lost \d+ rows of public.chat_messages \(\d+ of \d+ sampled users\)\.$/,
    )
  })

  test('of more rows than are read one by one only those of differing buckets are, and a part is called a part', async () => {
    const widened = `alter policy "own profile" on public.profiles using (true)`
    const { findings } = await project.rehearse(widened, { rowsRead: 20 })
    expect(findings.find(({ kind }) => kind === 'access.rows-gained')?.title).toMatch(
      /gained at least \d\d rows of public.profiles/,
    )
    const one = await project.rehearse(
      `alter policy "vendors are public" on public.vendors using (name <> 'Vendor 3')`,
      { rowsRead: 4 },
    )
    expect(one.findings.map(({ title }) => title)).toContain('anon lost 1 row of public.vendors.')
    const inserted = await project.rehearse(
      `insert into public.vendors (name) select 'New ' || n from generate_series(1, 50) n`,
      { rowsRead: 8 },
    )
    expect(inserted.checks).toMatchObject([
      { status: 'not run', reason: expect.stringContaining('public.vendors differ') },
    ])
  })

  test('coverage: policies that nobody puts to the proof are named, as a warning where the migrations touch them', async () => {
    const { findings, checks } = await project.rehearse(
      `create table public.reports (id int primary key, owner uuid); alter table public.reports enable row level security;
       create policy "own reports" on public.reports for select to authenticated using (owner = auth.uid());
       alter policy "admins invite" on public.invitations with check (public.is_event_owner(event_id))`,
    )
    const said = findings.filter(({ kind }) => kind === 'access.policy-unexercised')
    expect(said.map(({ kind, object, severity }) => `${kind} ${object} ${severity}`)).toContain(
      'access.policy-unexercised public.reports warning',
    )
    expect(said.find(({ object }) => object === 'public.reports')?.evidence).toEqual([
      '"own reports", for select: its table has no rows',
    ])
    expect(checks[0]?.summary).toMatch(/\d+ of 19 policies both let somebody through and refused somebody, not /)
  })

  test('coverage: a policy that lets somebody through and refuses somebody is not named, though the migrations touch it', async () => {
    const { findings } = await project.rehearse(
      `alter policy "own profile" on public.profiles using ((select auth.uid()) = id)`,
    )
    const said = findings.filter(({ kind, severity }) => kind === 'access.policy-unexercised' && severity === 'warning')
    expect(said).toEqual([])
    expect(findings.flatMap(({ evidence }) => evidence).join()).not.toContain('"own profile"')
  })

  test('where policies are costly the other users are asked about their own rows and some of everybody’s', async () => {
    await using session = await project.before.connect({ readOnly: true })
    const tables = project.facts.relations.filter(({ name }) =>
      ['public.tasks', 'public.profiles', 'public.event_vendors'].includes(name),
    )
    const parts = await rowParts(session, tables, project.identities)
    expect([...parts.keys()].sort()).toEqual(tables.map(({ name }) => name))
    const users = project.identities.filter(({ userId }) => userId).length
    for (const table of tables) {
      const mine = [...(parts.get(table.name)?.values() ?? [])]
      expect(mine).toHaveLength(users)
      expect(Math.max(...mine.map(({ rows }) => rows))).toBeLessThanOrEqual(24)
    }
    const facts = {
      ...project.facts,
      probes: project.facts.probes.flatMap((probe) => {
        const only = parts.get(probe.relation)?.get(probe.identity)
        return only ? [{ ...probe, only }] : []
      }),
    }
    const was = await takeAccess(project.before, project.identities, { like: facts })
    await using after = await project.before.clone('after')
    await migrate(
      after,
      `drop policy "members see tasks" on public.tasks; drop policy "editors change tasks" on public.tasks`,
    )
    const is = await takeAccess(after, project.identities, { like: was })
    const differences = await takeAccessDifferences(
      { database: project.before, facts: was },
      { database: after, facts: is },
    )
    const { findings } = compareAccess(was, is, differences)
    // Their own rows are among those asked about: whoever saw a task lost it.
    const losing = was.probes.filter(
      ({ relation, only, outcome }) => relation === 'public.tasks' && only && setsOf(outcome).seen.count > 0,
    ).length
    expect(losing).toBeGreaterThan(8)
    const lost = findings.find(({ kind }) => kind === 'access.rows-lost')
    expect(lost?.title).toContain(`(${losing} of `)
    expect(JSON.stringify(findings)).not.toContain('" in (')
  })
})
