import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { Mailing } from '../../model/people-sql.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { administer, makeProject, plannerContracts } from '../access/test-project.ts'
import { compareRecipients } from './compare.ts'
import { takeRecipients } from './take.ts'

const { resource, membership } = plannerContracts
if (resource === undefined || membership === undefined) throw new Error('the planner has no events')
const mailing: Mailing = {
  resource,
  membership: { ...membership, subscribed: 'notifications' },
  profile: { table: 'public.profiles', user: 'id', email: 'email', subscribed: 'email_notifications' },
}
const [members, profiles, users] = ['public.event_user_roles', 'public.profiles', 'auth.users']
/** A membership of somebody who is mailed: not the owner, confirmed, not banned, with an address. */
const someone = `(select min(r.id) from event_user_roles r join events e on e.id = r.event_id and e.owner_id <> r.user_id
  join profiles p on p.id = r.user_id and p.email is not null
  join auth.users u on u.id = r.user_id and u.email_confirmed_at is not null and u.banned_until is null)`
const user = `(select user_id from event_user_roles where id = ${someone})`
const event = `(select event_id from event_user_roles where id = ${someone})`
const outsider = `(select u.id from auth.users u join profiles p on p.id = u.id where u.email_confirmed_at is not null
  and u.banned_until is null and not exists (select from event_user_roles r where r.event_id = ${event} and r.user_id = u.id)
  and not exists (select from events e where e.id = ${event} and e.owner_id = u.id) order by u.id limit 1)`
/** One event only, so that what happens to one user is one recipient. */
const alone = `delete from event_user_roles where user_id = ${user} and event_id <> ${event};
  update events set owner_id = ${outsider} where owner_id = ${user};`
const dropRule = 'alter table event_user_roles drop constraint event_user_roles_once;'

/** What a migration does, and what must be told of it: `kind object(column)`, with `info` where it blocks nothing. */
const cases: Readonly<Record<string, readonly [sql: string, told: readonly string[], setUp?: string]>> = {
  'a membership that is gone': [
    `delete from event_user_roles where id = ${someone}`,
    [`mail.missing-recipient ${members}: 1`],
  ],
  'a membership of who got no mails that is gone': [
    `delete from event_user_roles r using auth.users u where u.id = r.user_id and u.email_confirmed_at is null
       and not exists (select from events e where e.id = r.event_id and e.owner_id = r.user_id)`,
    [],
  ],
  'a membership that is written anew': [
    `create temp table kept as select * from event_user_roles where id = ${someone}; delete from event_user_roles where id = ${someone};
     insert into event_user_roles (event_id, user_id, role) select event_id, user_id, 'editor' from kept; drop table kept`,
    [],
  ],
  'a membership that is added': [
    `insert into event_user_roles (event_id, user_id, role) values (${event}, ${outsider}, 'viewer')`,
    [`mail.wrong-recipient ${members}: 1 info`],
  ],
  'a role for the owner, who was mailed without one': [
    `delete from event_user_roles r using events e where e.id = r.event_id and e.owner_id = r.user_id;
     insert into event_user_roles (event_id, user_id, role) select id, owner_id, 'owner' from events`,
    [],
  ],
  'a membership that becomes another user’s': [
    `update event_user_roles set user_id = ${outsider} where id = ${someone}`,
    [`mail.wrong-recipient ${members}(user_id): 1`, `mail.missing-recipient ${members}: 1`],
  ],
  'a member twice': [
    `${dropRule} insert into event_user_roles (event_id, user_id, role) select event_id, user_id, 'editor' from event_user_roles where id = ${someone}`,
    [`mail.duplicate ${members}: 1`],
  ],
  'a member twice who already was': [
    'update event_user_roles set role = $$admin$$',
    [],
    `${dropRule} insert into event_user_roles (event_id, user_id, role) select event_id, user_id, 'editor' from event_user_roles where id = ${someone}`,
  ],
  'mails switched off': [
    `alter table profiles add column email_notifications boolean not null default true;
     update profiles set email_notifications = false where id = ${user}`,
    [`mail.missing-recipient ${profiles}(email_notifications): 1`],
    alone,
  ],
  'a switch for mails that is on': [
    'alter table profiles add column email_notifications boolean not null default true',
    [],
  ],
  'mails of one event switched on for who switched them off': [
    'update event_user_roles set notifications = true',
    [`mail.wrong-recipient ${members}(notifications): 1`],
    `alter table event_user_roles add column notifications boolean not null default true;
     update event_user_roles set notifications = false where id = ${someone}`,
  ],
  'a ban that is lifted': [
    'update auth.users set banned_until = null',
    [`mail.wrong-recipient ${users}(banned_until): 1`],
    `${alone} update auth.users set banned_until = null; update auth.users set banned_until = now() + interval '1 day' where id = ${user}`,
  ],
  'a ban that ended long ago': [
    'update auth.users set banned_until = null',
    [],
    `update auth.users set banned_until = now() - interval '1 day'`,
  ],
  'an address that counts as confirmed now': [
    'update auth.users set email_confirmed_at = now()',
    [`mail.wrong-recipient ${users}(email_confirmed_at): 1`],
    `${alone} update auth.users set email_confirmed_at = now(); update auth.users set email_confirmed_at = null where id = ${user}`,
  ],
  'another address': [
    `update profiles set email = 'elsewhere@planner.example' where id = ${user}`,
    [`mail.wrong-recipient ${profiles}(email): 1`],
    alone,
  ],
  'the address of the account in place of another one': [
    'update profiles p set email = u.email from auth.users u where u.id = p.id',
    [`mail.wrong-recipient ${profiles}(email): 1 info`],
    `${alone} update profiles set email = 'old@planner.example' where id = ${user}`,
  ],
  'the same address in other letters': ['update profiles set email = upper(email) || $$ $$', []],
  'an address that is taken away': [
    `update profiles set email = '' where id = ${user}`,
    [`mail.missing-recipient ${profiles}(email): 1`],
    alone,
  ],
  'a profile for a member who had none': [
    'insert into profiles (id, email) select id, email from auth.users on conflict do nothing',
    [`mail.wrong-recipient ${profiles}(email): 1 info`],
    `${alone} insert into profiles (id, email) select id, email from auth.users on conflict do nothing; delete from profiles where id = ${user}`,
  ],
  'an event that is gone, which the ledger tells': [`delete from events where id = ${event}`, []],
}

