import { generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeKeys } from '../keys.ts'
import { startTestFunctions, type TestFunctions } from './test-functions.ts'

const moved = Date.UTC(2031, 2, 30, 1, 30)
let started: TestFunctions
let offset = 0
beforeAll(async () => {
  started = await startTestFunctions({
    limits: { memoryMegabytes: 64 },
    now: () => new Date(Date.now() + offset),
  })
})
afterAll(() => started[Symbol.asyncDispose]())

const codeOf = async (answer: Response) => [
  answer.status,
  answer.headers.get('sb-error-code'),
  /"code":"(\w+)"/.exec(await answer.text())?.[1],
]

describe('a function that asks for a token', () => {
  const hs256 = (secret: string, payload = {}, expires = '1h') =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(expires)
      .sign(new TextEncoder().encode(secret))
  const es256 = async () =>
    new SignJWT({ role: 'authenticated' })
      .setProtectedHeader({ alg: 'ES256' })
      .sign((await generateKeyPair('ES256')).privateKey)
  const hs512 = (secret: string) =>
    new SignJWT({}).setProtectedHeader({ alg: 'HS512' }).sign(new TextEncoder().encode(secret.repeat(2)))
  const unsigned = 'eyJhbGciOiJub25lIn0.e30.'

  test.each<[string, () => Promise<Record<string, string>>, string]>([
    ['no header', async () => ({}), 'UNAUTHORIZED_NO_AUTH_HEADER'],
    ['a foreign key as apikey', async () => ({ apikey: (await makeKeys()).anonKey }), 'UNAUTHORIZED_NO_AUTH_HEADER'],
    ['another scheme', async () => ({ authorization: 'Basic YTpi' }), 'UNAUTHORIZED_INVALID_JWT_FORMAT'],
    ['no token', async () => ({ authorization: 'Bearer x.y' }), 'UNAUTHORIZED_INVALID_JWT_FORMAT'],
    [
      'an opaque key as bearer alone',
      async () => ({ authorization: `Bearer ${started.keys.publishableKey}` }),
      'UNAUTHORIZED_INVALID_JWT_FORMAT',
    ],
    [
      'a forged one',
      async () => ({ authorization: `Bearer ${await hs256('x'.repeat(32))}` }),
      'UNAUTHORIZED_LEGACY_JWT',
    ],
    [
      'an expired one',
      async () => ({ authorization: `Bearer ${await hs256(started.keys.jwtSecret, {}, '-1m')}` }),
      'UNAUTHORIZED_LEGACY_JWT',
    ],
    ['an ES256 one', async () => ({ authorization: `Bearer ${await es256()}` }), 'UNAUTHORIZED_ASYMMETRIC_JWT'],
    [
      'an HS512 one',
      async () => ({ authorization: `Bearer ${await hs512(started.keys.jwtSecret)}` }),
      'UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM',
    ],
    [
      'an unsigned one',
      async () => ({ authorization: `Bearer ${unsigned}` }),
      'UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM',
    ],
  ])('is not reached with %s', async (_, headers, code) => {
    expect(await codeOf(await started.call('private', {}, await headers()))).toEqual([401, code, code])
  })

  test.each<[string, () => Promise<Record<string, string>>]>([
    ['the anon key', async () => ({ authorization: `Bearer ${started.keys.anonKey}` })],
    ['the service key', async () => ({ Authorization: `bearer ${started.keys.serviceKey}` })],
    ["a user's token", async () => ({ authorization: `Bearer ${await hs256(started.keys.jwtSecret)}` })],
    ['the publishable key as apikey', async () => ({ apikey: started.keys.publishableKey })],
    [
      'the secret key as apikey and bearer',
      async () => ({ apikey: started.keys.secretKey, authorization: `Bearer ${started.keys.secretKey}` }),
    ],
  ])('is reached with %s', async (_, headers) => {
    expect((await started.call('private', {}, await headers())).status).toBe(200)
  })

  test('is reached by a preflight without one', async () => {
    const answer = await fetch(`${started.url}/functions/v1/private`, { method: 'OPTIONS' })
    expect(answer.status).toBe(200)
  })
})

