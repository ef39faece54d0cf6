import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../../database/engine.ts'
import { startTestCluster } from '../../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../../platform/prepare.ts'
import { type Identity, pickIdentities } from '../../identities.ts'
import type { AccessFacts } from '../facts.ts'
import { takeAccess } from '../take.ts'
import { administer, makeProject, migrate, plannerContracts } from '../test-project.ts'
import { compareWrites } from './compare-writes.ts'
import { tryWrites } from './try-writes.ts'

let cluster: Cluster
let before: Database
let identities: Identity[]
let facts: AccessFacts
let written: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 30 })
  await administer(
    before,
    `create function public.locked() returns trigger language plpgsql as $$ begin raise 'locked'; end $$;
     create trigger locked before delete on public.event_user_roles for each row execute function public.locked();
     create function public.dice() returns trigger language plpgsql as $$ begin if random() < 0.5 then raise 'no luck'; end if; return new; end $$;
     create trigger dice before update on public.events for each row execute function public.dice();
     create table public."Odd ""log""" ("Key" text, "a b" int, always int generated always as (1) stored);
     insert into public."Odd ""log""" values ('x'';--', 1), ('x'';--', 1), (null, 2);
     grant all on public."Odd ""log""" to anon, authenticated, service_role;
     create view public.my_tasks as select id, title from public.tasks; grant all on public.my_tasks to service_role;
     alter view public.my_tasks owner to postgres; revoke all on public.my_tasks from anon, authenticated`,
  )
  identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 12 })
  facts = await takeAccess(before, identities)
  written = await before.clone('written')
})
afterAll(() => cluster.stop())

async function rehearse(sql: string) {
  await using after = await before.clone('after')
  await migrate(after, sql)
  const now = await takeAccess(after, identities, { like: facts })
  await using is = await after.clone('is')
  const tried = await tryWrites({ database: written, facts }, { database: is, facts: now })
  return compareWrites(now, tried)
}

async function found(sql: string): Promise<string[]> {
  const { findings } = await rehearse(sql)
  expect(JSON.stringify(findings)).not.toMatch(/@|Somebody|Message \d|secret/)
  return findings.map(({ kind, object, role }) => `${kind} ${object} ${role}`)
}

const swallow = (result: string) =>
  `create function public.swallow() returns trigger language plpgsql as $$ begin ${result} end $$;`

describe('writes tried for real', () => {
  test('the same database gives no finding, and says how much was tried', async () => {
    const { findings, checks } = await rehearse('select 1')
    expect(findings).toEqual([])
    expect(checks).toMatchObject([{ id: 'access.writes', status: 'passed', required: true }])
    expect(checks[0]?.numbers?.writesAccepted).toBeGreaterThan(50)
    expect(checks[0]?.summary).toMatch(/writes of \d+ sampled users, anon and service_role/)
  })

  const harmful: readonly (readonly [string, string, string])[] = [
    [
      'a trigger that swallows inserts',
      `${swallow('return null;')} create trigger swallow before insert on public.chat_messages for each row execute function public.swallow()`,
      'access.write-lost public.chat_messages authenticated',
    ],
    [
      'a trigger that raises',
      `${swallow("raise 'secret';")} create trigger swallow before update on public.profiles for each row execute function public.swallow()`,
      'access.write-lost public.profiles authenticated',
    ],
    [
      'a constraint trigger at the end of the transaction',
      `${swallow("raise 'secret';")} create constraint trigger swallow after update on public.profiles deferrable initially deferred for each row execute function public.swallow()`,
      'access.write-lost public.profiles authenticated',
    ],
    [
      'a trigger that writes where the user may not',
      `create table public.audit (what text); revoke all on public.audit from authenticated;
       ${swallow("insert into public.audit values ('x'); return new;")} create trigger swallow before update on public.profiles for each row execute function public.swallow()`,
      'access.write-lost public.profiles authenticated',
    ],
    [
      'a check that refuses what is there',
      'alter table public.tasks add constraint short check (length(title) < 2) not valid',
      'access.write-lost public.tasks authenticated',
    ],
    [
      'a column that must be given and has no default',
      'alter table public.tasks add column kind text; update public.tasks set kind = title; alter table public.tasks alter kind set not null',
      'access.write-lost public.tasks authenticated',
    ],
    [
      'a column that may no longer be written',
      'revoke update on public.profiles from authenticated; grant update (full_name) on public.profiles to authenticated',
      'access.write-lost public.profiles authenticated',
    ],
    [
      'a view that can no longer be written',
      'create or replace view public.my_tasks as select distinct id, title from public.tasks',
      'access.write-lost public.my_tasks service_role',
    ],
    [
      'a lock that is gone',
      'drop trigger locked on public.event_user_roles',
      'access.write-gained public.event_user_roles authenticated',
    ],
  ]

  // Those of different tables together: each rehearsal costs a second.
  test.each([
    'swallows inserts; a trigger that raises; refuses what is there; a view; a lock',
    'a constraint trigger; must be given',
    'where the user may not',
    'no longer be written',
  ])('blocks: %s', async (names) => {
    const words = names.split('; ')
    const cases = harmful.filter(([name]) => words.some((word) => name.includes(word)))
    const seen = await found(cases.map(([, sql]) => sql.replaceAll('swallow', `swallow_${sql.length}`)).join(';\n'))
    for (const [name, , expected] of cases) expect(seen, name).toContain(expected)
  })

  const harmless: readonly (readonly [string, string])[] = [
    [
      'a trigger that stamps the row',
      `alter table public.chat_messages add column at timestamptz; ${swallow('new.at := now(); return new;')} create trigger swallow before insert or update on public.chat_messages for each row execute function public.swallow()`,
    ],
    [
      'a trigger that writes a log with its owner’s rights',
      `create table public.audit (what text); revoke all on public.audit from authenticated;
       create function public.log() returns trigger language plpgsql security definer as $$ begin insert into public.audit values ('x'); return new; end $$;
       create trigger log before update on public.profiles for each row execute function public.log()`,
    ],
    ['a check that every row passes', `alter table public.tasks add constraint named check (title <> '')`],
    ['a required column with a default', `alter table public.tasks add column kind text not null default 'todo'`],
    ['a renamed trigger', 'alter trigger profiles_touch on public.profiles rename to touch'],
    ['rows that are gone', 'delete from public.tasks where id % 2 = 0'],
    [
      'an insert policy written anew',
      `alter policy "members write chat" on public.chat_messages with check ((select auth.uid()) = user_id and (public.is_event_owner(event_id) or public.event_role_of(event_id) is not null))`,
    ],
    ['a dropped column', 'alter table public.tasks drop column remind_at'],
  ]

  test(`is no finding: ${harmless.map(([name]) => name).join(', ')}`, async () => {
    expect(await found(harmless.map(([, sql]) => sql).join(';\n'))).toEqual([])
  })

  test('the finding says what happens, and to whom', async () => {
    const { findings } = await rehearse(
      `${swallow('return null;')} create trigger swallow before insert on public.chat_messages for each row execute function public.swallow()`,
    )
    expect(findings.find(({ role }) => role === 'authenticated')).toMatchObject({
      title: expect.stringMatching(
        / can no longer insert their rows of public.chat_messages \(\d+ of \d+ users who tried\): it was tried for real\.$/,
      ),
      evidence: expect.arrayContaining([expect.stringMatching(/^insert: no row is written and no error is raised/)]),
    })
  })
})
