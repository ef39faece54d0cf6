import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cloner } from '../../clones.ts'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { type Identity, pickIdentities } from '../identities.ts'
import { takeAccessDifferences } from './differences.ts'
import { fewIdentities } from './questions.ts'
import { takeEverybody } from './sampled.ts'
import { makeProject, migrate, plannerContracts } from './test-project.ts'

const clone = cloner()
let cluster: Cluster
let before: Database
let identities: readonly Identity[]
/** Of the sample, but not of its first part. */
let late: string

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
  await makeProject(before, { users: 100 })
  // Nobody can see into it: a table whose policies call it cannot be written out for all users.
  await migrate(
    before,
    `create function public.opaque(p_row uuid, p_who uuid) returns boolean language plpgsql stable as
       $$ declare yes boolean; begin execute 'select $1 = $2' into yes using p_row, p_who; return yes; end $$;
     create table public.diaries (id uuid primary key, body text);
     insert into public.diaries select id, 'dear' from public.profiles;
     alter table public.diaries enable row level security;
     create policy own on public.diaries for select to authenticated using (public.opaque(id, auth.uid()));
     grant select on public.diaries to authenticated;
     create table public.empty (id uuid primary key);
     alter table public.empty enable row level security;
     create policy own on public.empty for select to authenticated using (id = auth.uid());
     grant select on public.empty to authenticated`,
  )
  identities = await pickIdentities(before, { contracts: plannerContracts, seed: 1, maxUsers: 90 })
  late = identities.slice(fewIdentities).find(({ userId }) => userId !== undefined)?.userId ?? ''
})
afterAll(() => cluster.stop())

async function rehearse(sql: string) {
  await using after = await before.clone('after')
  await migrate(after, sql)
  const taken = await takeEverybody({ before, after }, identities, clone)
  const differences = await takeAccessDifferences(
    { database: before, facts: taken.was },
    { database: after, facts: taken.is },
  )
  const asked = (relation: string) => taken.is.probes.filter((probe) => probe.relation === relation).length
  return { ...taken, asked, lost: differences.map(({ relation, rows }) => `${relation} ${rows}`) }
}

describe('everybody', () => {
  test('is compared at once, and the first of the sample asked, where nothing is left open', async () => {
    const { everyone, asked, was, is, lost } = await rehearse('select 1')
    expect(everyone?.tables.find(({ relation }) => relation === 'public.events')?.exhaustive).toHaveLength(4)
    expect(asked('public.events')).toBe(fewIdentities)
    expect(asked('public.empty')).toBe(fewIdentities)
    expect(was.probes).toHaveLength(is.probes.length)
    expect(lost).toEqual([])
  })

  test('of the sample is asked where policies cannot be written out: what only the last of them loses is seen', async () => {
    const { everyone, asked, lost } = await rehearse(
      `alter policy own on public.diaries using (public.opaque(id, auth.uid()) and auth.uid() <> '${late}')`,
    )
    expect(everyone?.tables.find(({ relation }) => relation === 'public.diaries')?.exhaustive).toEqual([])
    expect(asked('public.diaries')).toBe(identities.length)
    expect(lost).toEqual(['public.diaries 1'])
  })

  test('of the sample is asked where something changed for any user', async () => {
    const { asked, lost } = await rehearse(
      `create policy "not all" on public.events as restrictive for select to authenticated using (auth.uid() <> '${late}' or owner_id <> '${late}')`,
    )
    expect(asked('public.events')).toBe(identities.length)
    expect(asked('public.tasks')).toBe(fewIdentities)
    expect(lost.filter((line) => line.startsWith('public.events '))).not.toEqual([])
  })
})
