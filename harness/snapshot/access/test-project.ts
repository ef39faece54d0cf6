import { readFile } from 'node:fs/promises'
import type { Database } from '../../database/engine.ts'
import type { Contracts } from '../../model/config.ts'

/** Makes the planner app at migration 200, with `users` made-up users and rows in proportion, on a database that has the platform's schemas. */
export async function makeProject(database: Database, { users }: { users: number }): Promise<void> {
  const app = await readFile(new URL('../../../fixtures/planner/production/app.sql', import.meta.url), 'utf8')
  {
    await using owner = await database.connect({ role: 'postgres' })
    // As in a project of before 2026, where every table of public is open to the API's roles but for its policies.
    await owner.query(
      `alter default privileges in schema public grant all on tables to anon, authenticated, service_role`,
    )
    await owner.query(app)
  }
  await using admin = await database.connect()
  await admin.query('set session_replication_role = replica')
  await admin.query(rows(users))
  await admin.query('analyze')
}

export const plannerContracts: Contracts = {
  profile: { table: 'public.profiles', user: 'id' },
  resource: { table: 'public.events', key: 'id', owner: 'owner_id' },
  membership: {
    table: 'public.event_user_roles',
    user: 'user_id',
    resource: 'event_id',
    role: 'role',
    ownerRole: 'owner',
    roles: ['owner', 'admin', 'editor', 'viewer'],
  },
}

/** Id of the n-th user, from 1. */
export const userId = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** Runs `sql` as role postgres, as a migration would. */
export async function migrate(database: Database, sql: string): Promise<void> {
  await using owner = await database.connect({ role: 'postgres' })
  await owner.query(sql)
}

/** Runs `sql` as the superuser: what a dashboard or a platform upgrade would do. */
export async function administer(database: Database, sql: string): Promise<void> {
  await using admin = await database.connect()
  await admin.query(sql)
}

function rows(users: number): string {
  const events = Math.ceil(users * 0.75)
  const user = (n: string) => `('00000000-0000-4000-8000-' || lpad((${n})::text, 12, '0'))::uuid`
  const event = (n: string) => `('00000000-0000-4000-9000-' || lpad((${n})::text, 12, '0'))::uuid`
  return `
insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, banned_until, is_anonymous,
  raw_app_meta_data, raw_user_meta_data, created_at, updated_at, confirmation_token, recovery_token,
  email_change_token_new, email_change, last_sign_in_at)
select '00000000-0000-0000-0000-000000000000', ${user('n')}, 'authenticated', 'authenticated',
  'user' || n || '@planner.example',
  case when n % 3 = 0 then '' else '$2a$10$' || substr(repeat(md5(n::text), 2), 1, 53) end,
  case when n % 10 <> 7 then now() - interval '30 days' end,
  case when n % 25 = 3 then now() + interval '1 year' end, false,
  jsonb_build_object('provider', case when n % 3 = 0 then 'google' else 'email' end), '{"full_name": "Somebody"}',
  now() - interval '90 days', now(), '', '', '', '', now()
from generate_series(1, ${users}) n;
insert into auth.identities (provider_id, user_id, identity_data, provider, created_at, updated_at)
select case when n % 3 = 0 then 'g-' || n else id::text end, id, jsonb_build_object('sub', id, 'email', email),
  raw_app_meta_data ->> 'provider', now(), now()
from (select *, row_number() over (order by id) n from auth.users) u;
insert into auth.sessions (id, user_id, created_at, updated_at, aal)
select gen_random_uuid(), id, now(), now(), 'aal1' from auth.users where right(id::text, 1) in ('1', '2');
insert into auth.refresh_tokens (instance_id, token, user_id, revoked, session_id, created_at, updated_at)
select '00000000-0000-0000-0000-000000000000', md5(id::text), user_id, false, id, now(), now() from auth.sessions;
insert into public.profiles (id, email, full_name) select id, email, 'Somebody' from auth.users where right(id::text, 2) <> '13';
insert into public.events (id, owner_id, title, starts_at, created_at)
select ${event('n')}, ${user(`1 + n * 7 % ${Math.ceil(users / 2)}`)}, 'Event ' || n, now(), now() - n * interval '1 minute'
from generate_series(1, ${events}) n;
insert into public.event_user_roles (event_id, user_id, role)
select ${event(`1 + n % ${events}`)}, ${user(`1 + (n * 13 + n / ${events}) % ${users}`)},
  (array['admin', 'editor', 'viewer', 'viewer']::public.event_role[])[1 + (n * 13 + n / ${events}) % ${users} % 4]
from generate_series(1, ${users * 4}) n on conflict do nothing;
insert into public.invitations (event_id, email, invited_by)
select ${event(`1 + n % ${events}`)}, 'invited' || n || '@planner.example', ${user(`1 + n % ${users}`)} from generate_series(1, ${users}) n;
insert into public.vendors (name) select 'Vendor ' || n from generate_series(1, ${Math.ceil(users / 5)}) n;
insert into public.event_vendors (event_id, vendor_id) select e.id, v.id from public.events e
  join (select id, row_number() over (order by name) n from public.vendors) v on v.n = 1 + hashtext(e.id::text) & 7;
insert into public.tasks (event_id, title) select ${event(`1 + n % ${events + 5}`)}, 'Task ' || n from generate_series(1, ${users * 3}) n;
insert into public.chat_messages (event_id, user_id, body, created_at)
select ${event(`1 + n % ${events}`)}, ${user(`1 + n * 11 % ${users}`)}, 'Message ' || n, now() - n * interval '1 second'
from generate_series(1, ${users * 6}) n;
insert into public.notification_log (event_id, recipient_id, kind)
select ${event(`1 + n % ${events}`)}, ${user(`1 + n % ${users}`)}, 'event_updated' from generate_series(1, ${users}) n;
insert into public.access_codes (code, event_id) select 'CODE' || n, ${event('n')} from generate_series(1, ${Math.ceil(users / 10)}) n;
`
}
