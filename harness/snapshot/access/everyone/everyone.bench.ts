import { expect, test } from 'vitest'
import { startTestCluster } from '../../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../../platform/prepare.ts'
import { pickIdentities } from '../../identities.ts'
import { takeAccess } from '../take.ts'
import { administer } from '../test-project.ts'
import { takeEveryone } from './take.ts'

const users = 5_000
const events = 50_000
const sampledUsers = 20
const only = new Set(['public.events'])

/** Owners and members see an event; the membership table has a policy of its own, through a helper with its owner's rights. */
const project = `
create table public.events (id uuid primary key default gen_random_uuid(), owner_id uuid not null, title text not null);
create table public.members (event_id uuid not null, user_id uuid not null, role text not null, primary key (event_id, user_id));
create index on public.events (owner_id);
create index on public.members (user_id);
alter table public.events enable row level security;
alter table public.members enable row level security;
grant all on public.events, public.members to authenticated;
create function public.is_owner(event uuid) returns boolean language sql stable security definer set search_path = '' as
  'select exists (select from public.events where id = event and owner_id = (select auth.uid()))';
create policy "members see members" on public.members for select to authenticated
  using (user_id = (select auth.uid()) or public.is_owner(event_id));
create policy "members see events" on public.events for select to authenticated using (owner_id = (select auth.uid())
  or exists (select from public.members m where m.event_id = events.id and m.user_id = (select auth.uid())));
create policy "editors change events" on public.events for update to authenticated using (owner_id = (select auth.uid())
  or exists (select from public.members m where m.event_id = events.id and m.user_id = (select auth.uid()) and m.role = 'editor'));
create policy "owners delete events" on public.events for delete to authenticated using (owner_id = (select auth.uid()));
insert into auth.users (id, aud, role, email, raw_app_meta_data, created_at)
select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'authenticated', 'authenticated', 'u' || n || '@x.example', '{}', now()
from generate_series(1, ${users}) n;
insert into public.events (owner_id, title) select ('00000000-0000-4000-8000-' || lpad((1 + n % ${users})::text, 12, '0'))::uuid, 'Event ' || n
from generate_series(1, ${events}) n;
insert into public.members select e.id, ('00000000-0000-4000-8000-' || lpad((1 + (hashtext(e.id::text || k) & 2147483647) % ${users})::text, 12, '0'))::uuid,
  (array['editor', 'viewer'])[1 + k % 2] from public.events e, generate_series(1, 4) k on conflict do nothing;
analyze`

/** All users at once against one user after the other, both on before and on after, in the same run. */
test(`who sees which of ${events} events, for ${users} users`, async () => {
  await using cluster = await startTestCluster()
  const before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await administer(before, project)
  await using after = await before.clone('after')
  await administer(after, `delete from public.members where user_id::text like '%4321'`)
  const identities = await pickIdentities(before, { seed: 1, maxUsers: sampledUsers })
  // As many users as are wanted, however costly the policies are.
  const relations = (await takeAccess(before, [], { only })).relations
  const probes = identities.map((_, identity) => ({
    relation: 'public.events',
    identity,
    outcome: { state: 'denied' as const },
    milliseconds: 0,
  }))
  const like = { identities, relations, policies: [], probes, brokenWrites: [], tables: [], skipped: [] }
  const started = performance.now()
  const was = await takeAccess(before, identities, { only, like, probeTimeout: 60_000 })
  const is = await takeAccess(after, identities, { only, like, probeTimeout: 60_000 })
  const loop = performance.now() - started
  const again = performance.now()
  const { tables } = await takeEveryone({ before, after, was, is }, { only })
  const everyone = performance.now() - again
  const all = (loop / (identities.length - 2)) * users
  console.log(
    `all users at once: ${(everyone / 1_000).toFixed(1)} s, ${tables[0]?.pairs} pairs; one after the other: ${(all / 1_000).toFixed(0)} s, extrapolated from ${identities.length - 2} users in ${(loop / 1_000).toFixed(1)} s: ${(all / everyone).toFixed(0)} times as long`,
  )
  expect(tables).toMatchObject([{ refused: {}, changes: [{ set: 'seen', direction: 'lost', users: 1, exact: true }] }])
  expect(everyone).toBeLessThan(30_000)
}, 900_000)
