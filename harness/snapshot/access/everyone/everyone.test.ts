import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { attribute } from '../../../attribution/attribute.ts'
import { cloner } from '../../../clones.ts'
import type { Cluster, Database } from '../../../database/engine.ts'
import { startTestCluster } from '../../../database/test-cluster.ts'
import { splitSql } from '../../../migrations/split.ts'
import type { Finding } from '../../../model/finding.ts'
import { preparePlatformSchemas } from '../../../platform/prepare.ts'
import { pickIdentities } from '../../identities.ts'
import { compareAccess } from '../compare.ts'
import { takeAccessDifferences } from '../differences.ts'
import type { AccessFacts } from '../facts.ts'
import { takeAccess } from '../take.ts'
import { makeProject, migrate, plannerContracts, userId } from '../test-project.ts'
import type * as Branches from './branches.ts'
import { takeEveryone } from './take.ts'
import { confirmed, tellEveryone } from './tell.ts'
import { askWitnesses } from './witnesses.ts'

let cluster: Cluster
let before: Database
let sampled: AccessFacts

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 60 })
  const identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 5 })
  sampled = await takeAccess(before, identities)
})
afterAll(() => cluster.stop())

async function rehearse(sql: string, keep?: 'kept') {
  const after = await before.clone('after')
  await migrate(after, sql)
  const now = await takeAccess(after, sampled.identities, { like: sampled })
  const sides = { before, after, was: sampled, is: now }
  const all = await takeEveryone(sides)
  const { was, is } = await askWitnesses(sides, all)
  const differences = await takeAccessDifferences({ database: before, facts: was }, { database: after, facts: is })
  const everyone = confirmed(all, differences)
  if (keep === undefined) await after.drop()
  return {
    everyone,
    was,
    after,
    ...tellEveryone(compareAccess(was, is, differences), everyone, sampled.identities.length - 2),
  }
}

/** `kind object: title` of the findings that block by themselves. */
function blocking(findings: readonly Finding[]): string[] {
  expect(JSON.stringify(findings)).not.toMatch(/@|Somebody|Message \d/)
  return findings.filter(({ severity }) => severity === undefined).map(({ kind, title }) => `${kind}: ${title}`)
}

/** A user whom nobody sampled. */
function unsampled(): string {
  const ids = Array.from({ length: 60 }, (_, n) => userId(n + 1))
  return ids.find((id) => sampled.identities.every(({ userId: asked }) => asked !== id)) ?? ''
}

