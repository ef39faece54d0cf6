import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import config from '../../fixtures/planner/greenlight.config.ts'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { Side, SuiteRun } from '../model/suite-run.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { makeProject, migrate } from '../snapshot/access/test-project.ts'
import { startStack } from '../stack/stack.ts'
import { startControl } from './control.ts'

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url))
const folders = ['rls', 'roles-profiles', 'integrity', 'access-codes']
let cluster: Cluster
let folder = ''
let run: SuiteRun

/** The suites on two databases after the reference app's migrations: `before` is the near miss, `after` the sabotaged one. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'built-in-'))
  cluster = await startTestCluster()
  const migrated = await cluster.createDatabase('migrated')
  await preparePlatformSchemas(migrated)
  await makeProject(migrated, { users: 520 })
  await migrate(migrated, "insert into access_codes (code) values ('MHP2026')")
  // As 205 finds them in production: owners have the owner's role or none.
  await migrate(
    migrated,
    `update event_user_roles r set role = 'owner' from events e where e.id = r.event_id and e.owner_id = r.user_id`,
  )
  const migrations = join(fixtures, 'planner/migrations')
  // The last one needs pg_cron, and is about none of these suites.
  for (const file of (await readdir(migrations)).sort().filter((name) => name < '210')) {
    await migrate(migrated, await readFile(join(migrations, file), 'utf8'))
  }
  const sides: Record<Side, Database> = {
    before: await migrated.clone('near_miss'),
    after: await migrated.clone('sabotaged'),
  }
  await migrate(sides.before, await readFile(join(fixtures, 'sabotage/near-miss.sql'), 'utf8'))
  await migrate(sides.after, await readFile(join(fixtures, 'sabotage/sabotaged.sql'), 'utf8'))
  let clones = 0
  await using control = await startControl(async (side) => {
    const database = await sides[side].clone(`clone_${++clones}`)
    return { ...(await startStack(database)), database }
  })
  const script = `
    import { runSuites } from '${new URL('run.ts', import.meta.url)}'
    const run = await runSuites({
      control: ${JSON.stringify({ url: control.url, token: control.token })},
      contracts: ${JSON.stringify(config.contracts)}, canaries: [], seed: 1, own: [],
      only: ${JSON.stringify(folders.map((name) => `suites/${name}/`))},
    })
    process.stdout.write(JSON.stringify(run))
    process.exit()`
  await writeFile(join(folder, 'run.mjs'), script)
  const { stdout } = await execa(process.execPath, ['run.mjs'], { cwd: folder, stdin: 'ignore' })
  run = JSON.parse(stdout)
})
afterAll(async () => {
  await cluster?.stop()
  await rm(folder, { recursive: true, force: true })
})

const regressed = (suite: string) =>
  run.tests.filter((one) => one.suite === suite && one.outcome !== 'same').map(({ name }) => name.split(' > ').at(-1))
const messageOf = (name: string) => run.tests.find((one) => one.name.endsWith(name))?.message
const anyId = '[0-9a-f-]{36}'

test('every suite ran, and none fails on changes that harm nobody', () => {
  expect(run.errors).toEqual([])
  expect(new Set(run.tests.map(({ suite }) => suite))).toEqual(new Set(folders))
  expect(
    run.tests
      .filter(({ before }) => before !== 'passed')
      .map(({ name, before, message }) => ({ name, before, message })),
  ).toEqual([])
})

test('rls: each cell that differs from the contract is named by actor, command and table', () => {
  expect(regressed('rls')).toEqual([
    ...['select on public.event_user_roles, in 2 resources', 'select on public.profiles, in 2 resources'],
    'delete on public.tasks, in 2 resources',
    ...['select', 'update', 'delete'].map((command) => `${command} on public.event_vendors, in 2 resources`),
    'select on public.chat_messages, in 2 resources',
    ...['select', 'insert', 'update'].map((command) => `${command} on public.invitations, in 2 resources`),
    'ends with the membership, at once',
    'is not had by guessing ids of members',
    'is whole with the service key',
    'lead back to themselves for nobody',
    'a stranger sees neither',
    'what belongs to a resource is for its members alone',
  ])
  const said = {
    'delete on public.tasks, in 2 resources': `^viewer ${anyId} delete public.tasks of ${anyId}: (\\d+) of \\1 rows, may none; viewer`,
    'select on public.chat_messages, in 2 resources': `^removed ${anyId} select public.chat_messages of ${anyId}: \\d+ of \\d+ rows, may none`,
    'insert on public.invitations, in 2 resources': `^admin ${anyId} insert public.invitations of ${anyId}: only 0 of 1 rows, may all \\(SQLSTATE 42501\\)`,
    'update on public.invitations, in 2 resources': `^invited ${anyId} update public.invitations of ${anyId}: 1 of \\d+ rows, may none`,
    'select on public.event_vendors, in 2 resources': `^owner ${anyId} select public.event_vendors of ${anyId}: ended with SQLSTATE 42P17`,
    'lead back to themselves for nobody':
      '^authenticated select public.event_vendors; authenticated update public.event_vendors',
    'is not had by guessing ids of members': `^members of ${anyId}, guessed by stranger ${anyId}`,
    'ends with the membership, at once': `^rows of public.event_user_roles for ${anyId}, removed from`,
  }
  for (const [name, words] of Object.entries(said)) expect(messageOf(name)).toMatch(new RegExp(words))
})

test('roles-profiles: the few profiles that are hidden are missed', () => {
  expect(regressed('roles-profiles')).toEqual([
    "every kind of member gets every member's profile, in 8 resources",
    'a resource with 50 members, or as many as there are users',
    'a resource with 500 members, or as many as there are users',
  ])
  expect(messageOf('a resource with 50 members, or as many as there are users')).toMatch(
    new RegExp(`^missing profiles, as ${anyId} of ${anyId}: expected \\d to be`),
  )
})

test('integrity: every broken rule is counted', () => {
  expect(regressed('integrity')).toEqual([
    'every user has a profile',
    'every owner has the owner’s role',
    'everybody with a role is a user, and has one role in a resource',
    'every row that belongs to a resource has it',
    'public.event_user_roles (event_id, user_id) is unique',
    'public.access_codes (code) is unique, in any case',
    'every event_id of public.tasks is in public.events (id)',
    'public.access_codes: no code was used more often than it may be',
  ])
  expect(messageOf('every event_id of public.tasks is in public.events (id)')).toMatch(
    /^orphans in public.tasks: expected 1 to be/,
  )
})

test('access-codes: each kind of code is told apart', () => {
  expect(regressed('access-codes')).toEqual([
    'a code that expired is refused, one that will expire is not',
    'ten at once on a code with one use left let one in',
    'a code in another case is treated as the contract says, else alike on both sides',
    'an accepted code leaves one visit, a refused one none',
    'nothing tells a code that is switched off from one that does not exist',
  ])
  expect(messageOf('ten at once on a code with one use left let one in')).toMatch(/^let in: expected \d+ to be 1/)
})

test('no message holds a text of the rows', () => {
  const messages = run.tests.flatMap(({ message }) => message ?? [])
  expect(messages.filter((message) => /@|Somebody|Task \d|Message \d/.test(message))).toEqual([])
})
