import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const accessFindings = {
  'access.rows-lost': {
    severity: 'blocking',
    metric: 'access',
    meaning: 'Users can no longer read rows that they could read before.',
    why: 'To them their data is gone, though it is still stored.',
    advice:
      'Look at the policies of the table that changed. Policies of one command are joined by OR: a dropped one takes away.',
    declared: 'object',
    bad: 'drop policy "members see events" on public.events;',
    good: 'create the new policy before the old one is dropped, in one transaction.',
  },
  'access.rows-gained': {
    severity: 'blocking',
    metric: 'access',
    meaning: 'Users can read rows that they could not read before.',
    why: 'It is either the purpose of the migration or a leak; only its author knows which.',
    advice: 'Make the policy narrower, or declare it for the role that is meant.',
    declared: 'object',
    bad: 'create policy "read all" on public.profiles for select using (true);  -- anon, too',
    good: '-- greenlight: expects access.rows-gained public.profiles to authenticated because collaborators see each other',
  },
  'access.write-lost': {
    severity: 'blocking',
    metric: 'access',
    meaning: 'Users can no longer insert, update or delete rows that they could change before.',
    why: 'A button of the app stops working, often without an error: RLS makes an update of zero rows.',
    advice: 'Look at policies for insert, update and delete, at "with check", and at grants.',
    declared: 'object',
    bad: 'revoke update on public.tasks from authenticated;',
    good: 'Keep a policy for each command that the app uses.',
  },
  'access.write-gained': {
    severity: 'blocking',
    metric: 'access',
    meaning: 'Users can insert, update or delete rows that they could not change before.',
    why: 'Anyone with the public key of the app can do it, not only the app.',
    advice:
      'Restrict the policy and its "with check" to the owner or the members, or declare it for the role that is meant.',
    declared: 'object',
    bad: 'create policy "write" on public.event_user_roles for all to authenticated using (true);  -- makes everyone an admin',
    good: "… using (public.event_role_of(event_id) in ('owner', 'admin'))",
  },
  'access.rls-disabled': {
    severity: 'blocking',
    metric: 'access',
    meaning: 'A table that the API exposes has no row-level security after the migrations.',
    why: 'Everyone with the public key of the app reads and writes every row.',
    advice: 'Run alter table … enable row level security, and give the table policies.',
    declared: 'object',
    bad: 'create table public.email_log (…);  -- and nothing more',
    good: 'create table public.email_log (…); alter table public.email_log enable row level security;',
  },
  'access.role-changed': {
    severity: 'blocking',
    metric: 'access',
    meaning: 'A database role that requests work as has other rights, memberships or settings after the migrations.',
    why: 'It holds for every table and every user at once, and past row-level security where it is BYPASSRLS or service_role.',
    advice: 'Grant what is needed on the tables concerned, and leave the roles of the platform as they are.',
    declared: 'object',
    bad: 'grant service_role to authenticated;',
    good: 'grant select on public.reports to authenticated;',
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
