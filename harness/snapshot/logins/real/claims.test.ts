import { expect, test } from 'vitest'
import { claimsOf, differingClaims } from './claims.ts'

const token = (claims: object) =>
  [{ alg: 'none' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
    .concat('.')

const claims = {
  iss: 'http://127.0.0.1:1/auth/v1',
  iat: 1,
  exp: 2,
  session_id: 'one',
  sub: 'user',
  role: 'authenticated',
  app_metadata: { provider: 'email', roles: ['a', 'b'], nested: { x: 1, y: 2 } },
  amr: [
    { method: 'totp', timestamp: 1 },
    { method: 'password', timestamp: 1 },
  ],
}

test('times, ids, the port of the stack and the order of keys are no difference', () => {
  const again = {
    ...claims,
    iss: 'http://127.0.0.1:2/auth/v1',
    iat: 3,
    exp: 4,
    session_id: 'two',
    app_metadata: { nested: { y: 2, x: 1 }, roles: ['a', 'b'], provider: 'email' },
    amr: [
      { method: 'password', timestamp: 9 },
      { method: 'totp', timestamp: 8 },
    ],
  }
  expect(differingClaims(claimsOf(token(claims)), claimsOf(token(again)))).toEqual([])
})

test('a changed, a new and a lost claim are named by their path; a key that may be personal is not', () => {
  const other = {
    ...claims,
    role: 'admin',
    app_metadata: { provider: 'email', roles: ['b', 'a'], 'someone@example.com': true },
    amr: [{ method: 'password', timestamp: 1 }],
  }
  const differing = differingClaims(claimsOf(token(claims)), claimsOf(token(other)))
  expect(differing).toEqual(['amr', 'app_metadata', 'app_metadata.nested', 'app_metadata.roles', 'role'])
})
