import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Cluster, Connection, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { Stack } from '../../model/stack.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { makeKeys } from '../keys.ts'
import { startStack } from '../stack.ts'

const functions = fileURLToPath(new URL('../../../fixtures/stack/functions', import.meta.url))

let cluster: Cluster
let template: Database
let database: Database
let stack: Stack
let owner: Connection
let clones = 0

beforeAll(async () => {
  cluster = await startTestCluster()
  template = await cluster.createDatabase('hooks')
  await preparePlatformSchemas(template)
  await using admin = await template.connect()
  const { serviceKey } = await makeKeys()
  const headers = JSON.stringify({ 'Content-Type': 'application/json', Authorization: `Bearer ${serviceKey}` })
  await admin.query(`
    create extension if not exists pg_net with schema extensions;
    create extension if not exists pg_cron with schema pg_catalog;
    create schema if not exists vault;
    create extension if not exists supabase_vault with schema vault;
    insert into vault.secrets (name, secret) values ('project_url', 'ciphertext'), ('service_role_key', 'ciphertext'), ('other', 'ciphertext');
    grant usage, create on schema public to postgres;
    create table public."Odd ""orders""" (id int, mail text);
    create table public.invited (mail text);
    create table public.quiet (id int);
    alter table public."Odd ""orders""" owner to postgres;
    alter table public.invited owner to postgres;
    alter table public.quiet owner to postgres;
    create trigger "Tell slack" after insert on public."Odd ""orders""" for each row execute function
      supabase_functions.http_request('https://hooks.example.com/T0/secret', 'POST', '{}', '{}', '1000');
    create function public.invite() returns trigger language plpgsql security definer as $$
    begin
      perform net.http_post(
        url := (select decrypted_secret from vault.decrypted_secrets where name = 'project_url') || '/functions/v1/mail',
        body := jsonb_build_object('to', new.mail),
        headers := jsonb_build_object('Authorization', 'Bearer ' ||
          (select decrypted_secret from vault.decrypted_secrets where name = 'service_role_key')));
      return new;
    end $$;
    create trigger invite after insert on public.invited for each row execute function public.invite();
    create function public.ask() returns bigint language plpgsql as $$
    declare answer bigint;
    begin
      select net.http_get('https://api.example.org/people/' || 'ada@example.com') into answer;
      return answer;
    end $$`)
  await admin.query(
    `create trigger again after update on public.invited for each row execute function supabase_functions.http_request(
      'https://abcdefghij.supabase.co/functions/v1/hello', 'POST', '${headers}', '{}', '5000')`,
  )
})
beforeEach(async () => {
  database = await template.clone(`hooks_${++clones}`)
  stack = await startStack(database, { functions })
  owner = await database.connect({ role: 'postgres' })
})
afterEach(async () => {
  await owner[Symbol.asyncDispose]()
  await stack.stop()
  await database.drop()
})
afterAll(() => cluster?.stop())

const attempts = async () => {
  await stack.settled()
  return stack.egress()
}

describe('the database’s own ways out', () => {
  test('a webhook to another host is recorded with its trigger and table, without path or row', async () => {
    await owner.query(`insert into public."Odd ""orders""" values (1, 'ada@example.com')`)
    expect(await attempts()).toEqual([
      {
        function: 'database: trigger Tell slack on "Odd ""orders"""',
        host: 'hooks.example.com',
        detail:
          'trigger Tell slack on "Odd ""orders""" of the database asked pg_net to reach hooks.example.com; nothing was sent.',
      },
    ])
    const { rows } = await owner.query('select status_code, error_msg from net._http_response')
    expect(rows).toEqual([{ status_code: null, error_msg: "Couldn't resolve host name" }])
  })

  test('a function that calls pg_net is named with its line', async () => {
    await owner.query('select public.ask()')
    expect(await attempts()).toMatchObject([{ host: 'api.example.org', where: 'ask() line 4' }])
    expect(JSON.stringify(stack.egress())).not.toContain('ada')
  })

  test('a call that is rolled back, a table without webhook and a scheduled job are none', async () => {
    await owner.query('begin')
    await owner.query('select public.ask()')
    await owner.query('rollback')
    await owner.query('insert into public.quiet values (1)')
    await owner.query(`select cron.schedule('nightly', '* * * * *', $$select net.http_get('https://x.example.com')$$)`)
    expect(await attempts()).toEqual([])
  })

  test('what a migration queued is told and not delivered', async () => {
    const migrated = await template.clone('hooks_migrated')
    {
      await using session = await migrated.connect({ role: 'postgres' })
      await session.query(`select net.http_post('https://deploys.example.com/done', '{}')`)
      await session.query(`select net.http_post('https://abcdefghij.supabase.co/functions/v1/hello', '{}')`)
    }
    {
      await using after = await startStack(migrated, { functions })
      await after.settled()
      expect(after.egress()).toMatchObject([{ function: 'database: a statement', host: 'deploys.example.com' }])
      expect(after.logs().map(({ line }) => line)).toEqual([
        'A request of a statement for this project, made by a migration, was not delivered.',
      ])
    }
    await migrated.drop()
  })
})

describe('a call of the project’s own functions', () => {
  test('by a secret of the vault reaches the function, whose mail is captured, as on the platform', async () => {
    await owner.query(`insert into public.invited values ('bob@example.com')`)
    expect(await attempts()).toEqual([])
    expect(stack.mails().map(({ to }) => to)).toEqual([['bob@example.com']])
    const { rows } = await owner.query('select status_code from net._http_response')
    expect(rows).toEqual([{ status_code: 200 }])
    expect((await owner.query(`select name from vault.decrypted_secrets where decrypted_secret is null`)).rows).toEqual(
      [{ name: 'other' }],
    )
  })

  test('by production’s address and key is one of the stack’s', async () => {
    await owner.query(`insert into public.invited values ('bob@example.com')`)
    await owner.query(`update public.invited set mail = 'eve@example.com'`)
    expect(await attempts()).toEqual([])
    expect(stack.logs()).toContainEqual(expect.objectContaining({ function: 'hello', call: 'hello#1' }))
  })
})

test('a connection that the database opens itself stays on the machine’s own address', async () => {
  const arrived: string[] = []
  const listener = createServer((socket) => {
    arrived.push('here')
    socket.destroy()
  }).listen(0, process.platform === 'linux' ? '127.0.0.2' : '::1')
  await once(listener, 'listening')
  const address = listener.address()
  const { host, port } =
    typeof address === 'object' && address !== null
      ? { host: address.address, port: address.port }
      : { host: '', port: 0 }
  await using admin = await database.connect()
  await admin.query('create extension if not exists dblink with schema extensions')
  await expect(
    admin.query(
      `select extensions.dblink_connect('host=${host} port=${port} dbname=x user=x password=x connect_timeout=2')`,
    ),
  ).rejects.toMatchObject({ detail: expect.stringContaining('127.0.0.1') })
  expect(arrived).toEqual([])
  listener.close()
})
