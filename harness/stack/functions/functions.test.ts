import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HarnessError } from '../../errors.ts'
import { stackFolder } from '../folder.ts'
import { type Forwarder, makeForwarder } from '../forward.ts'
import { makeGateway } from '../gateway.ts'
import { type ApiKeys, makeKeys } from '../keys.ts'
import { lazyPart } from '../lazy-part.ts'
import { type Listener, listen } from '../listener.ts'
import { makeMailService } from '../mailbox/mail-service.ts'
import { functionEnvironment } from './environment.ts'
import { type Functions, openFunctions } from './functions.ts'

const folder = fileURLToPath(new URL('../../../fixtures/stack/functions', import.meta.url))
const mail = makeMailService({ now: () => new Date(), account: { rateLimit: 0 } })
const { mailbox } = mail
const failures: HarnessError[] = []
const lines: string[] = []
const files = stackFolder()
let keys: ApiKeys
let functions: Functions
let forwarder: Forwarder
let listener: Listener

beforeAll(async () => {
  keys = await makeKeys()
  let gateway: ReturnType<typeof makeGateway> | undefined
  listener = await listen(() => (request) => gateway?.fetch(request) ?? new Response())
  forwarder = makeForwarder()
  functions = await openFunctions({
    folder,
    ports: [listener.port],
    signal: undefined,
    makeFolder: files.make,
    onLine: (name, line) => lines.push(`${name}: ${line}`),
    environmentOf: (name) =>
      functionEnvironment({
        keys,
        url: listener.url,
        databaseUrl: 'postgres://postgres@127.0.0.1:1/postgres',
        resendUrl: `${listener.url}/mailbox/functions/${name}/resend`,
        extra: { SITE_NAME: 'Planner', SUPABASE_URL: 'https://production.example.com' },
      }),
  })
  const missing = () => lazyPart<never>(() => Promise.reject(new Error('not in this test')))
  gateway = makeGateway({
    keys,
    dataApi: missing(),
    auth: missing(),
    functions,
    mail,
    forwarder,
    onFailure: (error) => failures.push(error),
  })
})
afterAll(async () => {
  forwarder.close()
  await functions.stop()
  await files.remove()
  await listener.close()
})

function call(
  path: string,
  body: unknown,
  headers: Record<string, string> = { authorization: `Bearer ${keys.anonKey}` },
) {
  return fetch(`${listener.url}/functions/v1/${path}`, { method: 'POST', body: JSON.stringify(body), headers })
}

test('folders with an entry module are functions, shared ones are not', () => {
  expect(functions.list.map(({ name, verifyJwt }) => `${name} ${verifyJwt}`)).toEqual([
    'broken false',
    'classic true',
    'hello false',
    'mail true',
    'modern true',
    'private true',
    'stranger true',
  ])
})

test('a function is served under its path, with the environment of the platform and no other', async () => {
  const [first, second] = await Promise.all([call('hello/deep/path?x=1', { name: 'ada' }), call('hello', {})])
  expect(first.status).toBe(200)
  expect(await first.json()).toEqual({
    path: '/hello/deep/path',
    name: 'ada',
    variables: expect.arrayContaining([
      'SITE_NAME',
      'SUPABASE_URL',
      'SUPABASE_SERVICE_ROLE_KEY',
      'SUPABASE_DB_URL',
      'RESEND_API_KEY',
    ]),
  })
  const { variables }: { variables: string[] } = JSON.parse(await second.text())
  expect(variables).not.toContain('PATH')
  expect(variables.filter((name) => name.startsWith('GREENLIGHT') || name.startsWith('npm_'))).toEqual([])
  expect(lines).toContain('hello: hello was called with 1 keys')
})

test('a preflight and its answer are the function’s own', async () => {
  const answer = await fetch(`${listener.url}/functions/v1/hello`, { method: 'OPTIONS' })
  expect([answer.status, answer.headers.get('access-control-allow-headers')]).toEqual([
    200,
    'authorization, x-client-info, apikey, content-type',
  ])
})

test('without a valid token the platform’s 401 is answered before the function runs', async () => {
  const none = await call('private', {}, {})
  expect([none.status, await none.json()]).toEqual([401, { msg: 'Error: Missing authorization header' }])
  const foreign = await call('private', {}, { authorization: `Bearer ${(await makeKeys()).anonKey}` })
  expect([foreign.status, await foreign.json()]).toEqual([401, { msg: 'Invalid JWT' }])
  expect((await call('private', {}, { authorization: `Bearer ${keys.publishableKey}` })).status).toBe(200)
})

test('mail goes to the double, by the Resend client and by plain fetch', async () => {
  expect(await (await call('mail', { to: 'ada@example.com' })).json()).toMatchObject({ error: null })
  expect(await (await call('mail', { to: 'bob@example.com', raw: true })).json()).toMatchObject({ status: 200 })
  expect(mailbox.mails().map(({ to, function: sender, idempotencyKey }) => [...to, sender, idempotencyKey])).toEqual([
    ['ada@example.com', 'mail', 'once'],
    ['bob@example.com', 'mail', undefined],
  ])
})

test('a function reaches no other host, file or program, and each host it tried is named', async () => {
  expect(await (await call('stranger', {})).json()).toEqual(Array(5).fill('refused'))
  const hosts = ['tracker.example.com', 'smtp.example.net', 'redis.example.org']
  expect(functions.egress().map(({ function: name, host }) => [name, host])).toEqual(
    hosts.map((host) => ['stranger', host]),
  )
})

test('a function that exports its handler is served, with bare names from its deno.json', async () => {
  expect(await (await call('modern', {})).json()).toEqual({ method: 'POST', client: 'function' })
  expect(functions.mappings()).toContainEqual({
    from: 'jsr:@supabase/supabase-js@2',
    to: 'npm:@supabase/supabase-js@2',
  })
})

test('a function that does not load answers 503 with the reason, and is reported', async () => {
  const answer = await call('broken', {})
  expect([answer.status, await answer.json()]).toEqual([
    503,
    { code: 'BOOT_ERROR', message: expect.stringContaining('not-there.ts') },
  ])
  expect(failures.map(({ code, facts }) => [code, facts.function])).toEqual([['function.unloadable', 'broken']])
})

test('a function that runs answers within milliseconds', async () => {
  const times: number[] = []
  for (let n = 0; n < 10; n++) {
    const started = performance.now()
    await (await call('private', {})).text()
    times.push(performance.now() - started)
  }
  expect(Math.min(...times)).toBeLessThan(30)
})
