import fc from 'fast-check'

/** A database in small: teams with members, items of them, NULLs wherever they may be, and helper functions of every kind. */
export const teamsSql = `
create table public.teams (id int primary key, name text, open boolean, owner uuid);
create table public.memberships (id int primary key, team_id int, user_id uuid, role text, unique (team_id, user_id));
create table public.items (id int primary key, owner uuid, team_id int, flag boolean, label text);
alter table public.teams enable row level security;
alter table public.memberships enable row level security;
alter table public.items enable row level security;
grant all on public.teams, public.memberships, public.items to anon, authenticated, service_role;

create function public.is_member(team int) returns boolean language sql stable security definer set search_path = '' as
  'select exists (select 1 from public.memberships where team_id = team and user_id = (select auth.uid()))';
create function public.is_member_by_policy(team int) returns boolean language sql stable as
  'select exists (select 1 from memberships m where m.team_id = $1 and m.user_id = auth.uid());';
create function public.role_in(team int) returns text language sql security definer set search_path = public as
  'select role from memberships where team_id = team and user_id = auth.uid() -- at most one
  ';
create function public.senior(team int) returns boolean language sql stable strict security definer as
  'select coalesce((select role in (''owner'', ''editor'') from public.memberships where team_id = team and user_id = auth.uid()), false)';
create function public.my_teams() returns setof int language sql stable security definer as
  'select team_id from public.memberships where user_id = auth.uid()';
create function public.my_team_ids(roles text[] default null) returns int[] language plpgsql stable security definer as $$
begin
  return array(select team_id from public.memberships where user_id = (select auth.uid()) and (roles is null or role = any (roles))
    union select id from public.teams where owner = (select auth.uid()));
end $$;
create function public.teammates() returns uuid[] language plpgsql stable security definer set search_path = '' as $$
declare
  mine constant int[] := public.my_team_ids();
begin
  return array(select user_id from public.memberships where team_id = any (mine));
end $$;
create function public.is_admin() returns boolean language plpgsql stable security definer as $$
declare
  found_role text;
begin
  if auth.uid() is null then
    return false;
  end if;
  select auth.jwt() -> 'app_metadata' ->> 'role' into found_role;
  return found_role = 'admin';
end $$;
create function public.can_edit(team int) returns boolean language plpgsql stable security definer as $$
declare
  found_role text;
begin
  select role into found_role from public.memberships m where m.team_id = team and m.user_id = auth.uid();
  if not found then
    return exists (select from public.teams t where t.id = team and t.owner = auth.uid());
  elsif found_role = 'viewer' then
    return false;
  end if;
  return found_role is not null;
end $$;
create function public.is_lucky() returns boolean language plpgsql stable security definer as $$
declare
  n int := 0;
begin
  for n in select team_id from public.memberships where user_id = auth.uid() loop
    if n % 2 = 0 then return true; end if;
  end loop;
  return false;
end $$;
create function public.is_listed(team int) returns boolean language plpgsql stable as $$
begin
  for i in 1..3 loop
    if team = i then return true; end if;
  end loop;
  return false;
end $$;
create view public.open_teams as select id, owner as boss from public.teams where open;
grant select on public.open_teams to authenticated;

insert into auth.users (id, aud, role, email, raw_app_meta_data, created_at)
select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'authenticated', 'authenticated', 'u' || n || '@x.example',
  case n % 3 when 0 then '{"role": "admin"}' when 1 then jsonb_build_object('teams', jsonb_build_array(n % 5, 3)) end, now()
from generate_series(1, 9) n;
insert into public.teams select n, 'team ' || n, (array[true, false, null])[1 + n % 3],
  case when n % 4 <> 0 then ('00000000-0000-4000-8000-' || lpad((n % 9 + 1)::text, 12, '0'))::uuid end from generate_series(1, 7) n;
insert into public.memberships select n, case when n % 11 <> 0 then n % 6 + 1 end,
  case when n % 7 <> 0 then ('00000000-0000-4000-8000-' || lpad((n * 5 % 8 + 1)::text, 12, '0'))::uuid end,
  (array['owner', 'editor', 'viewer', null])[1 + n % 4] from generate_series(1, 24) n on conflict do nothing;
insert into public.items select n, case when n % 5 <> 0 then ('00000000-0000-4000-8000-' || lpad((n % 8 + 1)::text, 12, '0'))::uuid end,
  case when n % 6 <> 0 then n % 8 end, (array[true, false, null])[1 + n % 3],
  case n % 4 when 0 then null when 1 then 'a' || n else 'u' || n % 9 || '@x.example' end from generate_series(1, 40) n;
`

