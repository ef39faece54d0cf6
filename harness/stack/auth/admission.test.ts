import { expect, test } from 'vitest'
import type { Account } from './account.ts'
import { type AuthStep, refusalFor } from './admission.ts'

const account: Account = {
  id: '11111111-1111-4111-8111-111111111111',
  banned: false,
  deleted: false,
  anonymous: false,
  email: 'ada@example.com',
  phone: '',
  appMetadata: {},
  userMetadata: {},
  password: 'bcrypt',
  byAddress: true,
  sessionExpired: false,
}
const steps: readonly AuthStep[] = ['password', 'link', 'refresh', 'verify', 'authenticated']

test('an account in good standing passes every step', () => {
  expect(steps.map((step) => refusalFor(account, step))).toEqual(steps.map(() => undefined))
})

test.each([
  ['banned', 'password', 400, 'user_banned'],
  ['banned', 'refresh', 400, 'user_banned'],
  ['banned', 'verify', 403, 'user_banned'],
  ['banned', 'authenticated', 403, 'user_banned'],
  ['deleted', 'password', 400, 'invalid_credentials'],
  ['deleted', 'refresh', 400, 'refresh_token_not_found'],
  ['deleted', 'verify', 403, 'otp_expired'],
  ['deleted', 'authenticated', 403, 'user_not_found'],
  ['sessionExpired', 'refresh', 400, 'session_expired'],
] as const)('a %s account is refused at step %s with %i %s', (state, step, status, errorCode) => {
  expect(refusalFor({ ...account, [state]: true }, step)).toMatchObject({ status, errorCode })
})

test('a password that cannot be checked is never called wrong', () => {
  expect(refusalFor({ ...account, password: 'other' }, 'password')).toMatchObject({
    status: 501,
    errorCode: 'not_implemented',
  })
})
