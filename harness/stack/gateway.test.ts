import { beforeAll, describe, expect, test } from 'vitest'
import { HarnessError } from '../errors.ts'
import { makeForwarder } from './forward.ts'
import { makeGateway } from './gateway.ts'
import { type ApiKeys, makeKeys } from './keys.ts'
import { lazyPart } from './lazy-part.ts'
import { makeMailService } from './mailbox/mail-service.ts'

let keys: ApiKeys
let gateway: ReturnType<typeof makeGateway>
const failures: HarnessError[] = []
const breaks: { path: string; message: string }[] = []
const seen: Request[] = []

beforeAll(async () => {
  keys = await makeKeys()
  gateway = makeGateway({
    keys,
    dataApi: lazyPart(() =>
      Promise.reject(new HarnessError('stack.start-failed', 'The Data API did not start: no room.')),
    ),
    auth: lazyPart(async () => ({
      running: () => true,
      stop: async () => {},
      fetch: async (request) => {
        seen.push(request)
        if (request.url.includes('breaks')) throw new Error("cannot read 'a value'")
        if (request.url.includes('late'))
          throw new HarnessError('stack.start-failed', 'not ready after 30 s', { facts: { timedOut: true } })
        return Response.json({})
      },
    })),
    functions: undefined,
    mail: makeMailService({ now: () => new Date() }),
    forwarder: makeForwarder(),
    now: () => new Date(),
    onFailure: (error) => failures.push(error),
    onBreak: (broken) => breaks.push(broken),
  })
})

describe('the gateway', () => {
  test('asks for a key of this stack', async () => {
    const none = await gateway.request('/rest/v1/vendors')
    expect([none.status, await none.json()]).toMatchObject([401, { message: 'No API key found in request' }])
    const foreign = await gateway.request('/auth/v1/user', { headers: { apikey: (await makeKeys()).anonKey } })
    expect([foreign.status, await foreign.json()]).toMatchObject([401, { message: 'Invalid API key' }])
  })

  test('lets a link from a mail through without a key', async () => {
    expect((await gateway.request('/auth/v1/verify?token=x&type=signup')).status).toBe(200)
    expect((await gateway.request('/auth/v1/token', { method: 'POST' })).status).toBe(401)
  })

  test.each(['publishableKey', 'secretKey'] as const)(
    'turns the opaque %s into the token of its role',
    async (name) => {
      const expected = name === 'publishableKey' ? keys.anonKey : keys.serviceKey
      await gateway.request('/auth/v1/settings', { headers: { apikey: keys[name] } })
      expect(seen.at(-1)?.headers.get('authorization')).toBe(`Bearer ${expected}`)
      await gateway.request('/auth/v1/settings', {
        headers: { apikey: keys[name], authorization: `Bearer ${keys[name]}` },
      })
      expect(seen.at(-1)?.headers.get('authorization')).toBe(`Bearer ${expected}`)
    },
  )

  test("leaves a user's token alone", async () => {
    await gateway.request('/auth/v1/user', { headers: { apikey: keys.publishableKey, authorization: 'Bearer a.b.c' } })
    expect(seen.at(-1)?.headers.get('authorization')).toBe('Bearer a.b.c')
  })

  test('answers preflights for any origin, without a key', async () => {
    const answer = await gateway.request('/rest/v1/vendors', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'apikey,prefer',
      },
    })
    expect(answer.ok).toBe(true)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('access-control-allow-headers')).toMatch(/apikey.*prefer/)
    expect(answer.headers.get('access-control-allow-methods')).toContain('PATCH')
  })

  test('answers 503 with the reason for a part that cannot start, and reports it', async () => {
    const answer = await gateway.request('/rest/v1/vendors', { headers: { apikey: keys.anonKey } })
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { code: 'stack.start-failed', message: 'The Data API did not start: no room.' },
    ])
    expect(failures.map((failure) => failure.code)).toEqual(['stack.start-failed'])
  })

  test('answers 502 for a request that breaks off within a part, and tells of it by its route, unless who sent it is gone', async () => {
    const headers = { apikey: keys.anonKey }
    const answer = await gateway.request('/auth/v1/breaks/at?email=x', { headers })
    expect([answer.status, await answer.json()]).toMatchObject([502, { code: 'stack.failed' }])
    expect(breaks).toEqual([{ path: '/auth/v1/breaks', message: 'cannot read "…"' }])
    await gateway.request('/auth/v1/breaks', { headers, signal: AbortSignal.abort() })
    await gateway.request('/auth/v1/settings', { headers })
    expect(breaks).toHaveLength(1)
  })

  test('tells of a part that took too long to start as of one that broke off: that is the machine, and not the app', async () => {
    const answer = await gateway.request('/auth/v1/late', { headers: { apikey: keys.anonKey } })
    expect(answer.status).toBe(503)
    expect(breaks.at(-1)).toEqual({ path: '/auth/v1/late', message: 'not ready after 30 s' })
    await gateway.request('/rest/v1/vendors', { headers: { apikey: keys.anonKey } })
    expect(breaks).toHaveLength(2)
  })

  test('answers 404 for what is not there', async () => {
    for (const path of ['/', '/storage/v1/object/x', '/functions/v1/nothing']) {
      const answer = await gateway.request(path)
      expect([answer.status, await answer.json()]).toEqual([
        404,
        expect.objectContaining({ message: expect.any(String) }),
      ])
    }
  })
})