const conditions = [
  'owner = auth.uid()',
  'owner = (select auth.uid())',
  'owner <> auth.uid()',
  'owner is distinct from (select auth.uid())',
  'owner is null',
  'flag',
  'flag is not true',
  'coalesce(flag, false)',
  'id % 3 = 0',
  `label like 'a%'`,
  'true',
  'null::boolean',
  'team_id in (select m.team_id from public.memberships m where m.user_id = auth.uid())',
  'team_id not in (select m.team_id from public.memberships m where m.user_id = auth.uid())',
  `exists (select 1 from public.memberships m where m.team_id = items.team_id and m.user_id = auth.uid() and m.role in ('owner', 'editor'))`,
  `not exists (select 1 from public.memberships m where m.team_id = items.team_id and m.user_id = auth.uid() and m.role = 'viewer')`,
  'exists (select 1 from public.memberships m join public.teams t on t.id = m.team_id where m.user_id = auth.uid() and m.team_id = items.team_id and t.open)',
  'exists (select 1 from public.memberships m left join public.teams t on t.id = m.team_id and t.open where m.user_id = auth.uid() and m.team_id = items.team_id and t.id is null)',
  'exists (select 1 from public.memberships mine join public.memberships theirs on theirs.team_id = mine.team_id where mine.user_id = auth.uid() and theirs.user_id = items.owner)',
  'exists (select from public.teams t where t.id = items.team_id and (t.owner = auth.uid() or t.open))',
  '(select t.owner from public.teams t where t.id = items.team_id) = auth.uid()',
  '(select count(*) from public.memberships m where m.team_id = items.team_id) > 3',
  `(select m.role from public.memberships m where m.team_id = items.team_id and m.user_id = auth.uid()) in ('owner', 'viewer')`,
  'team_id in (select m.team_id from public.memberships m where m.user_id = auth.uid() union select t.id from public.teams t where t.owner = auth.uid())',
  'team_id in (select o.id from public.open_teams o where o.boss = auth.uid() or o.id > 3)',
  'public.is_member(team_id)',
  'public.is_member_by_policy(team_id)',
  `public.role_in(team_id) = 'owner'`,
  'public.role_in(team_id) is null',
  'public.role_in(team_id) is not null',
  `coalesce(public.role_in(team_id), 'none') <> 'viewer'`,
  'public.senior(team_id)',
  'public.can_edit(team_id)',
  'team_id in (select public.my_teams())',
  'team_id = any (public.my_team_ids())',
  `team_id = any ((select public.my_team_ids('{owner,editor}'))::int[])`,
  'owner = any ((select public.teammates())::uuid[])',
  'public.is_admin()',
  '(select public.is_admin())',
  '(select public.is_lucky())',
  'public.is_listed(team_id)',
  `(auth.jwt() -> 'app_metadata' ->> 'role') = 'admin'`,
  `(auth.jwt() -> 'app_metadata' -> 'teams') @> to_jsonb(team_id)`,
  `team_id::text in (select jsonb_array_elements_text(auth.jwt() -> 'app_metadata' -> 'teams'))`,
  `(current_setting('request.jwt.claims', true)::json ->> 'sub') = owner::text`,
  `auth.role() = 'authenticated'`,
  'auth.email() = label',
  `current_user = 'authenticated'`,
  `case when flag then owner = auth.uid() when team_id = 3 then null else public.is_member(team_id) end`,
  `(flag is null) is not false`,
  'exists (select 1 from public.memberships m where m.user_id = auth.uid() limit 1)',
  'exists (select max(m.id) from public.memberships m where m.user_id = auth.uid())',
  'team_id > (select min(m.team_id) from public.memberships m where m.user_id = auth.uid())',
]

const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 5, arbitrary: fc.constantFrom(...conditions) },
    { weight: 2, arbitrary: fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a} or ${b})`) },
    { weight: 2, arbitrary: fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a} and ${b})`) },
    { weight: 1, arbitrary: tie('condition').map((a) => `not (${a})`) },
  ),
}))

const ofItems = fc.record({
  permissive: fc.constantFrom('permissive', 'permissive', 'permissive', 'restrictive'),
  command: fc.constantFrom('select', 'select', 'select', 'all', 'update', 'delete', 'insert'),
  condition,
})

/** Policies for the tables beside, some of which read one another, and even themselves. */
const beside = fc.record({
  memberships: fc.constantFrom(
    'user_id = auth.uid()',
    'true',
    'public.is_member(team_id)',
    `role <> 'viewer'`,
    'false',
    'exists (select from public.teams t where t.id = memberships.team_id and t.owner = auth.uid())',
  ),
  teams: fc.constantFrom(
    'open',
    'true',
    'owner = auth.uid()',
    'public.is_member(id)',
    'exists (select from public.memberships m where m.team_id = teams.id and m.user_id = auth.uid())',
  ),
})

/** SQL that gives the three tables random policies in the place of those they have. */
export const randomPolicies = fc
  .record({ items: fc.array(ofItems, { minLength: 1, maxLength: 3 }), beside })
  .map(({ items, beside }) =>
    [
      "do $$ declare p record; begin for p in select polname, polrelid::regclass as t from pg_policy where polname like 'random %' loop execute format('drop policy %I on %s', p.polname, p.t); end loop; end $$",
      `create policy "random m" on public.memberships for select to authenticated using (${beside.memberships})`,
      `create policy "random t" on public.teams for select to public using (${beside.teams})`,
      ...items.map(({ permissive, command, condition: rule }, index) => {
        const parts = command === 'insert' ? `with check (${rule})` : `using (${rule})`
        return `create policy "random ${index}" on public.items as ${permissive} for ${command} to ${index % 2 ? 'public' : 'authenticated'} ${parts}`
      }),
    ].join(';\n'),
  )