test('what is no function, or another spelling of one, is answered 404', async () => {
  for (const name of ['nothing', 'Private', '_shared', '..%2Fprivate']) {
    expect(await codeOf(await started.call(name))).toEqual([404, 'NOT_FOUND', 'NOT_FOUND'])
  }
})

describe('a function that does not end well', () => {
  const limits = (what: string) => started.call('limits', { what })

  test.each([
    ['throws', 'throw', [500, 'EDGE_FUNCTION_ERROR', undefined]],
    ['answers 503 itself', 'teapot', [503, 'EDGE_FUNCTION_ERROR', undefined]],
    ['leaves a rejection uncaught', 'reject', [500, 'WORKER_ERROR', 'WORKER_ERROR']],
    ['fills its heap', 'heap', [546, 'WORKER_LIMIT', 'WORKER_LIMIT']],
    ['fills memory outside the heap', 'buffers', [546, 'WORKER_LIMIT', 'WORKER_LIMIT']],
  ])('when it %s is answered as on the platform, disturbs no other, and runs again', async (_, what, expected) => {
    const other = started.call('private', {})
    expect(await codeOf(await limits(what))).toEqual(expected)
    expect((await other).status).toBe(200)
    expect(await (await limits('nothing')).text()).toBe('fine')
    expect(started.breaks, "what the function did is not the stack's").toEqual([])
  })
})

test('a call that its sender gives up is no break of the stack', async () => {
  await using short = await startTestFunctions({ limits: { wallClockSeconds: 3 } })
  await (await short.call('limits')).text()
  const gone = new AbortController()
  const headers = { authorization: `Bearer ${short.keys.anonKey}` }
  const request = { method: 'POST', body: JSON.stringify({ what: 'wait' }), headers, signal: gone.signal }
  const call = fetch(`${short.url}/functions/v1/limits`, request)
  setTimeout(() => gone.abort(), 300)
  await expect(call).rejects.toThrow(/abort/)
  await expect.poll(async () => (await short.call('limits')).status).toBe(200)
  expect(short.breaks).toEqual([])
})

test('a function that never answers, or loops, is answered 504 and started anew', async () => {
  await using impatient = await startTestFunctions({ limits: { idleSeconds: 1 } })
  await impatient.call('limits')
  for (const what of ['wait', 'spin']) {
    expect(await codeOf(await impatient.call('limits', { what }))).toEqual([504, 'IDLE_TIMEOUT', 'IDLE_TIMEOUT'])
    await expect.poll(async () => (await impatient.call('limits')).status).toBe(200)
  }
})

test('the wall clock ends a worker, also one that waits for its own answer', async () => {
  await using short = await startTestFunctions({ limits: { wallClockSeconds: 1.5 } })
  expect(await codeOf(await short.call('limits', { what: 'wait' }))).toEqual([546, 'WORKER_LIMIT', 'WORKER_LIMIT'])
  await expect.poll(async () => (await short.call('limits')).status).toBe(200)
})

test('background tasks are waited for when the stack stops', async () => {
  let lines: readonly string[]
  {
    await using short = await startTestFunctions()
    lines = short.lines
    expect(await (await short.call('background', { milliseconds: 300 })).text()).toBe('accepted')
    expect(lines.join()).not.toContain('the task is done')
  }
  expect(lines).toEqual(['background warn -: ending: termination', 'background info background#1: the task is done'])
})

describe('the time that a function sees', () => {
  const clock = async () => JSON.parse(await (await started.call('clock')).text())

  test('is the machine’s, unless the stack’s was moved; then all of its clocks agree', async () => {
    const real = await clock()
    expect(Math.abs(real.now - Date.now())).toBeLessThan(2_000)
    offset = moved - Date.now()
    const later = await clock()
    offset = 0
    expect(Math.abs(later.now - moved)).toBeLessThan(2_000)
    for (const time of [Date.parse(later.date), Date.parse(later.text), later.precise]) {
      expect(Math.abs(time - later.now)).toBeLessThan(1_500)
    }
    expect([later.given, later.is]).toEqual(['2020-02-29T00:00:00.000Z', [true, true, 7, true]])
    expect(Math.abs((await clock()).now - Date.now())).toBeLessThan(2_000)
  })
})
