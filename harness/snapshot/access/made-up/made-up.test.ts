import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessBetween } from '../../../attribution/access-between.ts'
import { keyOf } from '../../../attribution/finding-key.ts'
import { cloner } from '../../../clones.ts'
import type { Cluster, Database } from '../../../database/engine.ts'
import { startTestCluster } from '../../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../../platform/prepare.ts'
import { type Identity, pickIdentities } from '../../identities.ts'
import { compareAccess } from '../compare.ts'
import { takeAccessDifferences } from '../differences.ts'
import type { AccessFacts } from '../facts.ts'
import { takeAccess } from '../take.ts'
import { makeProject, migrate, plannerContracts } from '../test-project.ts'
import { tellMadeUp } from './tell-made-up.ts'
import { tryMadeUp } from './try-made-up.ts'

let cluster: Cluster
let before: Database
let identities: Identity[]
let facts: AccessFacts

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 40 })
  await migrate(
    before,
    `create type public.mood as enum ('good', 'bad');
     create table public.notes (id uuid primary key default gen_random_uuid(), author uuid not null, body text not null, mood public.mood not null,
       state text not null check (state in ('draft', 'public')), length int not null check (length < 100), made_at timestamptz not null default now());
     create policy "own notes" on public.notes for all to authenticated using (author = auth.uid());
     create table public.budgets (id bigint generated always as identity primary key, event_id uuid not null references public.events (id), amount numeric not null);
     create policy "owners see budgets" on public.budgets for select to authenticated using (public.is_event_owner(event_id));
     create table public."Odd ""one" (id int primary key, "Who?" uuid references auth.users (id), shape point not null);
     create policy "odd" on public."Odd ""one" for select to authenticated using ("Who?" = auth.uid());
     create table public.drafts (id int primary key, writer uuid references auth.users (id));
     create table public.parts (id int primary key, path text not null);
     create policy "parts" on public.parts for select to authenticated using (split_part(path, '/', 2)::uuid = auth.uid());
     alter table public.drafts enable row level security; alter table public.parts enable row level security;
     alter table public.notes enable row level security; alter table public.budgets enable row level security; alter table public."Odd ""one" enable row level security`,
  )
  identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 12 })
  facts = await takeAccess(before, identities)
})
afterAll(() => cluster.stop())

async function rehearse(sql: string) {
  await using after = await before.clone('after')
  await migrate(after, sql)
  const is = await takeAccess(after, identities, { like: facts })
  const sides = [
    { database: before, facts },
    { database: after, facts: is },
  ] as const
  let clones = 0
  const madeUp = await tryMadeUp(...sides, (of) => of.clone(`made_${++clones}`))
  const told = tellMadeUp(compareAccess(facts, is, await takeAccessDifferences(...sides)), facts, is, madeUp)
  expect(JSON.stringify(told)).not.toMatch(/@|Somebody|0000-4000/)
  const found = told.findings
    .filter(({ severity }) => severity !== 'info')
    .map(({ kind, object, role, severity }) => `${severity ?? 'blocking'} ${kind} ${object}${role ? ` ${role}` : ''}`)
  return { found, ...told }
}

test('a changed policy on an empty table that opens rows to strangers blocks, with made-up rows', async () => {
  const { found, findings, checks } = await rehearse(
    `alter policy "own notes" on public.notes using (author = auth.uid() or state = 'public');
     alter policy "owners see budgets" on public.budgets to anon, authenticated using (event_id is not null)`,
  )
  expect(found).toEqual([
    // Made up or not: a policy that lets everyone see everything refuses nobody.
    'warning access.policy-unexercised public.budgets',
    'blocking access.rows-gained public.budgets anon',
    'blocking access.rows-gained public.budgets authenticated',
    'blocking access.rows-gained public.notes authenticated',
    'blocking access.write-gained public.notes authenticated',
  ])
  expect(findings.find(({ kind }) => kind === 'access.rows-gained')?.title).toContain('with made-up rows')
  expect(checks).toMatchObject([{ id: 'access.row-sets', status: 'failed' }])
})

test('what made-up rows show is found again between two states, for its migration to be named', async () => {
  await using after = await before.clone('after')
  await migrate(after, `alter policy "own notes" on public.notes using (true)`)
  const clone = cloner('between')
  const between = accessBetween({
    access: facts,
    names: { before: '', after: '' },
    clone,
    signal: new AbortController().signal,
  })
  const key = keyOf({
    kind: 'access.rows-gained',
    object: 'public.notes',
    role: 'authenticated',
    title: '',
    evidence: [],
  })
  expect((await between(before, after, [key])).map(keyOf)).toContain(key)
  await using same = await before.clone('same')
  expect((await between(before, same, [key])).map(keyOf)).not.toContain(key)
})

test('a refactored policy on an empty table is silent, and its warning goes', async () => {
  const { found, checks } = await rehearse(
    `alter policy "own notes" on public.notes using ((select auth.uid()) = author);
     drop policy "owners see budgets" on public.budgets;
     create policy "budgets" on public.budgets for select to authenticated
       using (exists (select from public.events e where e.id = event_id and e.owner_id = (select auth.uid())))`,
  )
  expect(found).toEqual([])
  expect(checks[0]).toMatchObject({ status: 'passed', numbers: { policiesExercisedMadeUp: 3 } })
  expect(checks[0]?.summary).toMatch(/; 3 more did with made-up rows\.$/)
})

test('a narrowed policy on an empty table takes from nobody yet: a warning', async () => {
  const { found } = await rehearse(
    `alter policy "own notes" on public.notes using (author = auth.uid() and state = 'draft')`,
  )
  expect(found).toContain('warning access.rows-lost public.notes authenticated')
  expect(found.filter((finding) => finding.startsWith('blocking'))).toEqual([])
})

test('a policy for owners on an empty table that had none is a warning', async () => {
  const { found } = await rehearse(
    `create policy "own drafts" on public.drafts for select to authenticated using (writer = (select auth.uid()))`,
  )
  expect(found).toEqual(['warning access.rows-gained public.drafts authenticated'])
})

test('a policy that cannot take the made-up value tells nothing', async () => {
  const { found } = await rehearse(
    `alter policy "parts" on public.parts using (split_part(path, '/', 1) = auth.uid()::text)`,
  )
  expect(found).toEqual(['warning access.policy-unexercised public.parts'])
})

test('where no row can be made up the warning stays', async () => {
  const { found, checks } = await rehearse(`alter policy "odd" on public."Odd ""one" using (true)`)
  expect(found).toEqual(['warning access.policy-unexercised public."Odd ""one"'])
  expect(checks[0]).toMatchObject({ status: 'passed', numbers: { policiesExercisedMadeUp: 0 } })
})

test('a new table without rows that shows one user’s rows to others is a warning, and one for owners is none', async () => {
  const table = (name: string, using: string) =>
    `create table public.${name} (id int primary key, owner_id uuid references auth.users (id), what text); alter table public.${name} enable row level security;
     create policy "see" on public.${name} for select to authenticated using (${using});`
  const { found, checks } = await rehearse(
    table('diaries', 'owner_id is not null') + table('letters', 'owner_id = auth.uid()'),
  )
  expect(found.filter((finding) => !finding.includes('unexercised'))).toEqual([
    'warning access.rows-gained public.diaries authenticated',
  ])
  expect(found.filter((finding) => finding.includes('letters'))).toEqual([])
  expect(checks[0]?.status).toBe('passed')
})
