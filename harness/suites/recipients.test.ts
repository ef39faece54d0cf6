import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import config from '../../fixtures/planner/greenlight.config.ts'
import type { Cluster } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { Side, SuiteRun } from '../model/suite-run.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { makeProject, migrate } from '../snapshot/access/test-project.ts'
import { startStack } from '../stack/stack.ts'
import { startControl } from './control.ts'

const functions = fileURLToPath(new URL('../../fixtures/planner/functions', import.meta.url))

type Change = { readonly file: string; readonly from: string; readonly to: string }
const notifications = 'send-notification-email/notifications.ts'

/** Each breaks one rule; they meet in one function, since each is seen by an assertion of its own. */
const sabotaged: readonly Change[] = [
  // Mails the editor.
  {
    file: notifications,
    from: 'to: { people: everybodyBut(roles, actorId) },',
    to: 'to: { people: everybodyBut(roles) },',
  },
  // Tells the one who was added twice.
  { file: notifications, from: 'everybodyBut(roles, actorId, added)', to: 'everybodyBut(roles, actorId)' },
  // The account is not asked, nor the switch.
  {
    file: '_shared/people.ts',
    from: 'const answers = await Promise',
    to: `found.push(...piece)
    continue
    const answers = await Promise`,
  },
  { file: '_shared/people.ts', from: 'email_notifications !== false && ', to: '' },
  // One bad address costs all others their mail.
  { file: '_shared/mail.ts', from: "batchValidation: 'permissive',", to: "batchValidation: 'strict'," },
  // Members beyond the first page are forgotten.
  {
    file: '_shared/people.ts',
    from: 'for (const ids of pieces([...roles.keys()])) {',
    to: 'for (const ids of pieces([...roles.keys()]).slice(0, 1)) {',
  },
  // Anybody is let in, and a body without sense is an error of the server's.
  {
    file: '_shared/database.ts',
    from: "if (error || !data.user) throw new Refusal(401, 'Log in first.')",
    to: 'if (error || !data.user) return {}',
  },
  {
    file: '_shared/http.ts',
    from: "throw new Refusal(400, 'The body must be a JSON object.')",
    to: "throw new Error('The body must be a JSON object.')",
  },
  // What people write is HTML.
  { file: '_shared/html.ts', from: '`<p>${escapeHtml(text)', to: '`<p>${(text)' },
]

/** The same places, said in other words. */
const nearMiss: readonly Change[] = [
  {
    file: notifications,
    from: 'to: { people: everybodyBut(roles, actorId) },',
    to: 'to: { people: everybodyBut(roles, actorId, undefined) },',
  },
  { file: '_shared/people.ts', from: 'email_notifications !== false && ', to: '(email_notifications ?? true) && ' },
  {
    file: '_shared/http.ts',
    from: "throw new Refusal(400, 'The body must be a JSON object.')",
    to: "throw new Refusal(422, 'That is no JSON object.')",
  },
  { file: '_shared/html.ts', from: 'subject: subject.replace', to: 'subject: String(subject).replace' },
]

let cluster: Cluster
let folder = ''
let run: SuiteRun

/** The suites with two sets of functions: on `before` the near miss, on `after` the sabotaged ones. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recipients-'))
  const folders: Record<Side, string> = { before: join(folder, 'near-miss'), after: join(folder, 'sabotaged') }
  await changed(folders.before, nearMiss)
  await changed(folders.after, sabotaged)
  cluster = await startTestCluster()
  const database = await cluster.createDatabase('migrated')
  await preparePlatformSchemas(database)
  await makeProject(database, { users: 420 })
  await migrate(
    database,
    `alter table profiles add column email_notifications boolean not null default true, add column timezone text not null default 'UTC';
     alter table event_user_roles add column notifications boolean not null default true;
     update profiles set full_name = 'Person ' || right(id::text, 4);
     ${await claimMails()}`,
  )
  let clones = 0
  await using control = await startControl(async (side) => {
    const clone = await database.clone(`clone_${++clones}`)
    return {
      ...(await startStack(clone, { functions: folders[side], functionsEnv: config.functionsEnv ?? {} })),
      database: clone,
    }
  })
  const script = `
    import { runSuites } from '${new URL('run.ts', import.meta.url)}'
    const run = await runSuites({
      control: ${JSON.stringify({ url: control.url, token: control.token })},
      contracts: ${JSON.stringify(config.contracts)}, canaries: [], seed: 1, own: [], only: ['suites/notifications/'],
      isDoubtful: () => true,
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

/** What the functions call, out of the reference app's migration. */
async function claimMails(): Promise<string> {
  const file = new URL('../../fixtures/planner/migrations/210_create_email_tracking_tables.sql', import.meta.url)
  const [found] = /create function public\.claim_mails[\s\S]*?to service_role;/.exec(await readFile(file, 'utf8')) ?? []
  if (found === undefined) throw new Error('The migration makes no claim_mails.')
  return found
}

async function changed(to: string, changes: readonly Change[]): Promise<void> {
  await cp(functions, to, { recursive: true })
  for (const { file, from, to: other } of changes) {
    const text = await readFile(join(to, file), 'utf8')
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
    await writeFile(join(to, file), text.replace(from, other))
  }
}

const messageOf = (name: string) => run.tests.find((one) => one.name.includes(name))?.message ?? ''

test('functions that say the same in other words pass every test', () => {
  expect(run.errors).toEqual([])
  expect(run.tests.filter(({ before }) => before !== 'passed').map(({ name, message }) => ({ name, message }))).toEqual(
    [],
  )
})

test('each broken rule is named, in counts', () => {
  const failed = run.tests.filter(({ outcome }) => outcome === 'regressed').map(({ name }) => name.split(' > ').at(-1))
  expect(failed.sort()).toEqual(
    [
      'a body that says nothing sensible is refused, without a mail and without a row',
      'a request that fails costs at most its own recipients the mail, and the next call nobody a second one',
      'an address that cannot be mailed does not keep the others from theirs',
      'an odd address is mailed once or not at all, and brings in nobody else',
      ...['1', '2', '50', '500'].map((size) => `an update reaches everybody of ${size}, or as many as there are`),
      'chat-message: exactly those whom it concerns get one mail, whoever causes it',
      'collaborator-added: exactly those whom it concerns get one mail, whoever causes it',
      'collaborator-removed: exactly those whom it concerns get one mail, whoever causes it',
      'of production, the recipients are those of the contracts',
      'resource-updated: exactly those whom it concerns get one mail, whoever causes it',
      'two edits at once reach everybody, and no editor by the own one',
      'what people write stays text in the mail',
      'who is not logged in, or no longer, is refused',
      'who was removed gets no further mail, who has another address gets it there',
    ].sort(),
  )
  const updated = messageOf('resource-updated: exactly')
  for (const why of ['to who caused it', 'to who is banned', 'to who is unconfirmed', 'to who is unsubscribed'])
    expect(updated).toContain(why)
  expect(updated).not.toContain('to who is removed')
  expect(messageOf('everybody of 500')).toContain('missing')
  expect(run.tests.flatMap(({ message }) => message ?? []).filter((message) => /@planner/.test(message))).toEqual([])
})
