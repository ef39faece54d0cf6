import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunOptions } from './cli/options.ts'
import type { Cluster, Database } from './database/engine.ts'
import { startTestCluster } from './database/test-cluster.ts'
import { forgetKeptMails, readKeptMails } from './kept-mails/keep.ts'
import { writeKeptMails } from './kept-mails/write-page.ts'
import { mailCollector } from './mail-stage.ts'
import type { Side } from './model/suite-run.ts'
import { startStack } from './stack/stack.ts'

const functions = fileURLToPath(new URL('../fixtures/stack/leaky/functions', import.meta.url))
const functionsEnv = { SITE_URL: 'https://planner.app' }
const title = 'the <b>undefined</b> behaviour club'

let cluster: Cluster
let database: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  database = await cluster.createDatabase('mails')
  await using connection = await database.connect()
  await connection.query(
    `create schema auth; create table auth.users (id int, email text, created_at timestamptz, raw_user_meta_data jsonb);
     insert into auth.users values (1, 'ada@example.com'), (2, 'bob@example.com');
     create table public.events (id int, title text)`,
  )
  await connection.query('insert into public.events values (1, $1)', [title])
})
afterAll(() => cluster?.stop())

/** Calls one function once on each side, and gives what is told of its mails and logs. */
async function look(name: string, kept: Partial<RunOptions> = {}) {
  const contracts = { resource: { table: 'public.events', key: 'id', owner: 'id', title: 'title' } }
  const options = { ...kept, config: { functionsEnv, contracts } } as unknown as RunOptions
  const mails = mailCollector({ options, functions: ['leaky', 'tidy'] })
  for (const side of ['before', 'after'] satisfies Side[]) {
    const { begin, end, failedTest, ...watching } = mails.watch(side)
    await using stack = await startStack(database, {
      functions,
      functionsEnv,
      mailAccount: { rateLimit: 0 },
      ...watching,
    })
    begin(stack)
    const token = await new SignJWT({ role: 'authenticated', sub: '1' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(stack.jwtSecret))
    const answer = await fetch(`${stack.url}/functions/v1/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ names: ['Ada'], title, to: ['ada@example.com', 'bob@example.com'] }),
    })
    expect(answer.status).toBe(200)
    failedTest('a test that began later', Date.now() + 60_000)
    failedTest(`a test of ${side}`, 0)
    await stack.stop()
    await end(database)
  }
  return mails.evidence()
}

test('mails are kept for whoever asks for it, readable for nobody else, and else not', async () => {
  const out = await mkdtemp(join(tmpdir(), 'kept-mails-'))
  const files = ['kept-mails.jsonl', 'kept-mails.html'].map((name) => join(out, name))
  await look('tidy', { out, keep: false })
  expect(await writeKeptMails(out)).toBe(undefined)
  for (const file of files) await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
  await look('tidy', { out, keep: true })
  const mails = await Array.fromAsync(readKeptMails(out))
  expect(new Set(mails.map(({ side }) => side))).toEqual(new Set(['before', 'after']))
  expect(mails[0]).toMatchObject({ function: 'tidy', subject: expect.any(String), problems: [] })
  expect(await writeKeptMails(out)).toMatchObject({ page: 'kept-mails.html', mails: mails.length, senders: new Map() })
  for (const file of files) expect((await stat(file)).mode & 0o777).toBe(0o600)
  await forgetKeptMails(out)
  for (const file of files) await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
  await rm(out, { recursive: true })
})

test('each kept mail says what the findings say of it, and whose test failed meanwhile', async () => {
  const out = await mkdtemp(join(tmpdir(), 'kept-mails-'))
  const { findings } = await look('leaky', { out, keep: true })
  const problems = findings.flatMap(({ problem }) => problem ?? []).sort()
  const mails = await Array.fromAsync(readKeptMails(out))
  expect(problems).toContain('an unfilled placeholder: undefined')
  for (const mail of mails) expect(mail.problems.toSorted()).toEqual(problems)
  expect(mails.map(({ failedTests }) => failedTests)).toEqual([['a test of before'], ['a test of after']])
  const kept = await writeKeptMails(out)
  expect(kept?.senders.get('an unfilled placeholder: undefined')).toEqual(new Set(['leaky']))
  expect(kept?.failedTests).toEqual(new Set(['a test of before', 'a test of after']))
  expect(await writeKeptMails(out, 1)).toMatchObject({ mails: 2 })
  expect(await readFile(join(out, 'kept-mails.html'), 'utf8')).toContain('1 more mail')
  await rm(out, { recursive: true })
})

test('a folder that takes no mails is told as such', async () => {
  const out = await mkdtemp(join(tmpdir(), 'kept-mails-'))
  await writeFile(join(out, 'file'), '')
  await expect(look('tidy', { out: join(out, 'file'), keep: true })).rejects.toMatchObject({
    code: 'report.unwritable',
  })
  await rm(out, { recursive: true })
})

test('a function that sends one bad mail and logs a token is told, kind by kind', async () => {
  const { findings, checks } = await look('leaky')
  expect(findings.map(({ kind, severity, title: text }) => [kind, severity, text])).toEqual([
    ['mail.malformed', 'warning', '1 mail of the function leaky has a link without a host'],
    [
      'mail.malformed',
      'warning',
      '1 mail of the function leaky has only an HTML part; Resend derives the text from it',
    ],
    ['mail.malformed', 'warning', '1 mail of the function leaky has an unfilled placeholder: undefined'],
    [
      'mail.malformed',
      'blocking',
      '1 mail of the function leaky has several users in one "to" or "cc": each reads the addresses of the others',
    ],
    ['mail.malformed', 'blocking', '1 mail of the function leaky has a text of a person in it as HTML'],
    ['secret.exposed', undefined, "The function leaky has a user's access token written into its log, 2 times"],
  ])
  expect(checks.map(({ id, status }) => [id, status])).toEqual([
    ['features.mail', 'failed'],
    ['access.secrets', 'failed'],
  ])
})

test('one that sends the same as it should is fine, whatever the title says', async () => {
  const { findings, checks } = await look('tidy')
  expect(findings).toEqual([])
  expect(checks.map(({ status, numbers }) => [status, numbers?.mailsAfter ?? numbers?.logLinesSearched])).toEqual([
    ['passed', 2],
    ['passed', 2],
  ])
})
