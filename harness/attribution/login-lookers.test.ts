import { afterAll, beforeAll, expect, test } from 'vitest'
import { cloner } from '../clones.ts'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { logUsersIn } from '../login-stage.ts'
import { applyMigrations } from '../migrations/apply.ts'
import { splitSql } from '../migrations/split.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { makeProject, userId } from '../snapshot/access/test-project.ts'
import { compareLogins } from '../snapshot/logins/compare.ts'
import { takeLogins } from '../snapshot/logins/take.ts'
import { attribute } from './attribute.ts'

const { signal } = new AbortController()
const clone = cloner()
let cluster: Cluster
let before: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 6 })
})
afterAll(() => cluster.stop())

function file(name: string, sql: string) {
  const { statements } = splitSql(sql)
  return { name, path: `/migrations/${name}`, version: name.slice(0, 3), sql, sha256: name, statements }
}

test('who lost a login by a ban and who by a trigger is told apart, each with its migration', async () => {
  const pending = [
    file('301_note.sql', `comment on table public.tasks is 'to do'`),
    file('302_ban.sql', `update auth.users set banned_until = now() + interval '1 day' where id = '${userId(5)}'`),
    file(
      '303_visits.sql',
      `create function public.note_visit() returns trigger language plpgsql as $$ begin
         if new.raw_app_meta_data ->> 'provider' = 'google' then raise exception 'no'; end if; return new; end $$;
       create trigger note_visit after insert on auth.users for each row execute function public.note_visit();
       create trigger note_login before update on auth.users for each row execute function public.note_visit()`,
    ),
  ]
  await using after = await clone(before)
  const { migrations: applied } = await applyMigrations(after, pending, { signal })
  expect(applied.map(({ status }) => status)).toEqual(['applied', 'applied', 'applied'])
  const inputs = { canaries: [], options: { seed: 1, config: {} } } as unknown as Parameters<typeof logUsersIn>[1]
  const { evidence, differing } = await logUsersIn({ before, after }, inputs, { clone, signal })
  const read = compareLogins(await takeLogins(before), await takeLogins(after))
  const found = await attribute([...read.findings, ...evidence.findings], {
    before,
    after,
    pending,
    applied,
    access: undefined,
    logins: differing,
    record: false,
    clone,
    signal,
  })
  const named = found.map(({ columns = [], title, migration }) => `${columns.join()} ${title} ${migration}`)
  expect(named.filter((one) => one.startsWith('banned_until'))).toEqual([
    'banned_until 1 user is now banned. 302_ban.sql',
  ])
  const byTrigger = named.filter((one) => one.includes('(unexpected_failure)'))
  expect(byTrigger.length).toBeGreaterThan(0)
  expect(byTrigger.some((one) => one.endsWith(' 303_visits.sql'))).toBe(true)
  expect(differing.users.map(({ id }) => id)).toContain(userId(3))
})
