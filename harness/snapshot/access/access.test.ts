import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { pickIdentities } from '../identities.ts'
import { compareAccess } from './compare.ts'
import { takeAccessDifferences } from './differences.ts'
import type { AccessFacts } from './facts.ts'
import { takeAccess } from './take.ts'
import { harmful, harmless } from './test-migrations.ts'
import { administer, migrate } from './test-project.ts'
import { type AccessProject, accessProject } from './test-rehearsal.ts'

let cluster: Cluster
let project: AccessProject

beforeAll(async () => {
  cluster = await startTestCluster()
  const before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  project = await accessProject(
    before,
    `create view public.member_counts with (security_invoker = true) as select event_id as id, count(*) as members from public.event_user_roles group by 1;
     create schema vault_of_app; create table vault_of_app.payouts as select id from public.events`,
  )
})
afterAll(() => cluster.stop())

const rehearse = (sql: string) => project.rehearse(sql)

/** `kind object role` of the findings that block by themselves. */
async function blocking(sql: string): Promise<string[]> {
  const { findings } = await rehearse(sql)
  expect(JSON.stringify(findings)).not.toMatch(/@|Somebody|Message \d/)
  return findings
    .filter(({ severity }) => severity === undefined)
    .map(({ kind, object, role, columns }) => [kind, object, role, ...(columns ?? [])].join(' '))
}

describe('row sets', () => {
  test('the same database gives no finding, and says how much was asked', async () => {
    const { findings, checks } = await rehearse('select 1')
    expect(findings).toEqual([])
    expect(checks).toMatchObject([
      { id: 'access.row-sets', status: 'passed', required: true, numbers: { identities: 14 } },
    ])
    expect(project.facts.probes.every(({ outcome }) => outcome.state === 'read')).toBe(true)
  })

  // Cases of one round concern different tables, roles or commands, so that each finding has one cause: a round costs a second.
  test.each(harmful)('%s: each blocks', async (_, cases) => {
    const found = await blocking(cases.map(([, sql]) => sql).join(';\n'))
    expect(found).toEqual(cases.flatMap(([, , expected]) => expected).toSorted())
  })

  test.each(harmless)('%s: none is a finding', async (_, cases) => {
    expect(await blocking(cases.map(([, sql]) => sql).join(';\n'))).toEqual([])
  })

  test('a policy that asked for user_metadata before, and still does, is no news', () => {
    const policies = project.facts.policies.map((policy) => ({ ...policy, asksUserMetadata: true }))
    const was = { ...project.facts, policies }
    const is = { ...was, policies: policies.map((policy) => ({ ...policy, name: `${policy.name}, renamed` })) }
    const kinds = compareAccess(was, is, []).findings.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind.endsWith('-gained'))).toEqual([])
    expect(compareAccess(project.facts, is, []).findings.map(({ kind }) => kind)).toContain('access.rows-gained')
  })

  test('a new table that shows copied rows is a warning, without row security and behind a policy for everyone', async () => {
    const { findings } = await rehearse(
      `create table public.bare as select * from public.access_codes; revoke all on public.bare from anon, authenticated; grant select on public.bare to authenticated;
       create table public.open as select * from public.access_codes; alter table public.open enable row level security; create policy p on public.open for select using (true)`,
    )
    expect(findings).toMatchObject([
      { kind: 'access.rls-disabled', object: 'public.bare', severity: 'warning' },
      { kind: 'access.rows-gained', object: 'public.open', severity: 'warning' },
    ])
  })

  test('a probe that runs out of time on both sides leaves the check not run', async () => {
    const slow = {
      ...project.facts,
      probes: project.facts.probes.map((probe) => ({
        ...probe,
        outcome: { state: 'failed' as const, sqlstate: '57014' },
        milliseconds: 5_000,
      })),
    }
    const { checks, findings } = compareAccess(slow, slow, [])
    expect(findings.filter(({ severity }) => severity === undefined)).toEqual([])
    expect(checks).toMatchObject([{ status: 'not run', reason: expect.stringContaining('ran out of time') }])
  })

  test('a probe that runs out of time before is not taken for one that saw nothing, one that fails is', async () => {
    const { before: database, facts } = project
    const failed = (sqlstate: string) => ({
      ...facts,
      probes: facts.probes.map((probe) => ({ ...probe, outcome: { state: 'failed' as const, sqlstate } })),
    })
    const compared = async (sqlstate: string) => {
      const was = failed(sqlstate)
      const differences = await takeAccessDifferences({ database, facts: was }, { database, facts })
      const { findings, checks } = compareAccess(was, facts, differences)
      return { kinds: new Set(findings.map(({ kind }) => kind)), status: checks[0]?.status }
    }
    const outOfTime = await compared('57014')
    expect(outOfTime.kinds).not.toContain('access.rows-gained')
    expect(outOfTime.status).toBe('not run')
    expect((await compared('42P17')).kinds).toContain('access.rows-gained')
  })
})

