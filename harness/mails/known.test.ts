import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { Mail } from '../model/stack.ts'
import { takeKnown } from './known.ts'
import { questions, settle } from './settle.ts'
import { watchMails } from './watch.ts'

const schema = `
  create schema auth;
  create table auth.users (id int, email text, encrypted_password text, raw_user_meta_data jsonb);
  insert into auth.users values (1, 'Ada@example.com', 'undefined', '{"bio": "null and void"}'), (2, 'bob@example.com', '', '{}');
  create schema "Odd ""schema";
  create table "Odd ""schema"."my table" ("a title" text, tags text[], extra jsonb);
  insert into "Odd ""schema"."my table" values ('undefined behaviour club', '{NaN club}', '{"a": ["see {{x}}"]}'), ('Bobby <b>Tables</b>', null, null);
  create table public.empty (t text);
  create table public.parts (t text) partition by list (t);
  create table public.parts_1 partition of public.parts default;`

let cluster: Cluster
let database: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  database = await cluster.createDatabase('known')
  await using connection = await database.connect()
  await connection.query(schema)
})
afterAll(() => cluster?.stop())

const names = [
  { table: 'Odd "schema.my table', column: 'a title' },
  { table: 'public.gone', column: 'name' },
]
const secrets = { jwtSecret: 'x'.repeat(20), anonKey: 'a', named: {} }

function sent(changes: Partial<Mail>): Mail {
  const empty = {
    cc: [],
    bcc: [],
    replyTo: [],
    headers: {},
    tags: [],
    attachments: [],
    links: [],
    tokens: [],
    events: [],
  }
  return {
    id: '1',
    source: 'resend',
    function: 'notify',
    from: 'a@planner.app',
    to: ['ada@example.com'],
    subject: 'News',
    text: 'Hello.',
    at: '',
    status: 'sent',
    ...empty,
    ...changes,
  }
}

async function look(...mails: Partial<Mail>[]) {
  const watch = watchMails({ own: ['planner.app'], project: '127.0.0.1:1' }, secrets)
  for (const mail of mails) watch.mail(sent(mail))
  const watched = watch.end()
  return settle(watched, await takeKnown(database, questions(watched, names)))
}

describe('what the data say of a mail', () => {
  test('titles, tags, JSON and what people told Auth excuse what they hold', async () => {
    const seen = await look(
      { text: 'The event undefined behaviour club was moved.' },
      { text: 'Tag: NaN club' },
      { text: 'Ada says: null and void' },
      { text: 'Note: see {{x}}' },
    )
    expect(seen).toMatchObject({ mails: 4, problems: [], excused: 4 })
  })

  test('nothing else does, least of all the columns of Auth', async () => {
    const { problems } = await look({ text: 'Hello undefined.' }, { text: 'Hello undefined, hello undefined.' })
    expect(problems).toEqual([{ sender: 'notify', kind: 'placeholder', detail: 'undefined', mails: 2 }])
  })

  test('two users in one mail read each other; a user and an office do not', async () => {
    const kinds = async (changes: Partial<Mail>) => (await look(changes)).problems.map(({ kind }) => kind)
    expect(await kinds({ to: ['Ada <ada@example.com>'], cc: ['BOB@example.com'] })).toEqual(['shared-recipients'])
    expect(await kinds({ to: ['ada@example.com', 'office@planner.app'] })).toEqual([])
    expect(await kinds({ to: ['ada@example.com', 'Ada <ADA@example.com>'] })).toEqual([])
    expect(await kinds({ to: ['ada@example.com'], bcc: ['bob@example.com'] })).toEqual([])
  })

  test('a title with a tag in it is found in the HTML of a mail as it is, and not escaped', async () => {
    const kinds = async (html: string) => (await look({ html })).problems.map(({ kind }) => kind)
    expect(await kinds('<p>Bobby <b>Tables</b> was moved</p>')).toEqual(['unescaped'])
    expect(await kinds('<p>Bobby &lt;b&gt;Tables&lt;/b&gt; was moved</p>')).toEqual([])
  })

  test('mails of Auth are not looked at', async () => {
    expect(await look({ source: 'auth', text: 'Hello undefined.' })).toMatchObject({ mails: 0, problems: [] })
  })

  test('a line break that Resend refused is told', () => {
    const watch = watchMails({ own: [], project: '' }, secrets)
    watch.refused({
      function: 'notify',
      name: 'validation_error',
      message: 'The `\\n` is not allowed in the `subject` field.',
      at: '',
    })
    watch.refused({ function: 'notify', name: 'validation_error', message: 'Invalid `to` field.', at: '' })
    expect(watch.end()).toMatchObject({
      refused: 2,
      problems: [{ problem: { kind: 'header-injection', detail: 'subject' } }],
    })
  })

  test('a token in a line of a function is told, one in a line of Auth is not', () => {
    const watch = watchMails({ own: [], project: '' }, secrets)
    watch.line({ at: 0, source: 'function', function: 'notify', line: `secret ${secrets.jwtSecret}` })
    watch.line({ at: 0, source: 'auth', line: `secret ${secrets.jwtSecret}` })
    expect(watch.end()).toMatchObject({
      logLines: 1,
      secrets: [{ sender: 'notify', secret: 'the JWT secret', place: 'log', times: 1 }],
    })
  })
})
