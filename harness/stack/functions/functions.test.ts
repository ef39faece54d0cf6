import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestFunctions, type TestFunctions } from './test-functions.ts'

let started: TestFunctions
beforeAll(async () => {
  started = await startTestFunctions({
    extra: { SITE_NAME: 'Planner', SUPABASE_URL: 'https://production.example.com' },
  })
})
afterAll(() => started[Symbol.asyncDispose]())

const call = (path: string, body: unknown) => started.call(path, body)

test('folders with an entry module are functions, shared ones are not', () => {
  const open = started.functions.list.filter(({ verifyJwt }) => !verifyJwt)
  expect(open.map(({ name }) => name)).toEqual(['broken', 'hello', 'hook', 'keys'])
  expect(started.functions.list.map(({ name }) => name)).toEqual(
    'background broken classic clock direct hello hook jsx keys limits mail modern private stranger'.split(' '),
  )
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
  expect(started.lines).toContainEqual(expect.stringMatching(/^hello log hello#\d+: hello was called with 1 keys$/))
})

test('a preflight and its answer are the function’s own', async () => {
  const answer = await fetch(`${started.url}/functions/v1/hello`, { method: 'OPTIONS' })
  expect([answer.status, answer.headers.get('access-control-allow-headers')]).toEqual([
    200,
    'authorization, x-client-info, apikey, content-type',
  ])
})

test('mail goes to the double, by the Resend client and by plain fetch', async () => {
  expect(await (await call('mail', { to: 'ada@example.com' })).json()).toMatchObject({ error: null })
  expect(await (await call('mail', { to: 'bob@example.com', raw: true })).json()).toMatchObject({ status: 200 })
  expect(
    started.mailbox.mails().map(({ to, function: sender, idempotencyKey }) => [...to, sender, idempotencyKey]),
  ).toEqual([
    ['ada@example.com', 'mail', 'once'],
    ['bob@example.com', 'mail', undefined],
  ])
})

test('a function that exports its handler is served, with bare names from its deno.json', async () => {
  expect(await (await call('modern', {})).json()).toEqual({ method: 'POST', client: 'function' })
  expect(started.functions.mappings()).toContainEqual({
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
  expect(started.failures.map(({ code, facts }) => [code, facts.function])).toEqual([['function.unloadable', 'broken']])
})

test('JSX is compiled as deno.json says, static files are read and scratch files written', async () => {
  expect(await (await call('jsx', {})).json()).toEqual({ html: '<p>hello</p>', template: true })
  expect(started.functions.egress()).toEqual([])
})

test('the platform’s variables are there, and nothing of the harness', async () => {
  const { environment, headers, ...rest } = JSON.parse(await (await call('keys', {})).text())
  expect(environment).toEqual({
    SUPABASE_URL: started.url,
    SB_REGION: 'local',
    SB_EXECUTION_ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    DENO_DEPLOYMENT_ID: 'greenlight_keys_1',
    SUPABASE_JWKS: '{"keys":[]}',
  })
  expect(headers).toContain('authorization')
  expect(headers.filter((name: string) => name.includes('greenlight'))).toEqual([])
  expect(rest).toEqual({ publishable: ['default'], secret: ['default'], worker: 'undefined' })
})

test('a background task fails or ends after the answer, and is told with its call', async () => {
  await call('background', { milliseconds: 1, fail: true })
  await expect
    .poll(() => started.lines.join('\n'))
    .toMatch(/background error background#1: A background task failed: .*the task broke/)
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
