/** What a migration is about, its SQL, and `kind object role [columns]` of the findings that it must bring. */
type Harmful = readonly [name: string, sql: string, expected: readonly string[]]
type Harmless = readonly [name: string, sql: string]

function round<Case extends Harmful | Harmless>(...cases: readonly Case[]) {
  return [cases.map(([name]) => name).join('; '), cases] as const
}

/** Migrations of the planner app that change who reaches what; those of one round do not meddle with each other. */
export const harmful = [
  round<Harmful>(
    [
      'a policy opened to anon',
      'create policy open on public.profiles for select to anon using (true)',
      ['access.rows-gained public.profiles anon'],
    ],
    [
      'a check that no row passes',
      `alter policy "edit own profile" on public.profiles with check (false)`,
      ['access.write-lost public.profiles authenticated'],
    ],
    [
      'a policy narrowed to owners',
      `alter policy "members see events" on public.events using (owner_id = auth.uid())`,
      ['access.rows-lost public.events authenticated'],
    ],
    [
      'a dropped policy',
      `drop policy "members read chat" on public.chat_messages`,
      ['access.rows-lost public.chat_messages authenticated'],
    ],
    [
      'a write policy that lets everyone in',
      `create policy all_of_it on public.tasks for all to authenticated using (true) with check (true)`,
      ['access.rows-gained public.tasks authenticated', 'access.write-gained public.tasks authenticated'],
    ],
    ['a revoked grant', 'revoke select on public.vendors from anon', ['access.rows-lost public.vendors anon']],
    [
      'a condition that always holds',
      'create policy staff on public.notification_log for select to authenticated using (current_user is not null)',
      ['access.rows-gained public.notification_log authenticated'],
    ],
  ),
  round<Harmful>(
    [
      'a policy that lets everyone in',
      `alter policy "own profile" on public.profiles using (true)`,
      ['access.rows-gained public.profiles authenticated'],
    ],
    [
      'a revoked write',
      'revoke update on public.profiles from authenticated',
      ['access.write-lost public.profiles authenticated'],
    ],
    [
      'a restrictive policy',
      `create policy never on public.events as restrictive for update to authenticated using (title is null)`,
      ['access.write-lost public.events authenticated'],
    ],
    [
      'RLS switched off',
      'alter table public.vendors disable row level security',
      [
        'access.rls-disabled public.vendors anon',
        'access.write-gained public.vendors anon',
        'access.write-gained public.vendors authenticated',
      ],
    ],
    [
      'metadata that everyone can change',
      `create policy admin on public.access_codes for select to authenticated using (coalesce(auth.jwt() -> 'user_metadata' ->> 'role', 'admin') = 'admin')`,
      ['access.rows-gained public.access_codes authenticated'],
    ],
  ),
  round<Harmful>(
    [
      'a policy of the wrong role',
      `alter policy "own profile" on public.profiles to service_role`,
      ['access.rows-lost public.profiles authenticated'],
    ],
    [
      'memberships that were deleted',
      'delete from public.event_user_roles',
      ['chat_messages', 'event_vendors', 'events', 'invitations', 'tasks'].map(
        (table) => `access.rows-lost public.${table} authenticated`,
      ),
    ],
  ),
  round<Harmful>(
    [
      'a check that is gone from an update',
      `alter policy "edit own profile" on public.profiles with check (true)`,
      ['access.write-gained public.profiles authenticated'],
    ],
    [
      'a policy that recurses',
      `alter policy "members see members" on public.event_user_roles using (exists (select from public.event_user_roles r where r.user_id = auth.uid()))`,
      ['access.rows-lost public.event_user_roles authenticated', 'access.rows-lost public.member_counts authenticated'],
    ],
    [
      'a new view over a hidden one with its owner’s rights',
      `create schema internal; create view internal.all_people as select id, full_name from public.profiles;
       create view public.people as select * from internal.all_people`,
      ['access.rls-disabled public.people anon'],
    ],
  ),
  round<Harmful>(
    [
      'a role that each user may give themselves',
      `create policy support on public.tasks for select to authenticated using (auth.jwt() -> 'user_metadata' ->> 'role' = 'support')`,
      ['access.rows-gained public.tasks authenticated'],
    ],
    [
      'the same through a function',
      `create function public.is_support() returns boolean language sql stable security definer set search_path = '' as $$ select exists (select from auth.users where id = auth.uid() and raw_user_meta_data ->> 'role' = 'support') $$;
       create policy support on public.vendors for update to authenticated using (public.is_support())`,
      ['access.write-gained public.vendors authenticated'],
    ],
    [
      'rows of an old table that signed-in users read from now on, without row security',
      'grant usage on schema vault_of_app to authenticated; grant select on vault_of_app.payouts to authenticated',
      ['access.rls-disabled vault_of_app.payouts authenticated'],
    ],
  ),
  round<Harmful>(
    [
      'a check that asks for a login alone',
      `alter policy "edit own profile" on public.profiles with check ((select auth.uid()) is not null)`,
      ['access.write-gained public.profiles authenticated'],
    ],
    [
      'a view that loses security_invoker',
      'alter view public.member_counts reset (security_invoker)',
      ['access.rows-gained public.member_counts anon', 'access.rows-gained public.member_counts authenticated'],
    ],
    [
      'a new security definer view',
      'create view public.people as select id, full_name from public.profiles',
      ['access.rls-disabled public.people anon'],
    ],
  ),
  round<Harmful>(
    [
      'a revoked column',
      'revoke select on public.profiles from authenticated; grant select (id, full_name) on public.profiles to authenticated',
      ['access.rows-lost public.profiles authenticated email avatar_url locale created_at updated_at'],
    ],
    [
      'a write policy that recurses',
      `alter policy "admins invite" on public.invitations with check (exists (select from public.invitations i where i.event_id = invitations.event_id)); alter policy "admins see invitations" on public.invitations using (exists (select from public.events e where e.id = event_id))`,
      ['access.rows-gained public.invitations authenticated', 'access.write-lost public.invitations authenticated'],
    ],
  ),
  round<Harmful>(
    [
      'a policy on a function that is broken',
      `create function public.broken() returns boolean language plpgsql as $$ begin return (select nothing from public.events); end $$; alter policy "own profile" on public.profiles using (public.broken())`,
      ['access.rows-lost public.profiles authenticated'],
    ],
    [
      'a new table without RLS',
      'create table public.notes (id int primary key, body text)',
      ['access.rls-disabled public.notes anon'],
    ],
  ),
]

