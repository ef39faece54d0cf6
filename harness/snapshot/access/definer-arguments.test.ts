import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { type Identity, pickIdentities } from '../identities.ts'
import { lookAtDefiners } from './look-at-definers.ts'
import { makeProject, migrate, plannerContracts } from './test-project.ts'

let cluster: Cluster
let before: Database
let identities: Identity[]

const isMember = `(public.event_role_of(e.id) is not null or public.is_event_owner(e.id))`

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 40 })
  await migrate(
    before,
    `${define('old_event(p_event_id uuid)', 'setof public.events', `select e.* from public.events e where e.id = p_event_id and ${isMember}`)};
     ${define('title_of(event_id uuid)', 'text', 'select e.title from public.events e where e.id = title_of.event_id')};`,
  )
  identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 12 })
})
afterAll(() => cluster.stop())

function define(head: string, returns: string, body: string, language = 'sql'): string {
  return `create or replace function public.${head} returns ${returns} language ${language} stable security definer set search_path = '' as $$ ${body} $$`
}

async function rehearse(sql: string) {
  await using after = await before.clone('after')
  await migrate(after, sql)
  const { findings, checks } = await lookAtDefiners(before, after, identities)
  expect(JSON.stringify(findings)).not.toMatch(/@|CODE\d|Somebody|Event \d|0000-4000/)
  const [check] = checks
  return {
    found: findings.map(({ object, role, severity }) => `${severity ?? 'blocking'} ${object.slice(7)} ${role}`),
    numbers: check?.numbers,
    findings,
  }
}

const harmful: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'an event by its id',
    define('get_event(p_event_id uuid)', 'setof public.events', 'select * from public.events where id = p_event_id'),
    ['blocking get_event anon', 'blocking get_event authenticated'],
  ],
  [
    'an event as JSON, by an argument called id',
    define('the_event(id uuid)', 'jsonb', 'select to_jsonb(e) from public.events e where e.id = the_event.id'),
    ['blocking the_event anon', 'blocking the_event authenticated'],
  ],
  [
    'the address of any user',
    define('email_of(uid uuid)', 'text', 'select email from auth.users where id = uid'),
    ['blocking email_of anon', 'blocking email_of authenticated'],
  ],
  [
    'profiles by a list of ids, with a limit',
    define(
      'people(profile_ids uuid[], max_rows int)',
      'setof public.profiles',
      'select * from public.profiles where id = any (profile_ids) limit max_rows',
    ),
    ['blocking people anon', 'blocking people authenticated'],
  ],
  [
    'tasks by numbers',
    define(
      'get_task(_task_id bigint, _verbose boolean default false)',
      'table (title text, event uuid)',
      'select t.title, t.event_id from public.tasks t where t.id = _task_id',
    ),
    ['blocking get_task anon', 'blocking get_task authenticated'],
  ],
  [
    'one that lost its check',
    define('old_event(p_event_id uuid)', 'setof public.events', 'select * from public.events where id = p_event_id'),
    ['blocking old_event anon', 'blocking old_event authenticated'],
  ],
  [
    'whether there are rows, or how many',
    define(
      'task_count(event_id uuid)',
      'bigint',
      'select count(*) from public.tasks t where t.event_id = task_count.event_id',
    ),
    ['warning task_count anon', 'warning task_count authenticated'],
  ],
  [
    'what a code opens',
    define('by_code(p_code text)', 'setof uuid', 'select event_id from public.access_codes where code = p_code'),
    ['warning by_code anon', 'warning by_code authenticated'],
  ],
]

test(`told to whom row security does not show it: ${harmful.map(([name]) => name).join('; ')}`, async () => {
  const { found } = await rehearse(harmful.map(([, sql]) => sql).join(';\n'))
  expect(found.toSorted()).toEqual(harmful.flatMap(([, , expected]) => expected).toSorted())
})

const harmless: readonly (readonly [string, string])[] = [
  [
    'with a membership check',
    define(
      'get_event(p_event_id uuid)',
      'setof public.events',
      `select e.* from public.events e where e.id = p_event_id and ${isMember}`,
    ),
  ],
  [
    'that refuses others',
    define(
      'the_event(event uuid)',
      'public.events',
      `declare found public.events; begin select e.* into found from public.events e where e.id = event and ${isMember};
       if found.id is null then raise exception 'not for you: %', event; end if; return found; end`,
      'plpgsql',
    ),
  ],
  [
    'that answers others with the id they gave and an error',
    define(
      'one_event(p_event_id uuid)',
      'jsonb',
      `select coalesce((select jsonb_build_object('title', e.title) from public.events e where e.id = p_event_id and ${isMember}), jsonb_build_object('error', 'not found', 'id', p_event_id))`,
    ),
  ],
  [
    'that shows what the policies show',
    define(
      'vendor_of(p_vendor_id uuid)',
      'setof public.vendors',
      'select * from public.vendors where id = p_vendor_id',
    ),
  ],
  [
    'whose rows all name the caller or an event of his',
    define(
      'events_with(p_user_id uuid)',
      'setof public.events',
      `select e.* from public.events e join public.event_user_roles r on r.event_id = e.id where r.user_id = p_user_id and ${isMember}`,
    ),
  ],
  [
    'written anew that tells what it told',
    define(
      'title_of(event_id uuid)',
      'text',
      'select title from public.events e where e.id = title_of.event_id limit 1',
    ),
  ],
]

test(`is no finding: a function ${harmless.map(([name]) => name).join(', ')}`, async () => {
  const { found, numbers } = await rehearse(harmless.map(([, sql]) => sql).join(';\n'))
  expect(found).toEqual([])
  expect(numbers).toMatchObject({ functionsCalledWithIds: harmless.length, functionsNotTried: 0 })
})

test('what writes, has arguments without names, or tells nobody anything was not tried', async () => {
  const sql = `${define('visit(p_event_id uuid)', 'void', 'begin update public.events set title = title where id = p_event_id; end', 'plpgsql').replace(' stable', '')};
    ${define('nameless(uuid)', 'text', 'select title from public.events where id = $1')};
    ${define('broken(p_event_id uuid)', 'text', 'select title from public.events where id = p_event_id and false')};
    ${define('"Odd ""one"(p_event_id uuid, "P Who" text)', 'text', 'select title from public.events where id = p_event_id')}`
  const { found, numbers } = await rehearse(sql)
  expect(found).toHaveLength(8)
  expect(found.every((finding) => finding.startsWith('warning'))).toBe(true)
  expect(numbers).toMatchObject({ functionsNew: 4, functionsNotTried: 4 })
})