describe('recipients compared', () => {
  let cluster: Cluster
  let project: Database
  let made = 0

  beforeAll(async () => {
    cluster = await startTestCluster()
    project = await cluster.createDatabase('project')
    await preparePlatformSchemas(project)
    await makeProject(project, { users: 60 })
  })
  afterAll(() => cluster?.stop())

  const compared = async (before: string, after: string, contracts = mailing) => {
    const was = await project.clone(`was_${++made}`)
    if (before !== '')
      await administer(was, `set session_replication_role = replica; set search_path = public; ${before}`)
    const is = await was.clone(`is_${made}`)
    await administer(is, `set session_replication_role = replica; set search_path = public; ${after}`)
    const found = compareRecipients(await takeRecipients(was, is, contracts), contracts)
    await was.drop()
    await is.drop()
    return found
  }

  test.for(Object.entries(cases))('%s', async ([, [sql, told, setUp = '']]) => {
    const { findings, checks } = await compared(setUp, sql)
    expect(
      findings.map(({ kind, object, columns, severity = '', title }) =>
        `${kind} ${object}${columns ? `(${columns})` : ''}: ${/^[\d,]+/.exec(title)?.[0]} ${severity}`.trim(),
      ),
    ).toEqual(told)
    expect(checks[0]?.status).toBe(told.some((one) => !one.endsWith('info')) ? 'failed' : 'passed')
    expect(JSON.stringify(findings)).not.toMatch(/@|Somebody/)
  })

  test('says who, of which event, and why', async () => {
    const { findings } = await compared(alone, `update profiles set email = null where id = ${user}`)
    expect(findings[0]?.title).toMatch(
      /^1 recipient fewer of mails about 1 rows of public.events: email of public.profiles gives no address\.$/,
    )
    expect(findings[0]?.evidence[1]).toMatch(/^Resource → user: [0-9a-f-]{36} → [0-9a-f-]{36}$/)
  })

  test('a table of members that only the migrations make has nobody before', async () => {
    const { findings, checks } = await compared(
      'alter table event_user_roles rename to hidden',
      'alter table hidden rename to event_user_roles',
    )
    expect(findings.map(({ kind, severity }) => `${kind} ${severity}`)).toEqual(['mail.wrong-recipient info'])
    expect(checks[0]?.status).toBe('passed')
  })

  test('contracts by which nobody is mailed leave the check open', async () => {
    const { checks } = await compared('', 'select 1', {
      ...mailing,
      membership: { ...membership, user: 'id' },
      resource: { ...resource, owner: 'title' },
    })
    expect(checks[0]).toMatchObject({ status: 'not run', required: true })
  })

  test('no events are told as such', async () => {
    const { findings, checks } = await compared('delete from events', 'select 1')
    expect(findings).toEqual([])
    expect(checks[0]?.summary).toContain('public.events has no row before')
  })
})