describe('all users at once', () => {
  test('agree with the sampled users at every table, and a rewritten set of policies shows who gained', async () => {
    const migration = new URL('../../../../fixtures/planner/migrations/204_update_rls_policies.sql', import.meta.url)
    const { everyone, findings, checks } = await rehearse(await readFile(migration, 'utf8'))
    expect(everyone.users).toBe(60)
    expect(everyone.tables.filter(({ refused }) => Object.keys(refused).length > 0)).toEqual([])
    expect(blocking(findings)).toEqual([
      'access.rows-gained: Authenticated users gained 59 rows of public.profiles (60 of all 60 users).',
    ])
    expect(checks).toContainEqual(
      expect.objectContaining({
        id: 'access.everyone',
        status: 'failed',
        summary: expect.stringMatching(/^Compared for all 60 users at (\d+) of \1 tables and views\.$/),
      }),
    )
  })

  test('one user whom nobody sampled and who sees more is found', async () => {
    const { findings } = await rehearse(
      `alter policy "own profile" on public.profiles using (id = (select auth.uid()) or (select auth.uid()) = '${unsampled()}')`,
    )
    expect(blocking(findings)).toEqual([
      'access.rows-gained: Authenticated users gained 58 rows of public.profiles (1 of all 60 users).',
    ])
  })

  test('one user whom nobody sampled and who sees less is found, and can do less', async () => {
    const { findings } = await rehearse(
      `create policy "not him" on public.chat_messages as restrictive to authenticated using ((select auth.uid()) is distinct from '${unsampled()}')`,
    )
    expect(blocking(findings)).toEqual([
      expect.stringMatching(/^access.rows-lost: .*public.chat_messages \(1 of all 60 users\)\.$/),
    ])
  })

  test('a policy on the user alone that nobody newly meets is silent', async () => {
    const { findings } = await rehearse(
      `alter policy "own profile" on public.profiles using (id = (select auth.uid()) or (select auth.uid()) = '${userId(999)}')`,
    )
    expect(blocking(findings)).toEqual([])
  })

  test.each([
    [
      'an EXISTS written as IN',
      `alter policy "members see events" on public.events using (owner_id = (select auth.uid())
        or id in (select event_id from public.event_user_roles where user_id = (select auth.uid())))`,
    ],
    [
      'a helper of SQL written as PL/pgSQL',
      `create or replace function public.is_event_owner(event uuid) returns boolean language plpgsql stable security definer set search_path = '' as $$
        declare whose uuid; begin select owner_id into whose from public.events where id = event; return whose = auth.uid(); end $$`,
    ],
    [
      'a helper that is called as each user, since it cannot be seen into',
      `create function public.mine() returns uuid[] language plpgsql stable security definer set search_path = '' as $$
        begin return array(select id from public.events where owner_id = auth.uid()); exception when others then return '{}'; end $$;
       alter policy "owners see access codes" on public.access_codes using (event_id = any ((select public.mine())::uuid[]))`,
    ],
  ])('%s is silent', async (_, sql) => {
    const { everyone, findings } = await rehearse(sql)
    expect(everyone.tables.filter(({ refused }) => Object.keys(refused).length > 0)).toEqual([])
    expect(blocking(findings)).toEqual([])
  })

  test('what cannot be told for all users is refused with its reason, table by table', async () => {
    const { everyone, checks } = await rehearse(
      `create function public.slow(event uuid) returns boolean language plpgsql stable as $$
        begin for i in 1..2 loop if event is null then return false; end if; end loop; return true; end $$;
       alter policy "members see tasks" on public.tasks using (public.slow(event_id));
       alter policy "vendors are public" on public.vendors using (random() < 2);
       create policy "odd" on public.access_visits for select to authenticated using (visited_at < clock_timestamp())`,
    )
    const refused = everyone.tables.filter((table) => table.refused.seen !== undefined)
    expect(refused.map(({ relation, refused: why }) => `${relation}: ${why.seen}`)).toEqual([
      'public.access_visits: it calls clock_timestamp, which may answer otherwise each time',
      'public.tasks: it calls public.slow for each row, whose body is not one query',
      'public.vendors: it calls random, which may answer otherwise each time',
    ])
    expect(checks.find(({ id }) => id === 'access.everyone')?.summary).toMatch(
      /^Compared for all 60 users at \d+ of \d+ tables and views, 5 sampled users at the rest \(public\.access_visits: it calls/,
    )
  })

  test('a way of writing policies out that loses something is caught by the sampled users, and nothing is told of that table', async () => {
    vi.resetModules()
    vi.doMock('./branches.ts', async (original) => {
      const real = await original<typeof Branches>()
      return {
        ...real,
        branchesOf: (...args: Parameters<typeof Branches.branchesOf>) => real.branchesOf(...args).slice(1),
      }
    })
    const { takeEveryone: sabotaged } = await import('./take.ts')
    const { tables } = await sabotaged({ before, after: before, was: sampled, is: sampled })
    vi.doUnmock('./branches.ts')
    const events = tables.find(({ relation }) => relation === 'public.events')
    expect(events).toMatchObject({ exhaustive: [], changes: [] })
    expect(events?.refused.seen).toMatch(/differs from what a sampled user is shown/)
  })

  test('the migration that harms one unsampled user is named, since that user is asked again', async () => {
    const pending = [
      "comment on table public.tasks is 'to do'",
      `alter policy "own profile" on public.profiles using (id = (select auth.uid()) or (select auth.uid()) = '${unsampled()}')`,
    ].map((sql, index) => {
      const name = `30${index}_x.sql`
      return {
        name,
        path: `/m/${name}`,
        version: `30${index}`,
        sql,
        sha256: name,
        statements: splitSql(sql).statements,
      }
    })
    const { findings, was, after } = await rehearse(pending.map(({ sql }) => sql).join(';'), 'kept')
    await using migrated = after
    const clone = cloner('cause')
    const { signal } = new AbortController()
    const sides = { before, after: migrated }
    const named = await attribute(findings, {
      ...sides,
      pending,
      applied: [],
      access: was,
      record: false,
      clone,
      signal,
    })
    expect(
      named.filter(({ severity }) => severity === undefined).map(({ kind, migration }) => [kind, migration]),
    ).toEqual([['access.rows-gained', '301_x.sql']])
  })
})
