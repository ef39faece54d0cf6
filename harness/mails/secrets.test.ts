import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { type Secrets, secretsIn, secretsOf } from './secrets.ts'

const jwtSecret = 'a-secret-that-is-long-enough-to-sign-with'
const sign = (role: string, secret = jwtSecret) =>
  new SignJWT({ role }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(new TextEncoder().encode(secret))

const anonKey = await sign('anon')
const serviceKey = await sign('service_role')
const secrets: Secrets = {
  jwtSecret,
  anonKey,
  named: { 'the service key': serviceKey, RESEND_API_KEY: 're_test_greenlight', SHORT: 'abc' },
}

describe('a secret in a mail or a log', () => {
  test('is found: keys, passwords, and tokens that the stack signs', async () => {
    const token = await sign('authenticated')
    expect(secretsIn(`key ${serviceKey}`, secrets)).toEqual(['the service key'])
    expect(secretsIn('authorization: Bearer re_test_greenlight', secrets)).toEqual(['RESEND_API_KEY'])
    expect(secretsIn(`{"authorization":"Bearer ${token}"}`, secrets)).toEqual(["a user's access token"])
    expect(secretsIn(`sb_secret_${'x'.repeat(24)} ${jwtSecret}`, secrets)).toEqual([
      'a secret API key',
      'the JWT secret',
    ])
  })

  test("is none: the anon key, somebody else's token, a short word, an id", async () => {
    const own = await sign('invitation', "the app's own secret for its invitations")
    expect(
      secretsIn(`${anonKey} https://planner.app/join?t=${own} abc 550e8400-e29b-41d4-a716-446655440000`, secrets),
    ).toEqual([])
    expect(secretsIn(`sb_publishable_${'x'.repeat(24)}`, secrets)).toEqual([])
  })

  test('is what its name says in the environment', () => {
    const environment = {
      STRIPE_SECRET_KEY: 's',
      CRON_SECRET: 'c',
      SITE_URL: 'u',
      PUBLIC_KEY: 'p',
      MONKEY: 'm',
      API_TOKEN: '',
    }
    expect(Object.keys(secretsOf(environment))).toEqual(['STRIPE_SECRET_KEY', 'CRON_SECRET'])
  })
})
