import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { Contracts } from '../model/config.ts'
import type { SuiteRun } from '../model/suite-run.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { startStack } from '../stack/stack.ts'
import { startControl } from './control.ts'

/** Ids are texts and numbers, names hold quotes, spaces and upper case, one policy fails for everybody. */
const app = `
  create table public."The People" ("User Id" text primary key, "Full ""Name""" text);
  create table public."Doc's" (id bigint generated always as identity primary key, "Owner" text not null, title text not null);
  create table public."Doc's members" ("User" text, doc bigint references public."Doc's" on delete cascade, "as" text not null, primary key ("User", doc));
  create table public."notes; drop" (doc bigint references public."Doc's" on delete cascade, body text not null);
  create table public.broken (doc bigint, n int);
  grant all on all tables in schema public to anon, authenticated, service_role;
  create function public.docs() returns bigint[] language sql stable security definer as $$
    select array(select doc from public."Doc's members" where "User" = auth.uid()::text) $$;
  create policy all_members on public."Doc's members" for select to authenticated using (doc = any (public.docs()));
  create policy members on public."Doc's" for select to authenticated using (id = any (public.docs()));
  create policy members on public."notes; drop" for all to authenticated using (doc = any (public.docs()));
  create policy people on public."The People" for select to authenticated using ("User Id" = auth.uid()::text or exists (
    select from public."Doc's members" m where m."User" = "User Id" and m.doc = any (public.docs())));
  create policy fails on public.broken for select to authenticated using (1 / (n - n) = 1);
  alter table public."The People" enable row level security;
  alter table public."Doc's" enable row level security;
  alter table public."Doc's members" enable row level security;
  alter table public."notes; drop" enable row level security;
  alter table public.broken enable row level security;
  insert into auth.users (id, aud, role, email) select gen_random_uuid(), 'authenticated', 'authenticated', '''; drop' || n || '@example.com'
    from generate_series(1, 12) n;
  insert into public."The People" select id, email from auth.users;
  insert into public."Doc's" ("Owner", title) select id, 'a doc' from auth.users order by id limit 3;
  insert into public."Doc's members" select "Owner", id, 'Owner' from public."Doc's";
  insert into public.broken select id, 1 from public."Doc's";`

const everything = ['select', 'insert', 'update', 'delete'] as const
const contracts: Contracts = {
  profile: { table: 'public.The People', user: 'User Id' },
  resource: { table: "public.Doc's", key: 'id', owner: 'Owner' },
  membership: {
    table: "public.Doc's members",
    user: 'User',
    resource: 'doc',
    role: 'as',
    ownerRole: 'Owner',
    roles: ['Owner', 'Reader'],
  },
  access: {
    tables: [
      { table: "public.Doc's", resource: 'id', may: { Owner: ['select'], Reader: ['select'] } },
      { table: "public.Doc's members", resource: 'doc', user: 'User', may: { Owner: ['select'], Reader: ['select'] } },
      { table: 'public.The People', person: 'User Id', may: { Owner: ['select'], Reader: ['select'] } },
      { table: 'public.notes; drop', resource: 'doc', may: { Owner: everything, Reader: everything } },
      { table: 'public.broken', resource: 'doc', may: {} },
    ],
  },
  integrity: { unique: [{ table: "public.Doc's", columns: ['Owner', 'title'], ignoresCase: true }] },
}

let cluster: Cluster
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'odd-'))
  cluster = await startTestCluster()
})
afterAll(async () => {
  await cluster?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function runOn(source: Database): Promise<SuiteRun> {
  let clones = 0
  await using control = await startControl(async () => {
    const database = await source.clone(`clone_${++clones}`)
    return { ...(await startStack(database)), database }
  })
  const script = `
    import { runSuites } from '${new URL('run.ts', import.meta.url)}'
    const run = await runSuites({
      control: ${JSON.stringify({ url: control.url, token: control.token })},
      contracts: ${JSON.stringify(contracts)}, canaries: [], seed: 1, own: [],
      only: ['suites/rls/', 'suites/roles-profiles/', 'suites/integrity/'],
    })
    process.stdout.write(JSON.stringify(run))
    process.exit()`
  await writeFile(join(folder, 'run.mjs'), script)
  const { stdout } = await execa(process.execPath, ['run.mjs'], { cwd: folder, stdin: 'ignore' })
  return JSON.parse(stdout)
}

test('odd names and ids are no matter; a policy that fails is told by its SQLSTATE', async () => {
  const source = await cluster.createDatabase('odd')
  await preparePlatformSchemas(source)
  {
    await using admin = await source.connect()
    await admin.query(app)
  }
  const { tests, errors } = await runOn(source)
  expect(errors).toEqual([])
  const others = tests.filter(({ outcome }) => outcome !== 'same' && outcome !== 'not configured')
  const said = others.map(({ name, message, reason }) => `${name.split(' > ').at(-1)}: ${message ?? reason}`)
  const nobody = 'there is no resource with a member who does not own it'
  expect(said.toSorted()).toEqual([
    `a collaborator sees the resource and all of its members: ${nobody}`,
    `a stranger cannot make himself a member: ${nobody}`,
    `a stranger sees neither: ${nobody}`,
    expect.stringMatching(/^ends with the membership, at once: SQLSTATE 22012 of reading public.broken/),
    expect.stringMatching(
      /^select on public.broken, in 2 resources: Owner \S+ select public.broken of \d: ended with SQLSTATE 22012/,
    ),
  ])
})