describe('odd databases', () => {
  test('a read that runs out of time gets more of it, unless it was quick before', async () => {
    await using slow = await project.before.clone('slow')
    await administer(
      slow,
      `create table public.notes (id int primary key); insert into public.notes values (1); grant select on public.notes to authenticated;
       alter table public.notes enable row level security;
       create function public.wait() returns boolean language plpgsql stable as $$ begin perform pg_sleep(0.9); return true; end $$;
       create policy waits on public.notes for select to authenticated using ((select public.wait()))`,
    )
    const identities = project.facts.identities.filter(({ role }) => role === 'authenticated').slice(0, 2)
    const only = new Set(['public.notes'])
    const states = ({ probes }: AccessFacts) =>
      probes.map(({ outcome }) => (outcome.state === 'failed' ? outcome.sqlstate : outcome.state))
    const patient = await takeAccess(slow, identities, { only, probeTimeout: 500 })
    expect(states(patient)).toEqual(['read', 'read'])
    const quick = { ...patient, probes: patient.probes.map((probe) => ({ ...probe, milliseconds: 10 })) }
    expect(states(await takeAccess(slow, identities, { only, probeTimeout: 500, like: quick }))).toEqual([
      '57014',
      '57014',
    ])
    expect(states(await takeAccess(slow, identities, { only, probeTimeout: 500, like: patient }))).toEqual([
      'read',
      'read',
    ])
    expect(states(await takeAccess(slow, identities, { only, probeTimeout: 150 }))).toEqual(['57014', '57014'])
  })

  test('no key, 300 columns, a raising policy, an unknown role and no users are all compared', async () => {
    const columns = Array.from({ length: 300 }, (_, index) => `c${index} int`).join(', ')
    await using odd = await project.before.clone('odd')
    await administer(
      odd,
      `create table public.keyless (a int, b json); insert into public.keyless values (1, '{}'), (1, '{}'), (null, null);
       create table public.wide (${columns}); insert into public.wide (c0) values (1);
       create table public.raising (id int primary key); alter table public.raising enable row level security;
       create function public.raise() returns boolean language plpgsql as $$ begin raise exception 'secret'; end $$;
       create policy raising on public.raising for select using (public.raise()); insert into public.raising values (1);
       create table public."Odd; name" (id text primary key); insert into public."Odd; name" values ('''; drop table x; --');
       grant all on all tables in schema public to anon, authenticated, service_role;
       update auth.users set role = 'nobody''; drop' where id = (select min(id::text)::uuid from auth.users)`,
    )
    const picked = await pickIdentities(odd, { seed: 1, maxUsers: 200, usersPerKind: 50 })
    const some = [...picked.slice(0, 4), ...picked.filter(({ role }) => role.startsWith('nobody'))]
    const was = await takeAccess(odd, some)
    await using after = await odd.clone('after')
    await migrate(after, `revoke select on public.vendors from anon`)
    const is = await takeAccess(after, some, { like: was })
    const differences = await takeAccessDifferences({ database: odd, facts: was }, { database: after, facts: is })
    const { findings, checks } = compareAccess(was, is, differences)
    const blocks = findings.filter(({ severity }) => severity === undefined)
    expect(blocks.map(({ kind, object }) => `${kind} ${object}`)).toEqual(['access.rows-lost public.vendors'])
    expect(checks[0]?.numbers?.failingOnBothSides).toBeGreaterThan(3)
    expect(JSON.stringify([findings, checks])).not.toContain('secret')
  })
})