/** Migrations that change nothing of who reaches what. */
export const harmless = [
  round<Harmless>(
    [
      'a policy written anew with the same meaning',
      `drop policy "own profile" on public.profiles; create policy mine on public.profiles for select to authenticated using ((select auth.uid()) = id)`,
    ],
    [
      'a check written anew with the same meaning',
      `alter policy "edit own profile" on public.profiles using ((select auth.uid()) = id) with check ((select auth.uid()) = id)`,
    ],
    [
      'two policies made one',
      `drop policy "members see tasks" on public.tasks; create policy tasks_read on public.tasks for select to authenticated using (public.is_event_owner(event_id) or public.event_role_of(event_id) is not null)`,
    ],
    ['deleted rows', 'delete from public.vendors'],
    [
      'a role that only the service gives',
      `create policy support on public.vendors for select to authenticated using (auth.jwt() -> 'app_metadata' ->> 'role' = 'support')`,
    ],
    [
      'a claim of the user beside their id',
      `create policy beta on public.notification_log for update to authenticated using (recipient_id = auth.uid() and auth.jwt() -> 'user_metadata' ->> 'beta' = 'on')`,
    ],
    [
      'an added column and index',
      `alter table public.profiles add column timezone text default 'UTC'; create index on public.event_user_roles (user_id)`,
    ],
    [
      'a new table behind RLS',
      'create table public.notes (id int primary key); alter table public.notes enable row level security',
    ],
    [
      'a new table that only signed-in users read',
      'create table public.countries (code text primary key); revoke all on public.countries from anon, authenticated; grant select on public.countries to authenticated',
    ],
    [
      'a new security invoker view',
      'create view public.people with (security_invoker = true) as select id, full_name from public.profiles',
    ],
    ['a rewritten column type', 'alter table public.profiles alter column locale type varchar(10)'],
    ['a table that the API does not show', 'create schema internal; create table internal.notes (id int)'],
  ),
  round<Harmless>(
    [
      'ten refactorings of policies at once',
      `alter policy "edit own profile" on public.profiles rename to "change own profile";
       alter policy "own profile" on public.profiles using (id in (select auth.uid()));
       create function public.mine(event uuid) returns boolean language sql stable security definer set search_path = '' as $$
         select exists (select from public.events e where e.id = event and e.owner_id = (select auth.uid())) $$;
       alter policy "members see vendors of events" on public.event_vendors using (public.mine(event_id) or public.event_role_of(event_id) is not null);
       alter policy "members see events" on public.events using (public.event_role_of(id) is not null or (select auth.uid()) = owner_id);
       drop policy "members read chat" on public.chat_messages;
       create policy "owners read chat" on public.chat_messages for select to authenticated using (public.is_event_owner(event_id));
       create policy "others read chat" on public.chat_messages for select to authenticated using (public.event_role_of(event_id) is not null);
       drop policy "admins change members" on public.event_user_roles;
       create policy c1 on public.event_user_roles for select to authenticated using (public.event_role_of(event_id) in ('owner', 'admin') or public.is_event_owner(event_id));
       create policy c2 on public.event_user_roles for insert to authenticated with check (public.event_role_of(event_id) in ('owner', 'admin') or public.is_event_owner(event_id));
       create policy c3 on public.event_user_roles for update to authenticated using (public.event_role_of(event_id) in ('owner', 'admin') or public.is_event_owner(event_id));
       create policy c4 on public.event_user_roles for delete to authenticated using (public.event_role_of(event_id) in ('owner', 'admin') or public.is_event_owner(event_id));
       alter policy "members see tasks" on public.tasks using (exists (select from public.events e where e.id = event_id and e.owner_id = auth.uid()) or exists (select from public.event_user_roles r where r.event_id = tasks.event_id and r.user_id = auth.uid()));
       alter policy "own notifications" on public.notification_log using ((auth.jwt() ->> 'sub')::uuid = recipient_id);
       alter policy "vendors are public" on public.vendors to public using (auth.role() in ('anon', 'authenticated', 'service_role'));
       alter policy "create events" on public.events with check (not (owner_id is distinct from auth.uid()))`,
    ],
    [
      'a renamed policy and function',
      `alter policy "own profile" on public.profiles rename to mine; alter function public.is_event_owner(uuid) rename to owns_event`,
    ],
    ['new rows', `insert into public.vendors (name) select 'New ' || n from generate_series(1, 50) n`],
    [
      'a new view over one with the caller’s rights',
      `create view public.some_people with (security_invoker = true) as select id, full_name from public.profiles;
       create view public.people as select * from public.some_people`,
    ],
  ),
]
